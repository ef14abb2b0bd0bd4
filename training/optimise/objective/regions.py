"""Region masks: a picture in flat colours, one for each style, says where which style counts."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import UsageError
from training.losses.tones.light import LUMA

COARSE = 32
"""Colours nearer than this, in levels of 255, are one: compression and soft edges vary them."""
SMALLEST_SHARE = 0.01
"""Share of the mask below which a colour is no region."""


def region_colours(mask: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The flat colours (R, 3) of a mask (H, W, 3), from dark to light.

    Only pixels like their neighbours count: the soft edge between two regions is none itself.
    """
    neighbours = np.ones((5, 5), np.uint8)
    contrast = cv2.subtract(cv2.dilate(mask, neighbours), cv2.erode(mask, neighbours))
    flat = mask[contrast.max(axis=-1) < COARSE]
    coarse = (flat.astype(np.int64) + COARSE // 2) // COARSE
    keys = (coarse[:, 0] * 16 + coarse[:, 1]) * 16 + coarse[:, 2]
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    colours: list[NDArray[np.float64]] = []
    for number in np.argsort(-counts):
        colour = np.median(flat[inverse == number], axis=0)
        near = any(np.abs(colour - other).max() < 2 * COARSE for other in colours)
        if counts[number] >= SMALLEST_SHARE * mask.shape[0] * mask.shape[1] and not near:
            colours.append(colour)
    found = np.array(colours).reshape(-1, 3)
    return found[np.argsort(found @ LUMA, kind="stable")]


def regions_of(mask: NDArray[np.uint8], count: int, shape: tuple[int, int]) -> Tensor:
    """The regions (count, H, W) float 0..1 of a mask (h, w, 3), resized to `shape`, dark to light.

    Every pixel belongs to the region of the nearest colour; the edges are soft by the resizing.
    Raises UsageError if the mask does not have `count` colours.
    """
    colours = region_colours(mask)
    if len(colours) != count:
        found = ", ".join("#" + bytes(int(x) for x in c).hex() for c in colours)
        raise UsageError(
            f"the mask has {len(colours)} flat colours ({found}), but there are {count} styles; "
            "give a --style for each, from the darkest colour to the lightest"
        )
    distances = ((mask[None].astype(np.float32) - colours[:, None, None]) ** 2).sum(axis=-1)
    owner = distances.argmin(axis=0)
    planes = [(owner == number).astype(np.float32) for number in range(count)]
    size = (shape[1], shape[0])
    resized = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes]
    return torch.from_numpy(np.stack(resized))
