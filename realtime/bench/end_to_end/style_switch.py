"""What a change of style costs the frames of a live run, cross-fade included.

`python -m realtime.bench.end_to_end.style_switch WORDS` takes JSON and prints JSON;
`measure_switch` calls it.
"""

import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from models.card import load_card
from models.errors import StylecamError
from realtime.bench.end_to_end.child import answer, in_child
from realtime.bench.end_to_end.worker import CAMERA_FPS, PrerenderedSource, TrialConfig, prerender
from realtime.config.schema import StyleConfig
from realtime.control.state import Settings, SettingsStore
from realtime.control.values import set_style
from realtime.frames.frame import Frame, FrameFormat
from realtime.inference.backends.registry import make_backend
from realtime.inference.stylizer import Stylizer
from realtime.pipeline.pipeline import Pipeline, Plan
from realtime.sinks.null import Null

SWITCHES = 10
QUIET = 1.5
"""Seconds without a change before each one: what they show is what the others are compared with."""
AFTER = 0.2
"""Seconds after the end of the cross-fade that still count as part of the change."""
LONGEST_LOADING = 30.0
Span = tuple[float, float]


@dataclass(frozen=True)
class SwitchResult:
    """Frames of a source of CAMERA_FPS around `switches` changes of style, and in between.

    `stall` is the longest time from a frame's capture to its arrival at the sink, in frame times;
    a frame that never arrived counts in `dropped`. `quiet` figures are of the time without
    changes. `loading_ms` is the median time until the new style begins to show.
    """

    switches: int
    frames: int
    dropped: int
    stall: float
    quiet_frames: int
    quiet_dropped: int
    quiet_stall: float
    loading_ms: float

    def __str__(self) -> str:
        return (
            f"{self.switches} changes of style, seen after {self.loading_ms:.0f} ms: "
            f"{self.dropped} of {self.frames} frames dropped, none later than "
            f"{self.stall:.1f} frame times\n"
            f"the time in between: {self.quiet_dropped} of {self.quiet_frames} frames dropped, "
            f"none later than {self.quiet_stall:.1f} frame times"
        )


class ArrivalNotes(Null):
    """Discards frames, and notes when each arrived, by its index."""

    live = True

    def __init__(self) -> None:
        super().__init__()
        self.arrived: dict[int, float] = {}

    def write(self, frame: Frame) -> None:
        self.arrived.setdefault(frame.index, time.monotonic())


class CaptureNotes(PrerenderedSource):
    """Notes when each frame was captured: `captured` has one time for each index."""

    def open(self) -> FrameFormat:
        self.captured: list[float] = []
        return super().open()

    def read(self) -> Frame:
        frame = super().read()
        self.captured.append(frame.captured)
        return frame


def summarise(
    captured: Sequence[float],
    arrived: dict[int, float],
    changes: Sequence[Span],
    quiet: Sequence[Span],
    loading: Sequence[float],
) -> SwitchResult:
    """Sort the frames into those of the spans of changes and of the quiet ones."""
    changed, still = (_within(captured, arrived, spans) for spans in (changes, quiet))
    return SwitchResult(
        len(changes), *changed, *still, loading_ms=1000 * float(np.median(np.array(loading)))
    )


def _within(
    captured: Sequence[float], arrived: dict[int, float], spans: Sequence[Span]
) -> tuple[int, int, float]:
    """How many frames were captured in the spans, how many of them never arrived, and the latest of
    the others in frame times."""
    inside = [
        index for index, at in enumerate(captured) if any(begin <= at < end for begin, end in spans)
    ]
    late = [arrived[index] - captured[index] for index in inside if index in arrived]
    return len(inside), len(inside) - len(late), max(late, default=0.0) * CAMERA_FPS


def run(config: TrialConfig, second: str, switches: int) -> SwitchResult:
    """Change between two styles again and again. Raises StylecamError."""
    cards = {card.name: card for card in (load_card(Path(p)) for p in (config.model, second))}
    if len(cards) < 2:
        raise StylecamError("a change of style needs two different ones")
    first, other = cards
    make = partial(
        make_backend, config.backend, config.device, threads=config.threads, half=config.half
    )
    stylizer = Stylizer(cards.__getitem__, lambda _: make(), keep=1, within=config.painted)
    stylizer.load(first)
    box = SettingsStore(Settings(styles=(first, other), style=first))
    source = CaptureNotes(prerender(config.width, config.height), live=True)
    sink, fade = ArrivalNotes(), StyleConfig().fade
    pipeline = Pipeline(source, stylizer, [sink], box, Plan(live=True, fade=fade))
    changes: list[Span] = []
    quiet: list[Span] = []
    loading: list[float] = []

    def change_styles() -> None:
        time.sleep(QUIET)  # the first frames are slower than the others
        for number in range(switches):
            calm = time.monotonic()
            time.sleep(QUIET)
            began = time.monotonic()
            wanted = (other, first)[number % 2]
            box.apply(set_style(wanted))
            while stylizer.style != wanted and time.monotonic() - began < LONGEST_LOADING:
                time.sleep(0.002)
            shown = time.monotonic()
            time.sleep(fade + AFTER)
            loading.append(shown - began)
            changes.append((began, shown + fade + AFTER))
            quiet.append((calm, began))
        pipeline.stop()

    pipeline.start()
    thread = threading.Thread(target=change_styles, name="change styles", daemon=True)
    thread.start()
    pipeline.run()
    thread.join()
    return summarise(source.captured, sink.arrived, changes, quiet, loading)


def measure_switch(config: TrialConfig, second: str, *, switches: int = SWITCHES) -> SwitchResult:
    """Do the same in a child process. Raises StylecamError with its message if it fails."""
    words = {"order": asdict(config), "second": second, "switches": switches}
    timeout = 60 + switches * (QUIET + LONGEST_LOADING)
    what = f"{config.model}: the change of style"
    advice = "give smaller --sizes, or other --styles"
    found = in_child(__name__, words, what=what, timeout=timeout, if_hung=advice)
    return SwitchResult(**found)


if __name__ == "__main__":
    sys.exit(
        answer(lambda x: run(TrialConfig(**x["order"]), second=x["second"], switches=x["switches"]))
    )
