"""A window in its own process: keys come over, and its end is not the end of the others."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator

import numpy as np
import pytest

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.sink_runner import SinkGroup, SinkRunner
from realtime.sinks.window_process.sink import WindowProcess
from tests.realtime.fakes import FakeSink, wait_until

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
screen = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
FORMAT = FrameFormat(320, 240, 30, live=True)


@pytest.fixture
def server(monkeypatch) -> Iterator[subprocess.Popen]:
    """A display of this test's own, as its DISPLAY."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "640x480x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as number:
        monkeypatch.setenv("DISPLAY", f":{number.readline().strip()}")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    yield server
    server.kill()
    server.wait()


def frame(index: int = 0) -> Frame:
    rgb = np.full((240, 320, 3), index % 256, np.uint8)
    return Frame(rgb, index, time.monotonic(), index / 30)


@pytest.mark.e2e
@screen
def test_keys_come_over_and_close_ends_the_process(server):
    keys: list[str] = []
    window = WindowProcess(on_key=keys.append, title="of its own")
    window.open(FORMAT)
    process = window._process
    for index in range(5):
        window.write(frame(index))
    found = subprocess.run(
        ["timeout", "20", "xdotool", "search", "--sync", "--name", "^of its own$"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    number = found.stdout.split()[-1]

    def pressed() -> bool:
        subprocess.run(["xdotool", "windowfocus", number, "key", "n"], check=True)
        time.sleep(0.1)
        return "n" in keys

    wait_until(pressed)
    window.close()
    assert process.returncode == 0
    window.close()


@pytest.mark.e2e
@screen
def test_a_killed_display_ends_the_window_and_nothing_else(server):
    window, other = WindowProcess(on_key=lambda _: None), FakeSink("page", live=True)
    told: list[Exception] = []
    group = SinkGroup(told.append)
    runners = [SinkRunner(s, Metrics(), lossless=False, local=False) for s in (window, other)]
    group.start(runners, FORMAT)
    group.put(frame(), frame)
    wait_until(lambda: runners[0].written)
    server.kill()
    server.wait()

    def ended() -> bool:
        group.put(frame(), frame)
        group.pump(0)
        return bool(told)

    wait_until(ended)
    assert isinstance(told[0], SinkFault)
    assert "window: its process ended" in str(told[0])
    shown = len(other.frames)
    group.put(frame(), frame)
    wait_until(lambda: len(other.frames) > shown)
    group.finish()


@pytest.mark.e2e
@screen
def test_one_that_hangs_is_ended_by_close(server):
    window = WindowProcess(on_key=lambda _: None)
    window.open(FORMAT)
    window.write(frame())
    process = window._process
    process.send_signal(signal.SIGSTOP)
    window.close()
    assert process.returncode == -signal.SIGKILL


def test_without_a_display_the_reason_and_the_remedy_come_over(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    window = WindowProcess(on_key=lambda _: None)
    with pytest.raises(UsageError, match=r"window: no display found .*; or use `--sink web`"):
        window.open(FORMAT)
    window.close()
