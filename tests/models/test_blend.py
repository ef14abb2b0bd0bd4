import numpy as np
import pytest
from click.testing import CliRunner

from models.blend import blend, weighted_mean
from models.card import load_card, write_card
from models.errors import ModelError, UsageError
from models.generator import architecture as arch
from models.generator.parameters import random_weights
from models.onnx.graph import build_graph


@pytest.fixture
def style_file(tmp_path, card_of):
    def make(name, *, seed=0, architecture=None, exposure=False, **training):
        architecture = architecture or arch.folded(arch.fast(0.25))
        about = {"name": name, "training": training, "exposure": exposure}
        card = card_of(architecture).model_copy(update=about)
        path = tmp_path / f"{name}.onnx"
        weights = random_weights(architecture, seed)
        path.write_bytes(build_graph(architecture, weights, card).SerializeToString())
        write_card(card, path)
        return load_card(path)

    return make


def test_a_mixture_is_the_weighted_mean_whatever_the_sum_of_shares():
    parts = [{"w": np.array([0.0, 4.0], np.float32)}, {"w": np.array([8.0, 0.0], np.float32)}]
    assert weighted_mean(parts, [3.0, 1.0])["w"].tolist() == [2.0, 3.0]
    assert weighted_mean(parts, [30.0, 10.0])["w"].tolist() == [2.0, 3.0]
    assert weighted_mean(parts, [0.0, 1.0])["w"].tolist() == [8.0, 0.0]


def test_the_ends_of_a_blend_are_its_parts(style_file, run_graph):
    a, b = style_file("a", base="b1", seed=1), style_file("b", base="b1", seed=2)
    frame = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    import onnx

    for shares, end in (([1.0, 0.0], a), ([0.0, 1.0], b)):
        model, _ = blend([a, b], shares, "end")
        assert (run_graph(model, frame) == run_graph(onnx.load(end.path), frame)).all()
    middle, card = blend([a, b], [1.0, 1.0], "middle")
    assert (run_graph(middle, frame) != run_graph(onnx.load(a.path), frame)).any()
    assert "50%" in card.credit


def test_a_style_blends_with_the_one_it_was_tuned_from(style_file):
    root, child = style_file("root", fingerprint="f1"), style_file("child", base="f1")
    assert blend([root, child], [0.3, 0.7], "mixed")[1].parameters == root.parameters


def test_styles_of_one_family_blend_whatever_each_was_tuned_from(style_file):
    child = style_file("child", base="f2", family="f1")
    for relative in (style_file("root", base="f1"), style_file("cousin", base="f3", family="f1")):
        assert blend([child, relative], [0.5, 0.5], "mixed")[1].parameters == child.parameters


def test_strangers_are_refused_with_the_reason(style_file):
    a, b = style_file("a", base="b1"), style_file("b", base="b2")
    with pytest.raises(ModelError, match="b and a were not trained from one base"):
        blend([a, b], [1.0, 1.0], "x")
    wide = style_file("wide", base="b1", architecture=arch.folded(arch.fast(0.5)))
    with pytest.raises(ModelError, match="wide and a are of different architectures"):
        blend([a, wide], [1.0, 1.0], "x")
    lit = style_file("lit", base="b1", exposure=True)
    with pytest.raises(ModelError, match="lit and a expect other exposure"):
        blend([a, lit], [1.0, 1.0], "x")


def test_a_blend_sees_what_its_parts_see(style_file):
    parts = [style_file(name, base="b1", exposure=True) for name in ("a", "b")]
    assert blend(parts, [1.0, 1.0], "x")[1].exposure


@pytest.mark.parametrize(
    "shares", [[1.0, -0.5], [0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]]
)
def test_impossible_shares_are_refused(style_file, shares):
    a, b = style_file("a", base="b1"), style_file("b", base="b1")
    with pytest.raises(UsageError, match="give numbers of 0 or more"):
        blend([a, b], shares, "x")


def test_the_command_writes_a_style_and_keeps_what_is_there(style_file, tmp_path):
    from realtime.commands.blend import blend as command

    a, b = style_file("a", base="b1"), style_file("b", base="b1")
    words = [f"{a.path}=1", f"{b.path}=3", "-o", str(tmp_path / "mix.onnx")]
    done = CliRunner().invoke(command, words, standalone_mode=False)
    assert done.exception is None
    assert load_card(tmp_path / "mix.onnx").name == "mix"
    again = CliRunner().invoke(command, words, standalone_mode=False)
    assert isinstance(again.exception, UsageError)
    assert "--force" in str(again.exception)
    unnamed = [*words[:3], str(tmp_path / "a mix.onnx")]
    refused = CliRunner().invoke(command, unnamed, standalone_mode=False)
    assert isinstance(refused.exception, UsageError)
    assert "style name 'a mix'" in str(refused.exception)
    for wrong in (["a=1"], ["a", "b=1"], ["a=x", "b=1"]):
        bad = CliRunner().invoke(command, [*wrong, "-o", "n.onnx"], standalone_mode=False)
        assert isinstance(bad.exception, UsageError), wrong


def test_a_style_that_was_quantised_throughout_is_refused_with_the_remedy(style_file):
    import onnx

    whole, quantised = style_file("whole", base="b1"), style_file("quantised", base="b1")
    model = onnx.load(quantised.path)
    for tensor in model.graph.initializer:
        tensor.name += "_quantized"
    onnx.save(model, quantised.path)
    with pytest.raises(ModelError, match=r"quantised\.onnx: its weights cannot be read back"):
        blend([whole, quantised], [1.0, 1.0], "x")
