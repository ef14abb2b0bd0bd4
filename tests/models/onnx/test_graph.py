import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.card import ARCHITECTURE_KEY, METADATA_KEY, MINIMUM_SIDE, StyleCard
from models.errors import ModelError
from models.generator import architecture as arch
from models.generator.fold_batchnorm import fold_weights
from models.generator.parameters import random_weights
from models.onnx.graph import WHOLE, build_graph, coarse_coding, frame_graph, read_weights

torch = pytest.importorskip("torch", reason="needs the train extra")

VARIANTS = {
    "fast": arch.fast(),
    "fast narrow": arch.fast(0.25),
    "fast by 8": arch.fast(stride=8, stem_kernel=16),
    "fast with half the detail": arch.fast(detail=0.5),
    "fast residual": arch.fast(residual=True),
    "fast half": arch.fast(head="half", residual=True),
    "fast quarter": arch.fast(head="quarter"),
    "fast dense": arch.fast(0.5, block="dense", block_kernel=5),
    "small": arch.small(),
    "full": arch.johnson(0.25),
}


def trained_like(architecture):
    """A torch generator with every parameter and statistic away from its default."""
    from models.generator.network import Generator

    torch.manual_seed(0)
    generator = Generator(architecture)
    for module in generator.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, 0, 0.1)
    return generator.eval()


def graph_of(generator, card_of):
    weights = {k: v.numpy() for k, v in generator.state_dict().items()}
    architecture = generator.architecture
    folded = arch.folded(architecture)
    return build_graph(folded, fold_weights(architecture, weights), card_of(folded))


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(
    ("height", "width", "strength"), [(64, 96, 1.0), (61, 83, 0.35), (9, 70, 1.0)]
)
def test_the_graph_paints_what_torch_paints(name, height, width, strength, card_of, run_graph):
    generator = trained_like(VARIANTS[name])
    frame = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    planes = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        expected = generator(planes, strength)[0].permute(1, 2, 0).clamp(0, 1) * 255
    painted = run_graph(graph_of(generator, card_of), frame, strength)
    assert painted.shape == frame.shape
    assert painted.dtype == np.uint8
    assert np.abs(painted - expected.numpy()).max() <= 1.01


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(("height", "width"), [(64, 96), (61, 83)])
def test_the_graph_for_frames_gives_the_coarse_picture_as_bytes(
    name, height, width, card_of, run_graph
):
    generator = trained_like(VARIANTS[name])
    frame = np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)
    with torch.no_grad():
        planes = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
        expected = generator.coarse(planes)[0].permute(1, 2, 0).numpy() * 255
    model, coding = frame_graph(graph_of(generator, card_of))
    assert coding == coarse_coding(arch.folded(VARIANTS[name]))
    levels = coding.step * (run_graph(model, frame).astype(float) - coding.zero)
    assert levels.shape == (-(-height // coding.pitch), -(-width // coding.pitch), 3)
    lowest, highest = -coding.step * coding.zero, coding.step * (255 - coding.zero)
    off = np.abs(levels - expected.clip(lowest, highest))
    assert off.max() <= coding.step / 2 + 0.01


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(height=st.integers(MINIMUM_SIDE, 99), width=st.integers(MINIMUM_SIDE, 99))
def test_strength_zero_gives_back_any_frame(height, width, card_of, run_graph):
    architecture = arch.folded(arch.fast(0.25))
    model = build_graph(architecture, random_weights(architecture), card_of(architecture))
    frame = np.random.default_rng(height * width).integers(
        0, 256, (height, width, 3), dtype=np.uint8
    )
    assert (run_graph(model, frame, 0.0) == frame).all()


def test_strength_is_one_unless_given(card_of, run_graph):
    architecture = arch.folded(arch.fast(0.25))
    model = build_graph(architecture, random_weights(architecture), card_of(architecture))
    frame = np.full((50, 50, 3), 90, np.uint8)
    assert (run_graph(model, frame) == run_graph(model, frame, 1.0)).all()
    assert (run_graph(model, frame) != run_graph(model, frame, 0.0)).any()


def test_the_graph_explains_itself_and_gives_its_weights_back(card_of):
    architecture = arch.folded(arch.small())
    weights = random_weights(architecture, seed=3)
    model = build_graph(architecture, weights, card_of(architecture))
    about = {entry.key: entry.value for entry in model.metadata_props}
    assert StyleCard.model_validate_json(about[METADATA_KEY]) == card_of(architecture)
    again, read = read_weights(onnx.load_from_string(model.SerializeToString()))
    assert again == architecture
    assert read.keys() == weights.keys()
    assert all((read[name] == weights[name]).all() for name in weights)


def test_a_graph_with_layers_of_another_version_still_runs_whole_but_gives_no_weights(card_of):
    architecture = arch.folded(arch.fast(0.25))
    model = build_graph(architecture, random_weights(architecture), card_of(architecture))
    stored = next(x for x in model.metadata_props if x.key == ARCHITECTURE_KEY)
    stored.value = stored.value.replace('"kernel"', '"kernels"')
    assert frame_graph(model) == (model, WHOLE)
    with pytest.raises(
        ModelError, match="its layers are from another version of stylecam; export it again"
    ):
        read_weights(model)


def test_nothing_beyond_the_margin_reaches_a_fast_picture(card_of, run_graph):
    """No frame around the picture: the middle of a flat wall is painted like its border."""
    generator = trained_like(arch.fast())
    wall = np.full((128, 160, 3), (120, 90, 60), np.uint8)
    painted = run_graph(graph_of(generator, card_of), wall).astype(int)
    # Periodic in the grid, so a border cell must equal a middle cell to within rounding.
    middle = painted[64:68, 80:84]
    for cell in (painted[:4, :4], painted[:4, -4:], painted[-4:, :4], painted[60:64, :4]):
        assert np.abs(cell - middle).max() <= 2
