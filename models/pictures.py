"""Pictures as arrays, for both halves."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RGB: TypeAlias = NDArray[np.uint8]
"""A picture (H, W, 3), uint8, RGB, 0..255."""
