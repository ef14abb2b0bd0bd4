"""A call keeps its camera when stylecam is killed with -9 and started again. Real programs."""

import os
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.frames.views import placeholder
from tests.fakes import write_style
from tests.faults.scripted_virtual_camera import PATIENCE, Journal, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="the camera has its process on Linux only"),
]
WITHIN = 1.0
"""Seconds within which a call must see the card."""
CONFIG = "virtual_camera: {backend: written, fps: 25}\nprocessing: {device: cpu, threads: 1}\n"


class Runs:
    """Runs of stylecam with the camera "written", which share a folder for their endpoints."""

    def __init__(self, folder: Path) -> None:
        style = write_style(folder / "swap.onnx").path
        (folder / "config.yaml").write_text(CONFIG)
        rgb = np.zeros((96, 128, 3), np.uint8)
        rgb[:, :64] = (255, 0, 0)
        assert cv2.imwrite(str(folder / "picture.png"), rgb[..., ::-1])
        self.raw = zlib.crc32(rgb)
        self._command = [sys.executable, "-c", "from realtime.cli import main; main()", "run"]
        self._command += ["--source", str(folder / "picture.png"), "--style", str(style)]
        self._command += ["--sink", "virtual-camera", "--config", str(folder / "config.yaml")]
        self._environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "OMP_NUM_THREADS": "1"}
        self.all: list[subprocess.Popen[bytes]] = []

    def setenv(self, name: str, value: str) -> None:
        self._environment[name] = value

    def start(self) -> "subprocess.Popen[bytes]":
        self.all.append(subprocess.Popen(self._command, env=self._environment))
        return self.all[-1]


@pytest.fixture
def runs(tmp_path):
    runs = Runs(tmp_path)
    yield runs
    for process in runs.all:
        process.kill()
        process.wait()


def shows(journal: Journal, process: "subprocess.Popen[bytes]", *, other_than: tuple) -> bool:
    """Whether the camera's newest picture is another; stylecam must live."""
    assert process.poll() is None, "stylecam ended"
    return journal.newest() not in other_than


def test_a_call_keeps_its_camera(runs, tmp_path):
    from realtime.sinks.virtual_camera.camera_process import GONE_TEXT

    starting, gone = (zlib.crc32(placeholder(96, 128, text)) for text in ("starting", GONE_TEXT))
    journal = Journal(tmp_path, runs.setenv)
    first = runs.start()
    until(lambda: shows(journal, first, other_than=(0, starting)))
    painted = journal.newest()
    killed = time.monotonic()
    first.kill()
    until(lambda: journal.newest() == gone)
    cards = (float(e.words[0]) for e in journal.entries() if e.words[1:] == [str(gone)])
    assert next(cards) - killed < WITHIN
    second = runs.start()
    since = len(journal.entries())
    until(lambda: shows(journal, second, other_than=(gone, starting)))
    assert journal.newest() == painted
    assert {e.what for e in journal.entries()[since:]} == {"send"}, "it was never closed"
    second.send_signal(signal.SIGTERM)
    assert second.wait(PATIENCE) == 0
    [camera] = journal.opened()
    until(lambda: not cmdline(camera.pid))
    assert journal.entries()[-1].what == "close"
    assert not list(tmp_path.glob("stylecam/*.camera")), "its socket was left behind"
    shown = {int(e.words[1]) for e in journal.entries() if e.what == "send"}
    assert shown == {starting, gone, painted}
    assert runs.raw not in shown


def test_a_call_sees_the_card_while_stylecam_hangs_and_the_picture_again_when_it_goes_on(
    runs, tmp_path
):
    from realtime.sinks.virtual_camera.camera_process import GONE_TEXT

    starting, gone = (zlib.crc32(placeholder(96, 128, text)) for text in ("starting", GONE_TEXT))
    journal = Journal(tmp_path, runs.setenv)
    process = runs.start()
    until(lambda: shows(journal, process, other_than=(0, starting)))
    painted = journal.newest()
    process.send_signal(signal.SIGSTOP)
    until(lambda: journal.newest() == gone)
    process.send_signal(signal.SIGCONT)
    until(lambda: journal.newest() == painted)
    assert len(journal.opened()) == 1, "it was never closed"
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def cmdline(pid: int) -> bytes:
    """Empty for a process that has ended, though nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
