"""Checks that the shipped styles are intact, and that one really paints."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from models.catalogue import SHIPPED, find_style, style_paths
from models.default_style import DEFAULT_STYLE
from models.errors import StylecamError
from realtime.config.schema import ProcessingConfig
from realtime.doctor.check_result import CheckResult, fail, ok

WIDTH, HEIGHT = 640, 480
REINSTALL = "pip install --force-reinstall --no-deps stylecam"
RUNS = 5


def check_styles(folder: Path = SHIPPED) -> Iterator[CheckResult]:
    """Check that every shipped style is present and matches its checksum."""
    good = []
    for name in style_paths([folder]):
        try:
            good.append(find_style(name, [folder]).name)
        except StylecamError as error:
            yield fail(f"style {name}", str(error), REINSTALL)
    if DEFAULT_STYLE not in style_paths([folder]):
        yield fail("styles", f"the default style {DEFAULT_STYLE} is missing in {folder}", REINSTALL)
    if good:
        yield ok("styles", f"{len(good)} intact: {', '.join(good)}")


def check_painting(folder: Path = SHIPPED) -> Iterator[CheckResult]:
    """Check that the default style changes a test frame, and report the time that it takes."""
    from realtime.inference.backends.registry import make_backend

    subject = "test frame"
    if DEFAULT_STYLE not in style_paths([folder]):
        return
    usual = ProcessingConfig()
    backend = make_backend(usual.backend, usual.device)
    frame = np.tile(np.linspace(0, 255, WIDTH, dtype=np.uint8)[None, :, None], (HEIGHT, 1, 3))
    try:
        card = find_style(DEFAULT_STYLE, [folder])
        seen = card.preparation.prepared(frame)
        line = backend.load(card)
        backend.warm_up(HEIGHT, WIDTH)
        times = []
        for _ in range(RUNS):
            started = time.perf_counter()
            painted = backend.stylize(seen)
            times.append(time.perf_counter() - started)
    except StylecamError as error:
        yield fail(subject, str(error), REINSTALL)
        return
    finally:
        backend.close()
    if np.array_equal(painted, frame):
        yield fail(subject, f"{DEFAULT_STYLE} returns its input unchanged", REINSTALL)
    else:
        ms = 1000 * float(np.median(times))
        yield ok(subject, f"{WIDTH}×{HEIGHT} in {ms:.0f} ms by {line}")
