import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.exposure import curve, measure  # noqa: E402
from training.data.tensor_exposure import expose, moments  # noqa: E402


@pytest.mark.parametrize("light", [0.05, 0.4, 1.0])
def test_training_normalises_as_the_live_picture_is_normalised(light):
    picture = np.random.default_rng(0).random((48, 64, 3)) * light
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None]
    normalised = expose(planes, *moments(planes))[0].permute(1, 2, 0).numpy()
    assert np.allclose(normalised, curve(picture, measure(picture)), atol=1e-3)


def test_each_picture_has_its_own_exposure():
    pictures = torch.rand(2, 3, 32, 32) * torch.tensor([0.2, 1.0]).view(2, 1, 1, 1)
    means = expose(pictures, *moments(pictures)).mean(dim=(1, 2, 3))
    assert float(means[0]) == pytest.approx(float(means[1]), abs=0.03)
