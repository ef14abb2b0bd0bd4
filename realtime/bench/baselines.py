"""The measured generators: the styles, and those of Johnson et al. 2016 as baselines.

The baselines have random weights: their pictures mean nothing, but a network's time does not
depend on its weights.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx

from models.card import StyleCard, load_card
from models.generator.architecture import Architecture, johnson
from models.generator.parameters import parameter_count, random_weights
from models.onnx.graph import build_graph
from models.pictures import RGB
from realtime.bench.interleaved_timing import Contender
from realtime.config.schema import ProcessingConfig
from realtime.frames.size import Size, painted_size
from realtime.inference.backends import Backend
from realtime.inference.backends.registry import make_backend

ALPHAS = (1.0, 0.5, 0.25)


def baseline_name(alpha: float) -> str:
    return f"johnson-{alpha:g}"


BASELINES = tuple(baseline_name(alpha) for alpha in ALPHAS)


@dataclass(frozen=True)
class RuntimeOptions:
    """The runtime of the contenders, as chosen on the command line."""

    backend: str = ProcessingConfig().backend
    device: str = ProcessingConfig().device
    threads: int | None = None
    half: bool | None = None


def write_baseline(architecture: Architecture, name: str, folder: Path) -> StyleCard:
    """Write a model file of that architecture with random weights and without strength input."""
    card = StyleCard(
        name=name.replace(".", "_"),
        title=name,
        architecture=architecture.name,
        alpha=architecture.alpha,
        stride=architecture.stride,
        parameters=parameter_count(architecture),
    )
    path = folder / f"{name}.onnx"
    weights = random_weights(architecture)
    onnx.save(build_graph(architecture, weights, card, with_strength=False), path)
    return load_card(path)


@contextmanager
def load_contenders(
    styles: Sequence[StyleCard],
    runtime: RuntimeOptions,
    *,
    width: int,
    height: int,
    scale: float | None = None,
) -> Iterator[tuple[str, list[Contender]]]:
    """The line naming the runtime, and all styles and baselines as contenders.

    All paint the same picture. Each style paints it whole and, as a second contender, at `scale`
    of its sides (None: as in a live run) if that is less. Baselines paint only whole pictures.

    Everything is freed at the end: at 1920×1080 the baseline at alpha 1 alone takes gigabytes.
    """
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="stylecam-bench-")))
        cards = {card.name: card for card in styles}
        for alpha in ALPHAS:
            name = baseline_name(alpha)
            cards[name] = write_baseline(johnson(alpha), name, folder)
        whole = Size(width, height)
        small = painted_size(whole, scale)
        contenders, line = [], ""
        for name, card in cards.items():
            sizes = [whole] if name in BASELINES or small == whole else [whole, small]
            for size in sizes:
                backend = make_backend(
                    runtime.backend, runtime.device, threads=runtime.threads, half=runtime.half
                )
                stack.callback(backend.close)
                line = backend.load(card)
                seen = card.preparation.prepared(frame)
                contenders.append(_contender(name, backend, seen, size))
        yield line, contenders


def _contender(name: str, backend: Backend, frame: RGB, size: Size) -> Contender:
    whole = Size(frame.shape[1], frame.shape[0])
    return Contender(
        painted_name(name, size, whole),
        paint=partial(backend.stylize, frame, at=size),
        warm_up=partial(backend.warm_up, size.height, size.width),
        painted=size,
    )


def painted_name(name: str, size: tuple[int, int], frame: tuple[int, int]) -> str:
    """Like "starry-night, painted at 640×360"; the name alone if the frame is painted whole."""
    return name if size == frame else f"{name}, painted at {size[0]}×{size[1]}"
