"""Paints one picture by optimisation (Gatys et al. 2016): slow, but the best quality.

Starts from the photograph and works from coarse to fine (Gatys et al. 2017, sec. 6). Knows no
files and no command line.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import torch.nn.functional as F
from torch import Tensor

from models.errors import UsageError
from training.config.recipe import Recipe
from training.data.tensors import Picture, shrink_to, to_picture, to_tensor
from training.losses.objective import objective_for
from training.losses.vgg import LossNetwork
from training.optimise.lbfgs import PixelOptimizer

SMALLEST_SIDE = 96
"""Least shorter side of the coarser pictures: below it the deep layers see only their padding."""
MOST_LEVELS = 3


@dataclass(frozen=True)
class PaintProgress:
    """Reported after every iteration. `losses`: weighted, by name. `shape`: (H, W) of the level.

    `picture()` returns the best picture so far in its final form, (H, W, 3) uint8 RGB.
    """

    iteration: int
    iterations: int
    shape: tuple[int, int]
    losses: dict[str, float]
    picture: Callable[[], Picture]


def paint(
    photo: Picture,
    style: Picture,
    network: LossNetwork,
    recipe: Recipe,
    *,
    size: int,
    iterations: int,
    keep_colours: bool = False,
    on_progress: Callable[[PaintProgress], None] = lambda _: None,
) -> Picture:
    """The photograph (H, W, 3) uint8 RGB in the style, its longer side at most `size` pixels.

    The style picture (h, w, 3) must have the size that its strokes should have in the result.
    The iterations are divided evenly among up to MOST_LEVELS levels, each twice as large as the
    one before and none below SMALLEST_SIDE; the style picture is shrunk along with each level.
    Raises UsageError for a photograph that is too small, TrainingError if the losses are not
    finite or run away.
    """
    photo = shrink_to(photo, size, longer=True)
    if min(photo.shape[:2]) < SMALLEST_SIDE // 2:
        raise UsageError(
            f"a photograph of {photo.shape[1]}x{photo.shape[0]} is too small to paint; "
            f"its shorter side needs {SMALLEST_SIDE // 2} pixels at the size of the painting"
        )
    source = grey(photo) if keep_colours else photo
    if keep_colours:
        style = match_tone(grey(style), source)
    sides = level_sides(photo.shape[:2])
    shares = np.diff(np.linspace(0, iterations, len(sides) + 1).round().astype(int))
    finish = partial(_finish, photo=photo, keep_colours=keep_colours)
    done = 0
    pixels = coarser = None
    for longer_side, share in zip(sides, shares, strict=True):
        level = to_tensor(shrink_to(source, longer_side, longer=True)[None]).to(network.device)
        if pixels is None or coarser is None:
            start = level
        else:  # add the change painted so far to the finer photograph
            start = level + enlarge(pixels - coarser, level)
        scale = longer_side / max(photo.shape[:2])
        strokes = shrink_to(style, max(1, round(max(style.shape) * scale)), longer=True)
        descent = _descent(start, level, strokes, network, recipe)
        for _ in range(share):
            losses = descent.step()
            done += 1
            shape = (level.shape[2], level.shape[3])
            best = partial(finish, descent.best)
            on_progress(PaintProgress(done, iterations, shape, losses, best))
        pixels, coarser = descent.best, level
    assert pixels is not None
    return finish(pixels)


def level_sides(shape: tuple[int, ...]) -> list[int]:
    """Longer sides of up to MOST_LEVELS levels, coarse to fine, for a picture of `shape` (H, W)."""
    shorter, longer = sorted(shape)
    halvings = [i for i in range(MOST_LEVELS) if i == 0 or shorter >> i >= SMALLEST_SIDE]
    return [round(longer / 2**i) for i in reversed(halvings)]


def enlarge(pixels: Tensor, like: Tensor) -> Tensor:
    """Resize (1, 3, h, w) to the height and width of `like`, bicubically."""
    return F.interpolate(pixels, size=like.shape[2:], mode="bicubic", align_corners=False)


def _descent(
    start: Tensor, source: Tensor, style: Picture, network: LossNetwork, recipe: Recipe
) -> PixelOptimizer:
    objective = objective_for(recipe, network, [to_tensor(style[None])], [1.0])
    return PixelOptimizer(start, partial(objective, source))


def _finish(pixels: Tensor, *, photo: Picture, keep_colours: bool) -> Picture:
    """The painting at the photograph's size, with the photograph's colours if `keep_colours`."""
    if pixels.shape[2:] != photo.shape[:2]:
        height, width = photo.shape[:2]
        pixels = F.interpolate(pixels, size=(height, width), mode="bicubic", align_corners=False)
    painted = to_picture(pixels[0])
    return recolour(painted, photo) if keep_colours else painted


def grey(picture: Picture) -> Picture:
    """Luma (BT.601) in all three channels."""
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=-1)


def match_tone(picture: Picture, like: Picture) -> Picture:
    """The picture with the mean and standard deviation of `like`; both are grey.

    Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer, eq. 10."""
    deviation = max(float(picture.std()), 1.0)
    levels = (picture - picture.mean()) * (like.std() / deviation) + like.mean()
    return np.asarray(levels.clip(0, 255).round(), np.uint8)


def recolour(painted: Picture, photo: Picture) -> Picture:
    """The painting's luma with the photograph's colours (the same paper, sec. 4)."""
    own = cv2.cvtColor(photo, cv2.COLOR_RGB2YCrCb)
    own[..., 0] = cv2.cvtColor(painted, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.cvtColor(own, cv2.COLOR_YCrCb2RGB), np.uint8)
