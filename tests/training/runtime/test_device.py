import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.errors import UsageError  # noqa: E402
from training.config.recipe import Recipe  # noqa: E402
from training.data.batch import crop_size  # noqa: E402
from training.data.photographs import Photographs  # noqa: E402
from training.loop.trainer import Trainer  # noqa: E402
from training.losses.objective import objective_for  # noqa: E402
from training.runtime.device import CPU, memory_available_on, pick_device, release_free_memory_on  # noqa: E402
from training.runtime.memory_budget import MemoryBudget, used_bytes  # noqa: E402

TENTH_OF_A_GB = 10**8


@pytest.fixture
def gpu():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return torch.device("cuda")


def test_without_a_gpu_the_cpu_trains(monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto") == pick_device("cpu") == CPU
    assert not caplog.text


def test_a_gpu_that_does_not_work_is_left_alone(monkeypatch, caplog):
    if torch.cuda.is_available():
        pytest.skip("the GPU of this machine works")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto") == CPU
    (line,) = caplog.messages
    assert "it does not work" in line


@pytest.mark.gpu
def test_a_gpu_trains_unasked(gpu):
    assert pick_device("auto") == gpu


def test_a_gpu_asked_for_in_vain_is_one_clear_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match=r"--device cuda: torch finds no CUDA device .*nvidia-smi"):
        pick_device("cuda")


def test_on_the_cpu_the_ceiling_limits_the_room():
    room = memory_available_on(CPU, MemoryBudget(used_bytes() + TENTH_OF_A_GB))
    assert 0 < room <= TENTH_OF_A_GB
    assert memory_available_on(CPU) > room
    release_free_memory_on(CPU)


def run_on(device, loss_network, photographs, style_picture):
    from training.data.tensors import to_tensor

    recipe = Recipe(style="x", images="x", batch_size=2, image_size=64, alpha=0.25, warmup_steps=0)
    network = loss_network.to(device)
    objective = objective_for(recipe, network, [to_tensor(style_picture[None])], [1.0])
    run = Trainer(recipe, objective, None)
    crops = photographs.batch(seed=0, step=0, batch_size=2, size=crop_size(recipe))
    return run, run.take_step(crops)


@pytest.mark.gpu
def test_a_gpu_takes_the_same_first_step(gpu, loss_network, photographs, style_picture):
    given = loss_network, photographs, style_picture
    (here, expected), (there, losses) = (run_on(device, *given) for device in (CPU, gpu))
    assert losses == pytest.approx(expected, rel=0.02, abs=1e-4)
    assert next(there.generator.parameters()).is_cuda
    stored = there.checkpoint()
    assert all(v.device == CPU for v in (*stored.weights.values(), *stored.average.values()))
    crops = photographs.batch(seed=0, step=1, batch_size=2, size=crop_size(here.recipe))
    second = {}
    for device, checkpoint in ((CPU, stored), (gpu, here.checkpoint())):
        again, _ = run_on(device, *given)
        again.resume(checkpoint)
        second[device] = again.take_step(crops)
        assert again.step == 2
    assert second[gpu] == pytest.approx(second[CPU], rel=0.05, abs=1e-3)
    source = photographs.batch(seed=1, step=0, batch_size=1, size=(64, 64))
    painted = [run.averaged_generator()(source) for run in (here, there)]
    assert torch.allclose(*painted, atol=0.02)


@pytest.mark.gpu
def test_a_training_on_a_gpu_goes_on_from_its_checkpoint(gpu, small_training, tmp_path):
    steps = []

    def note(progress):
        steps.append(progress.step)

    def note_and_stop(progress):
        note(progress)
        if progress.step == 7:
            raise KeyboardInterrupt

    given = {"device": gpu, "checkpoint_every": 5}
    with pytest.raises(KeyboardInterrupt):
        small_training(tmp_path / "run", on_progress=note_and_stop, **given)
    made = small_training(tmp_path / "run", on_progress=note, **given)
    assert steps == [*range(1, 8), *range(6, 13)]
    assert made.finished
    assert memory_available_on(gpu) > TENTH_OF_A_GB
    release_free_memory_on(gpu)


@pytest.mark.gpu
def test_a_gpu_paints_a_picture_by_optimisation(gpu, loss_network, style_picture, photo_folder):
    from training.data.tensors import to_tensor
    from training.optimise.objective.features import PaintFeatures
    from training.optimise.paint import Painting
    from training.optimise.settings import PaintSettings

    photo = Photographs(photo_folder, warn=False).training[0]
    features = PaintFeatures(loss_network.to(gpu), "max")
    settings = PaintSettings(size=96, initial_iterations=4)
    pictures = to_tensor(photo[None]), [to_tensor(style_picture[None])]
    painted = Painting(*pictures, features, settings).run()
    assert painted.shape[3] == 96
    assert painted.std() > 0.01
