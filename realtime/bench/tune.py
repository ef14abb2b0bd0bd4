"""Which settings of ONNX Runtime are best on this machine: threads, and how long they spin."""

import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from models.card import StyleCard
from realtime.backends.cores import allowed_cpus
from realtime.backends.onnx_runtime import SPIN_US, OnnxRuntimeBackend

ROUNDS = 5
FRAMES = 8
GAP_SECONDS = 0.02
"""Waiting between frames, as a camera makes a program wait: spinning shows its price here."""
SPINS_US = (0, SPIN_US, 200, 5000)


@dataclass(frozen=True)
class Setting:
    threads: int
    spin_us: int


@dataclass(frozen=True)
class Tuning:
    """Medians: milliseconds a frame, and CPU milliseconds a frame with the wait after it."""

    setting: Setting
    ms: float
    cpu_ms: float


def settings(maximum: int | None = None) -> list[Setting]:
    """Every number of threads that this machine can run; where they wait for each other, each
    way of waiting."""
    threads = range(2, (maximum or len(allowed_cpus())) + 1)
    return [Setting(1, 0), *(Setting(n, spin) for n in threads for spin in SPINS_US)]


def tune(
    card: StyleCard, tried: list[Setting], *, width: int, height: int, rounds: int = ROUNDS
) -> list[Tuning]:
    """Each setting's figures, in the order tried. Rounds alternate between the settings.

    One session at a time: a spinning one would take its core from the next.
    """
    frame = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    wall: dict[Setting, list[float]] = defaultdict(list)
    cpu: dict[Setting, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for setting in tried:
            backend = OnnxRuntimeBackend(
                device="cpu", threads=setting.threads, spin_us=setting.spin_us
            )
            try:
                backend.load(card)
                backend.warm_up(height, width)
                for _ in range(FRAMES):
                    started, used = time.perf_counter(), time.process_time()
                    backend.stylize(frame)
                    wall[setting].append(1000 * (time.perf_counter() - started))
                    time.sleep(GAP_SECONDS)
                    cpu[setting].append(1000 * (time.process_time() - used))
            finally:
                backend.close()
    return [Tuning(s, float(np.median(wall[s])), float(np.median(cpu[s]))) for s in tried]


def tuning_table(tunings: list[Tuning], title: str) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD)
    for heading in (
        "threads",
        "spinning, µs",
        "ms a frame",
        f"CPU ms a frame, {GAP_SECONDS} s apart",
    ):
        table.add_column(heading, justify="right")
    for tuning in tunings:
        setting = tuning.setting
        row = (
            str(setting.threads),
            str(setting.spin_us),
            f"{tuning.ms:.1f}",
            f"{tuning.cpu_ms:.1f}",
        )
        table.add_row(*row)
    return table
