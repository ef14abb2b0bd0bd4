"""The quality report of a model: style, content, smoothness and steadiness, as plain numbers.

It judges the exported graph, never the torch module, and always with the full loss network.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.errors import UsageError
from training.config.recipe import LAYER_WEIGHTS
from training.data.tensors import Picture, shrink_to, to_frame, to_square, to_tensor
from training.evaluation.artefacts import border, grid
from training.evaluation.as_shown import as_shown
from training.evaluation.outlines import outlines_lost
from training.evaluation.synthetic_motion import disturb, random_motion, warp
from training.losses.perceptual import (
    content_loss,
    gram_matrix,
    relative_error,
    total_variation_loss,
)
from training.losses.style_target import StyleTarget, style_target
from training.losses.vgg import LossNetwork

Painter = Callable[[Picture], Picture]
"""(H, W, 3) uint8 RGB in and out."""

STYLE_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")
LIKENESS_LAYERS = ("relu1_2", "relu2_2", "relu3_3")
CONTENT_LAYER = "relu3_3"
CLIP_HEIGHT = 360
CONSISTENT_WITHIN = 1.0
"""Pixels by which forward and backward flow may disagree; beyond, a pixel counts as occluded."""


@dataclass(frozen=True)
class Quality:
    """The figures of the report; 0 is best for all of them.

    Style and content: relative squared errors of Gram matrices and of features, on frames of
    640×480, mean over layers and photographs. Likeness: the style errors weighted by LAYER_WEIGHTS,
    without relu4_1, plus the content error; by it pictures are compared in docs/styles.md.
    Outlines: what is lost of the photographs' (outlines.py), mean over photographs. Total
    variation: a mean square, values 0..1. Warping errors: root mean squares, values 0..1, after
    undoing the motion (Lai et al. 2018, sec. 4.1, square-rooted), for synthetic motion and for a
    clip (nan without one): of the generator alone, and of what the viewer of a live run sees
    (as_shown.py). Grid and border: levels of 255 (artefacts.py), visible from 1 and 3 on.
    """

    style: float
    content: float
    likeness: float
    outlines: float
    total_variation: float
    warping_synthetic: float
    warping_clip: float
    warping_shown: float
    grid: float
    border: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def evaluate(
    painter: Painter,
    photographs: list[Picture],
    network: LossNetwork,
    target: StyleTarget,
    clip: list[Picture] | None = None,
    shown: Painter | None = None,
    generator: Painter | None = None,
) -> Quality:
    """The quality of one painter on held-out photographs and the frames of one clip.

    `shown` paints the clip's frames in order as the viewer sees them (None: by holding what
    `painter` paints). `generator` is `painter` without exposure and grain; it is judged for
    grid and border, which compare a picture with a part of it and average over many: the part has
    another exposure, and grain is the same in all.
    """
    frames = [to_frame(photo) for photo in photographs]
    paintings = [painter(frame) for frame in frames]
    distances = [
        distance(network, target, to_tensor(frame[None]), to_tensor(painted[None]))
        for frame, painted in zip(frames, paintings, strict=True)
    ]
    style, content, variation, likeness = np.mean(distances, axis=0)
    sources = [to_square(photo) for photo in photographs]
    return Quality(
        float(style),
        float(content),
        float(likeness),
        float(np.mean([outlines_lost(*pair) for pair in zip(frames, paintings, strict=True)])),
        float(variation),
        synthetic_warping_error(painter, sources),
        clip_warping_error(painter, clip) if clip else float("nan"),
        clip_warping_error(shown or as_shown(painter), clip) if clip else float("nan"),
        grid(generator or painter, sources),
        border(generator or painter, sources),
    )


@torch.no_grad()
def distance(
    network: LossNetwork, target: StyleTarget, source: Tensor, painted: Tensor
) -> tuple[float, float, float, float]:
    """Style, content, total variation and likeness of one painting (1, 3, H, W): see Quality."""
    features = network(painted, STYLE_LAYERS)
    wanted = network(source, (CONTENT_LAYER,))[CONTENT_LAYER]
    style = {
        x: float(relative_error(gram_matrix(features[x])[0], target.grams[x])) for x in STYLE_LAYERS
    }
    content = float(content_loss(features[CONTENT_LAYER], wanted))
    likeness = content + sum(LAYER_WEIGHTS[x] * style[x] for x in LIKENESS_LAYERS)
    variation = float(total_variation_loss(painted))
    return float(np.mean(list(style.values()))), content, variation, likeness


def style_target_of(
    network: LossNetwork, pictures: list[Picture], weights: list[float] | None = None
) -> StyleTarget:
    """The style target of a report; of several pictures, the mean weighted by `weights`."""
    tensors = [to_tensor(p[None]) for p in pictures]
    return style_target(network, tensors, weights or [1.0] * len(pictures), STYLE_LAYERS)


def synthetic_warping_error(painter: Painter, sources: list[Picture], seed: int = 0) -> float:
    """RMS difference between the painting of the moved picture and the moved painting."""
    random = torch.Generator().manual_seed(seed)
    errors = []
    for source in sources:
        picture = to_tensor(source[None])
        motion = random_motion(1, (source.shape[0], source.shape[1]), random)
        moved = disturb(warp(picture, motion)[0], random)
        moved_bytes = (moved[0].permute(1, 2, 0) * 255).round().byte().numpy()
        second = to_tensor(painter(moved_bytes)[None])
        expected, inside = warp(to_tensor(painter(source)[None]), motion)
        squares = (second - expected).square() * inside
        errors.append(float(squares.sum() / (inside.sum() * 3)))
    return float(np.mean(errors)) ** 0.5


def clip_warping_error(painter: Painter, frames: list[Picture]) -> float:
    """RMS difference between each painted frame and the previous one, moved along the flow.

    `painter` gets each frame once, in order.
    """
    errors = []
    before, painted_before = frames[0], painter(frames[0])
    for frame in frames[1:]:
        painted = painter(frame)
        flow, seen = backward_flow(before, frame)
        moved = _remap(painted_before.astype(np.float32), flow)
        squares = ((painted.astype(np.float32) - moved) / 255) ** 2
        if seen.any():  # at a cut between two scenes nothing is visible in both frames
            errors.append(float(squares[seen].mean()))
        before, painted_before = frame, painted
    return float(np.mean(errors)) ** 0.5


def backward_flow(before: Picture, after: Picture) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The flow (H, W, 2) from `after` to `before`, and a mask (H, W) of pixels visible in both.

    DIS optical flow in both directions; a pixel that does not come back to its start is occluded
    (Ruder et al. 2016, sec. 4.2, with a fixed threshold).
    """
    first, second = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (before, after))
    back, forth = _flow(second, first), _flow(first, second)
    gap = np.linalg.norm(back + _remap(forth, back), axis=-1)
    return back, gap < CONSISTENT_WITHIN


def _flow(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.float32]:
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    still = np.zeros((*before.shape[:2], 2), np.float32)
    return np.asarray(dis.calc(before, after, still), np.float32)


def _remap(picture: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    height, width = flow.shape[:2]
    xs, ys = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(picture, xs + flow[..., 0], ys + flow[..., 1], cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)


def read_clip(path: Path, count: int, every: int = 1) -> list[Picture]:
    """Up to `count` frames of a video, shorter side at most CLIP_HEIGHT; each `every`-th frame.

    Raises UsageError, naming the file, if it cannot be read or has fewer than two frames."""
    try:
        with av.open(str(path)) as container:
            frames = list(_some(container, count, every))
    except (av.FFmpegError, IndexError):
        raise UsageError(f"{path}: not a video that can be read") from None
    if len(frames) < 2:
        raise UsageError(f"{path}: one picture does not move; give a video of two frames or more")
    return frames


def _some(container: av.container.InputContainer, count: int, every: int) -> Iterator[Picture]:
    for i, frame in enumerate(container.decode(video=0)):
        if i >= count * every:
            return
        if i % every == 0:
            yield shrink_to(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), CLIP_HEIGHT)
