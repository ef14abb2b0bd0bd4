"""What ffmpeg makes of a file and shows of one: the yardstick for files of the real world."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from realtime.commands.stylize import stylize

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is missing")
RATE = 8000
PICTURES = "-f lavfi -i testsrc=s=64x48:r=10:d=2"
SOUND = "-f lavfi -i aevalsrc=0.5*sin(3000*t)*gt(sin(7*t)\\,0.6):s=48000:d=2"


def ffmpeg(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Run ffmpeg with `arguments`; those that are text are split at spaces."""
    words = [w for a in arguments for w in (a.split() if isinstance(a, str) else [str(a)])]
    command = ["ffmpeg", "-v", "error", "-y", *words]
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout


def painted(source: Path, target: Path, *options: str):
    """Run `stylecam stylize` at strength 0. The result has exit_code and output."""
    arguments = [str(source), "--strength", "0", "-o", str(target), *options]
    return CliRunner().invoke(stylize, arguments)


def probe(path: Path) -> dict:
    command = "ffprobe -v error -show_streams -show_format -show_chapters -of json"
    done = subprocess.run([*command.split(), path], capture_output=True, check=True)
    return json.loads(done.stdout)


def length(path: Path) -> float:
    """Seconds until all of it has ended."""
    return float(probe(path)["format"]["duration"])


def shown(path: Path, *, rate: int = 20, size: str = "64x48", filters: str = "null") -> np.ndarray:
    """What the screen shows, `rate` times a second from the container's beginning: (N, H, W, 3)."""
    width, height = map(int, size.split("x"))
    chain = f"{filters},fps={rate}:start_time=0,scale={width}:{height},format=rgb24"
    # All sound is decoded, too: ffmpeg takes for the beginning that of the streams that it uses.
    nut = ffmpeg("-i", path, f"-map 0:V:0 -map 0:a? -vf {chain} -c:v rawvideo -f nut -")
    raw = ffmpeg("-i - -map 0:v -vsync passthrough -f rawvideo -pix_fmt rgb24 -", stdin=nut)
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3).astype(int)


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The mean difference over the time that both last, 0..255."""
    frames = min(len(one), len(other))
    assert frames > 0
    return float(np.abs(one[:frames] - other[:frames]).mean())


def heard(path: Path, track: int = 0) -> np.ndarray:
    """The sound from the container's beginning: one channel at RATE, -1..1."""
    fill = "-af aresample=async=1:first_pts=0"
    raw = ffmpeg("-i", path, f"-map 0:a:{track} {fill} -ac 1 -ar {RATE} -f f32le -")
    return np.frombuffer(raw, np.float32)


def lag(one: np.ndarray, other: np.ndarray) -> float:
    """By how many seconds `other` comes later than `one`: the peak of their correlation."""
    size = 2 * max(len(one), len(other))
    spectrum = np.fft.rfft(one, size).conj() * np.fft.rfft(other, size)
    peak = int(np.argmax(np.fft.irfft(spectrum, size)))
    return (peak if peak < size // 2 else peak - size) / RATE
