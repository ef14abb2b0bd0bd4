import numpy as np
import pytest


@pytest.fixture
def picture() -> np.ndarray:
    """A picture whose sides are no multiples of anything: smooth, with noise. (121, 173, 3)."""
    rows, columns = np.mgrid[0:121, 0:173]
    base = np.stack([rows * 3, columns * 2, rows + columns], axis=-1) % 256
    noise = np.random.default_rng(0).integers(-20, 20, base.shape)
    return np.clip(base + noise, 0, 255).astype(np.uint8)
