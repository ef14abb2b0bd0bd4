import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import models.exposure  # noqa: E402
from training.data.tensor_exposure import expose, measure  # noqa: E402


@pytest.mark.parametrize("light", [0.05, 0.4, 1.0, 1.8])
def test_training_normalises_as_the_live_picture_is_normalised(light):
    picture = np.minimum(np.random.default_rng(0).random((300, 280, 3)) * light, 1)
    planes = torch.from_numpy(picture).permute(2, 0, 1)[None]
    normalised = expose(planes, measure(planes))[0].permute(1, 2, 0).numpy()
    wanted = models.exposure.curve(picture, models.exposure.measure(picture))
    assert np.allclose(normalised, wanted, atol=1e-3)


def test_each_picture_has_its_own_exposure():
    pictures = torch.rand(2, 3, 32, 32) * torch.tensor([0.4, 1.0]).view(2, 1, 1, 1)
    means = expose(pictures, measure(pictures)).mean(dim=(1, 2, 3))
    assert float(means[0]) == pytest.approx(float(means[1]), abs=0.03)
