"""How much memory a painting will take, before it starts, and how to make it take less."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from training.losses.vgg import stride
from training.optimise.objective.layers import reach
from training.optimise.objective.tiles import parts_of
from training.runtime.device import memory_available_on
from training.runtime.memory_budget import MemoryBudget

FLOAT = 4
INDEX = 8
"""Bytes that max pooling keeps for each of its outputs: where the largest value was."""
AT_ONCE = 3
"""Tensors of one layer's size that its backward pass needs beside what autograd keeps."""
WORKSPACE = {4: 1.5, 2: 1.6}
"""Measured share of what the process takes to what the tensors hold: reordered copies for the
convolutions, and freed blocks that the allocator keeps (256, 512 and 768 px, one CPU thread); by
the bytes of a value."""
FIXED = {4: 30_000_000, 2: 15_000_000}
"""Measured bytes beside them that do not grow with the picture; by the bytes of a value."""
PIXELS_KEPT = 16 * 3 * FLOAT + 32
"""Bytes a pixel of the painting takes beside the features: photograph, content, pixels, gradient,
two moments, their average, the copies made for a preview or a change of scale, and the content
features."""
TILES = (4096, 3072, 2048, 1536, 1024, 768, 512)
"""Sides of parts that are tried, in pixels as seen."""


@dataclass(frozen=True)
class Plan:
    """How a painting is measured: whole (`tile` None) or in parts, and the bytes it takes."""

    tile: int | None
    bytes: int


def bytes_per_pixel(
    channels: Mapping[str, int], layers: Sequence[str], value_bytes: int = FLOAT
) -> float:
    """Peak bytes for each pixel of a picture whose features are taken forward and back.

    Walks the network: autograd keeps the output of each convolution and pooling; going back, it
    has let go of what is deeper than the layer at hand.
    """
    names = list(channels)
    deepest = max(names.index(layer) for layer in layers)
    kept, peak = 0.0, 0.0
    for number, layer in enumerate(names[: deepest + 1]):
        if number > 0 and stride(layer) > stride(names[number - 1]):
            kept += channels[names[number - 1]] * (value_bytes + INDEX) / stride(layer) ** 2
        own = channels[layer] * value_bytes / stride(layer) ** 2
        kept += own
        peak = max(peak, kept + AT_ONCE * own)
    return peak


def painting_bytes(
    shape: tuple[int, ...],
    channels: Mapping[str, int],
    layers: Sequence[str],
    *,
    style_pixels: int = 0,
    tile: int | None = None,
    value_bytes: int = FLOAT,
) -> int:
    """Peak bytes of one iteration on a picture of `shape` (H, W), beyond what is in use before.

    `style_pixels`: of the largest style picture, whose features are taken forward only.
    `value_bytes`: 2 where the network computes in bfloat16.
    """
    height, width = shape
    parts = parts_of((height, width), tile, reach(layers, list(channels)))
    seen = max(
        (part.seen[0].stop - part.seen[0].start) * (part.seen[1].stop - part.seen[1].start)
        for part in parts
    )
    widest = max(count / stride(layer) ** 2 for layer, count in channels.items())
    kept_of_style = sum(channels[layer] / stride(layer) ** 2 for layer in layers)
    style_seen = style_pixels if tile is None else min(style_pixels, tile**2)
    forward = style_seen * (2 * widest + kept_of_style) * value_bytes
    pictures = height * width * PIXELS_KEPT + style_pixels * 3 * FLOAT
    measured = seen * bytes_per_pixel(channels, layers, value_bytes)
    return int(max(measured, forward) * WORKSPACE[value_bytes] + pictures) + FIXED[value_bytes]


def plan_memory(
    shape: tuple[int, ...],
    channels: Mapping[str, int],
    layers: Sequence[str],
    *,
    style_pixels: int = 0,
    available: int | None,
    tiles: bool = True,
    value_bytes: int = FLOAT,
) -> Plan | None:
    """Whole if it fits into `available` bytes (None: not known), else the largest parts that fit.

    None if nothing does, or if it may not be in parts (`tiles` False).
    """
    sizes: list[int | None] = [None, *(TILES if tiles else ())]
    for tile in sizes:
        if tile is not None and tile >= max(shape):
            continue
        if tile is not None and tile < 4 * reach(layers, list(channels)):
            continue  # more margin than picture
        needed = painting_bytes(
            shape, channels, layers, style_pixels=style_pixels, tile=tile, value_bytes=value_bytes
        )
        if available is None or needed <= available:
            return Plan(tile, needed)
    return None


def largest_side(
    shape: tuple[int, ...],
    channels: Mapping[str, int],
    layers: Sequence[str],
    *,
    style_pixels: int = 0,
    available: int,
    tiles: bool = True,
    value_bytes: int = FLOAT,
) -> int:
    """The longer side of the largest picture in the proportions of `shape` (H, W) that fits.

    `style_pixels`: of the style picture beside a painting of `shape`; it grows along."""
    low, high = 0, 64 * 1024
    while high - low > 16:
        middle = (low + high) // 2
        factor = middle / max(shape)
        size = (max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor)))
        fits = plan_memory(
            size,
            channels,
            layers,
            style_pixels=round(style_pixels * factor**2),
            available=available,
            tiles=tiles,
            value_bytes=value_bytes,
        )
        low, high = (middle, high) if fits else (low, middle)
    return low


def memory_for(devices: Sequence[torch.device], budget: MemoryBudget) -> int | None:
    """Bytes that a painting may take on these devices; None: not known.

    On the CPU also what `ulimit -v` leaves. Two GPUs share a painting about evenly.
    """
    if devices[0].type != "cpu":
        free = [memory_available_on(device, budget) for device in devices]
        return None if None in free else len(free) * min(x for x in free if x is not None)
    known = [x for x in (budget.available(), address_space_left()) if x is not None]
    return min(known, default=None)


def address_space_left() -> int | None:
    """Bytes below this process's limit on its addresses (`ulimit -v`); None without a limit."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit == resource.RLIM_INFINITY:
            return None
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return max(0, limit - pages * resource.getpagesize())
    except (ImportError, OSError):
        return None
