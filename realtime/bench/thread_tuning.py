"""Compares settings of ONNX Runtime on this machine: threads, and how long they spin."""

import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from models.card import StyleCard
from models.onnx.session import SPIN_US
from models.system.cpu import allowed_cpus
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend

ROUNDS = 5
FRAMES = 8
GAP_SECONDS = 0.02
"""Wait between frames, as with a camera: this is where spinning costs CPU time."""
SPINS_US = (0, SPIN_US, 200, 5000)


@dataclass(frozen=True)
class Setting:
    threads: int
    spin_us: int


@dataclass(frozen=True)
class Tuning:
    """Medians per frame: milliseconds, and CPU milliseconds including the wait after the frame."""

    setting: Setting
    ms: float
    cpu_ms: float


def settings(maximum: int | None = None) -> list[Setting]:
    """Every thread count up to `maximum` (None: the allowed CPUs), each with every spin time.

    A single thread waits for no other, so it gets one setting only.
    """
    threads = range(2, (maximum or len(allowed_cpus())) + 1)
    return [Setting(1, 0), *(Setting(n, spin) for n in threads for spin in SPINS_US)]


def tune(
    card: StyleCard, tried: list[Setting], *, width: int, height: int, rounds: int = ROUNDS
) -> list[Tuning]:
    """Measure each setting; the figures come in the order of `tried`. Each round tries them all.

    Only one session exists at a time: a spinning one would take a core from the next.
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
