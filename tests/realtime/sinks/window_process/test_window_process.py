"""A window in its own process: keys come over, and its end is not the end of the others."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.shared_memory import SharedMemory

import numpy as np
import pytest

from models.errors import SinkFault, UsageError
from realtime.frames.frame import Frame, FrameFormat
from realtime.pipeline import sink_runner
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.sink_runner import SinkGroup, SinkRunner
from realtime.sinks.window_process import sink
from realtime.sinks.window_process.sink import WindowProcess
from tests.realtime.fakes import FakeSink, wait_until
from tests.screen import started_xvfb

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
screen = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
FORMAT = FrameFormat(320, 240, 30, live=True)


@pytest.fixture
def server(request, monkeypatch) -> Iterator[subprocess.Popen]:
    """A display of this test's own, as its DISPLAY; a parameter is an option of Xvfb."""
    with started_xvfb((640, 480), getattr(request, "param", "-noreset")) as (server, name):
        monkeypatch.setenv("DISPLAY", name)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        yield server


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
def test_a_frozen_display_is_told_and_holds_up_no_other(server, monkeypatch):
    monkeypatch.setattr(sink_runner, "STUCK", 0.3)
    window, other = WindowProcess(on_key=lambda _: None), FakeSink("page", live=True)
    said: list[str] = []
    group = SinkGroup(lambda error: said.append(str(error)), said.append)
    runners = [SinkRunner(s, Metrics(), lossless=False, local=False) for s in (window, other)]
    group.start(runners, FORMAT)

    def goes_on(condition) -> None:
        def shown() -> bool:
            group.put(frame(len(other.frames)), frame)
            group.pump(0)
            return condition()

        wait_until(shown)

    goes_on(lambda: runners[0].written)
    said.clear()  # the first picture may take long
    server.send_signal(signal.SIGSTOP)
    try:
        goes_on(lambda: "window: has taken no picture for 0.3 s" in said)
        before = len(other.frames)
        goes_on(lambda: len(other.frames) > before)
    finally:
        server.send_signal(signal.SIGCONT)
    goes_on(lambda: said[-1] == "window: takes pictures again")
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


@pytest.mark.e2e
@screen
@pytest.mark.parametrize("server", ["-terminate"], indirect=True)
def test_looking_for_the_display_is_no_last_client_that_leaves_it(server):
    window = WindowProcess(on_key=lambda _: None)
    window.open(FORMAT)  # once its last client has left, this server ends
    window.write(frame())
    window.close()


@pytest.mark.skipif(sys.platform == "win32", reason="its child is a shell script")
@pytest.mark.parametrize(
    ("fate", "said"), [("false", "its process ended"), ("sleep 60", "did not open it within 1 s")]
)
def test_one_that_cannot_be_opened_leaves_nothing_behind(fate, said, tmp_path, monkeypatch):
    memories: list[SharedMemory] = []
    processes: list[subprocess.Popen] = []
    monkeypatch.setattr(sink, "SharedMemory", recorded(SharedMemory, memories))
    monkeypatch.setattr(subprocess, "Popen", recorded(subprocess.Popen, processes))
    monkeypatch.setattr(sink, "STARTING", 1.0)
    child = tmp_path / "python"
    child.write_text(f"#!/bin/sh\nexec {fate}\n")
    child.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(child))
    with pytest.raises(SinkFault, match=said):
        WindowProcess(on_key=lambda _: None).open(FORMAT)
    [memory], [process] = memories, processes
    with pytest.raises(FileNotFoundError):
        SharedMemory(memory.name)
    assert process.returncode is not None
    assert process.stdin.closed and process.stdout.closed
    assert "window keys" not in [thread.name for thread in threading.enumerate()]


def recorded(kind: type, made: list) -> type:
    """That class, which adds its instances to `made`."""

    class Recorded(kind):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            made.append(self)

    return Recorded


def test_without_a_display_the_reason_and_the_remedy_come_over(monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    window = WindowProcess(on_key=lambda _: None)
    with pytest.raises(UsageError, match=r"window: no display found .*; or use `--sink web`"):
        window.open(FORMAT)
    window.close()
