"""Starts recordings that never end and kills each at a moment of chance: a program for a test.

usage: recordings_until_killed.py FOLDER COUNT SEED ENDING...

An ending is that of a file. Before it may stand "sound": then a microphone is recorded, too; or a
codec of recording.codec.

Prints a JSON line for each: {"path": ..., "lived": s, "given": [s, ...], "written": [s, ...]}: the
times of the pictures that the source had given, into the queue of a live run, and of those that the
recorder had taken from it. All run at once, at a live run's 30 frames a second.
"""

import json
import os
import random
import select
import signal
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np

from models.system.cpu import physical_cores
from realtime.config.video_codecs import NAMES
from realtime.frames.frame import Frame, FrameFormat
from realtime.pipeline.metrics import Metrics
from realtime.pipeline.sink_runner import SinkRunner
from realtime.sinks.recording.microphone.arrival_clock import RATE
from realtime.sinks.recording.microphone.microphone import Microphone
from realtime.sinks.recording.recorder import Recorder
from realtime.sinks.wrapper import SinkWrapper

LONGEST = 6.0
"""Seconds that a recording lives at most."""
AT_ONCE = min(20, 10 * physical_cores())
"""With a microphone, each takes up to a tenth of a core."""
FPS = 30


class NoiseDevice:
    """A microphone that hears noise, at its own pace."""

    def __init__(self) -> None:
        self._due = time.monotonic()
        self._noise = np.random.default_rng(2).integers(-9000, 9000, RATE // 25, np.int16).tobytes()

    def read(self, timeout: float) -> tuple[float, bytes]:
        self._due += 0.02
        time.sleep(max(0.0, self._due - time.monotonic()))
        return time.monotonic(), self._noise

    def close(self) -> None:
        pass


class Told(SinkWrapper):
    """Tells of each picture that has been written."""

    def __init__(self, wrapped: Recorder, told: int) -> None:
        super().__init__(wrapped)
        self._told = told

    def write(self, frame: Frame) -> None:
        super().write(frame)
        tell(self._told, "written", frame.timestamp)


def tell(told: int, what: str, seconds: float) -> None:
    os.write(told, f"{what} {seconds:.4f}\n".encode())


def record_for_ever(path: Path, told: int) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (8, 96, 128, 3), dtype=np.uint8)
    microphone = None
    if path.stem.endswith("sound"):
        microphone = Microphone("noise", print, open_device=lambda name: NoiseDevice())
    codec = next((name for name in NAMES if path.stem.endswith(name)), "auto")
    recorder = Recorder(path, codec=codec, encoder="software", microphone=microphone)
    runner = SinkRunner(Told(recorder, told), Metrics(), lossless=False, local=False)
    runner.start(FrameFormat(128, 96, FPS, live=True))
    begin = time.monotonic()
    for index in count():
        seconds = time.monotonic() - begin
        runner.queue.put(Frame(noise[index % 8], index, begin + seconds, seconds))
        tell(told, "given", seconds)
        time.sleep(max(0.0, (index + 1) / FPS - (time.monotonic() - begin)))


def kill_some(paths: list[Path], chance: random.Random) -> None:
    """Let them all record, kill each when its time has come, and tell how far it got."""
    children = {}
    for path in paths:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            record_for_ever(path, writing)
        os.close(writing)
        children[child] = path, reading, chance.uniform(0.1, LONGEST)
    begin, texts = time.monotonic(), dict.fromkeys(children, b"")
    left = dict(children)
    while left:
        ready, _, _ = select.select([reading for _, reading, _ in left.values()], [], [], 0.01)
        for child, (path, reading, lives) in list(left.items()):
            if reading in ready:
                texts[child] += os.read(reading, 65536)
            if time.monotonic() - begin < lives:
                continue
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            while more := os.read(reading, 65536):
                texts[child] += more
            os.close(reading)
            del left[child]
            told = {"given": [], "written": []}
            for line in texts[child].decode().splitlines():
                what, seconds = line.split()
                told[what].append(float(seconds))
            print(json.dumps({"path": str(path), "lived": lives, **told}), flush=True)


def main() -> None:
    folder, number, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    paths = [folder / f"{i}-{suffix}" for suffix in sys.argv[4:] for i in range(number)]
    chance = random.Random(seed)
    for first in range(0, len(paths), AT_ONCE):
        kill_some(paths[first : first + AT_ONCE], chance)


if __name__ == "__main__":
    main()
