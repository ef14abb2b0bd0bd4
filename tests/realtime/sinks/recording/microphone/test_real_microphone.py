"""A real sound server whose microphone is a pipe: in step with pictures, and lost with the server.

STYLECAM_SYNC=10 looks at both after 10 s instead of 2.
"""

import os
import shutil
import subprocess
import threading
import time

import numpy as np
import pytest

from realtime.doctor import hardware
from realtime.frames.frame import Frame, FrameFormat
from realtime.sinks.recording.microphone.arrival_clock import RATE
from realtime.sinks.recording.microphone.device import microphones
from realtime.sinks.recording.microphone.microphone import Microphone
from realtime.sinks.recording.recorder import Recorder
from tests.realtime.fakes import wait_until
from tests.realtime.sinks.recording.microphone.test_microphone import flash_of, loud, sound_of

pytest.importorskip("miniaudio")
pytestmark = pytest.mark.skipif(
    any(shutil.which(tool) is None for tool in ("pulseaudio", "pactl")),
    reason="not installed: pulseaudio, pactl",
)
AT = float(os.environ.get("STYLECAM_SYNC", "2"))
"""Seconds after which both are compared."""
PIECE = RATE // 100


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A PulseAudio of our own; yields it and the pipe that its only microphone hears."""
    pipe = tmp_path / "pipe"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path / 'pulse' / 'native'}")
    source = f"module-pipe-source source_name=pipe file={pipe} rate={RATE} channels=1"
    words = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
    words += ["-L", "module-native-protocol-unix", "-L", f"{source} format=s16le"]
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(
            lambda: (
                subprocess.run(["pactl", "info"], capture_output=True, check=False).returncode == 0
            )
        )
        yield running, pipe
    finally:
        running.kill()
        running.wait()


def sing(pipe, begin: float, ended: threading.Event) -> None:
    """Feed the microphone in real time: silence, and 1 kHz for 200 ms at `begin` + AT."""
    tone = 12000 * np.sin(2 * np.pi * 1000 * np.arange(PIECE) / RATE)
    with pipe.open("wb", buffering=0) as file:
        for piece in range(10**6):
            at = piece * PIECE / RATE
            time.sleep(max(0.0, begin + at + PIECE / RATE - time.monotonic()))
            if ended.is_set():
                return
            sound = tone if AT <= at < AT + 0.2 else np.zeros(PIECE)
            try:
                file.write(sound.astype(np.int16).tobytes())
            except OSError:
                return


def test_a_real_microphone_is_in_step_and_its_end_stops_nothing(server, tmp_path):
    running, pipe = server
    name = next(found for found in microphones() if str(pipe) in found or "pipe" in found.lower())
    (finding,) = hardware.check_microphones()
    assert name in finding.detail
    told: list[str] = []
    taken: list[float] = []
    path = tmp_path / "out.mp4"
    recorder = Recorder(path, microphone=Microphone(name[:12], told.append))
    recorder.open(FrameFormat(64, 48, 20, live=True))
    begin, ended = time.monotonic() + 0.2, threading.Event()
    singer = threading.Thread(target=sing, args=(pipe, begin, ended))
    singer.start()
    try:
        for index in range(round((AT + 2.4) * 20)):
            at = index / 20
            time.sleep(max(0.0, begin + at - time.monotonic()))
            if at >= AT + 0.8 and running.poll() is None:
                running.kill()
            now = time.monotonic()
            taken.append(now)
            light = 240 if AT <= now - begin < AT + 0.2 else 10
            rgb = np.full((48, 64, 3), light, np.uint8)
            recorder.write(Frame(rgb, index, now, now - begin))
    finally:
        ended.set()
        recorder.close()
        singer.join()
    sound = sound_of(path)
    apart = loud(sound)[0] - (begin + AT - taken[0])
    print(f"after {AT:g} s, the sound comes {1000 * apart:.0f} ms late")
    assert abs(apart) < 0.04
    flash = next(at for at in taken if at >= begin + AT)  # the picture after the beep began
    assert flash_of(path) == pytest.approx(flash - taken[0], abs=0.01)
    assert len(sound) / RATE == pytest.approx(AT + 2.4, abs=0.2)
    assert len(told) == 1
    assert "recordings go on without its sound" in told[0]
