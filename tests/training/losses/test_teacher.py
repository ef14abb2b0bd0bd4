import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.generator.architecture import dense  # noqa: E402
from models.generator.network import Generator  # noqa: E402
from training.config.recipe import Recipe  # noqa: E402
from training.losses.teacher import TeacherObjective  # noqa: E402


@pytest.fixture
def teacher():
    torch.manual_seed(0)
    return Generator(dense(0.25, blocks=1)).eval().requires_grad_(False)


@pytest.fixture
def objective(loss_network, teacher):
    recipe = Recipe(style="s", images="p", scales=2, teacher="wide 0123")
    return TeacherObjective(recipe, loss_network, teacher)


@pytest.fixture
def window(photographs):
    return photographs.batch(seed=0, step=0, batch_size=2, size=(64, 64))


def test_nothing_is_wrong_with_what_the_teacher_paints(objective, teacher, window):
    losses = objective(window, teacher(window).clamp(0, 1), window=window)
    assert set(losses) == {"pixels", "features", "gram"}
    assert all(float(loss) < 1e-6 for loss in losses.values())


def test_the_photograph_is_not_what_is_wanted(objective, window):
    painted = window.clone().requires_grad_()
    losses = objective(window, painted, window=window)
    assert all(float(loss.detach()) > 0.01 for loss in losses.values())
    torch.stack(list(losses.values())).sum().backward()
    assert torch.isfinite(painted.grad).all() and painted.grad.abs().max() > 0


def test_only_the_part_at_the_corner_is_seen_by_the_loss_network(objective, teacher, window):
    painted = teacher(window).clamp(0, 1)
    painted[..., :32, :32] = 0.5
    elsewhere = objective(window, painted, window=window, corner=(32, 32))
    there = objective(window, painted, window=window, corner=(0, 0))
    assert float(elsewhere["features"]) < 1e-6
    assert float(there["features"]) > 1e-3
    assert float(elsewhere["pixels"]) == pytest.approx(float(there["pixels"]))


def test_an_error_on_a_face_counts_more(objective, teacher, window):
    painted = teacher(window).clamp(0, 1)
    painted[..., :32, :] += 0.1
    faces = torch.zeros(2, 1, 64, 64)
    faces[..., :32, :] = 1
    on, beside = (
        float(objective(window, painted, window=window, faces=mask)["pixels"])
        for mask in (faces, 1 - faces)
    )
    assert on > 3 * beside
