"""A camera of PipeWire, for Linux without the kernel module. A child process, GStreamer, makes it.

Browsers and OBS find it where they find webcams, through the desktop's camera portal.
"""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

from models.errors import SinkFault
from models.pictures import RGB

PIPEWIRE = "pipewire"
"""The `device` that means such a camera, and its name where a backend's device is named."""
PIPEWIRE_NAME = "stylecam"
INSTALL = "sudo apt install pipewire wireplumber gstreamer1.0-pipewire gstreamer1.0-tools"
PIPE = 1 << 20
OPENING = 10.0
SENDING = 1.5
"""Seconds that GStreamer may take to offer the node, and for one picture; less than the PATIENCE of
paced_camera.py, so that a node that hangs is ended before another is made."""
GREY = 28
PLAYING = b"to PLAYING"
OWNER = "stylecam.process"
"""The property of a node that says which process made it."""


def why_no_pipewire() -> str | None:
    """Why there can be no such camera here, and what to do; None if there can."""
    if shutil.which("gst-launch-1.0") is None:
        return f"GStreamer's gst-launch-1.0 is missing: {INSTALL}"
    asked = ["gst-inspect-1.0", "pipewiresink"]  # --exists wants plugins of version 1.0 or later
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        return f"GStreamer has no pipewiresink: {INSTALL}"
    if not pipewire_socket().is_socket():
        return f"PipeWire does not run ({pipewire_socket()} is missing); log in to a desktop"
    return None


def pipewire_socket() -> Path:
    """Where PipeWire listens if it runs."""
    folder = os.environ.get("PIPEWIRE_RUNTIME_DIR") or os.environ.get("XDG_RUNTIME_DIR")
    return Path(folder or f"/run/user/{os.getuid()}") / "pipewire-0"


class PipewireNode:
    """An `OpenCamera` (camera_sender.py) that other programs see as "stylecam".

    Raises SinkFault with the reason and the remedy. It takes pictures (height, width, 3) whether
    anybody reads them or not, and offers them as YUY2, which every reader knows.
    """

    device = PIPEWIRE

    def __init__(self, name: str, width: int, height: int, fps: float) -> None:
        reason = why_no_pipewire()
        if reason is not None:
            raise SinkFault(f"{name}: no camera of PipeWire ({reason})")
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  closed with the node
        self._process = subprocess.Popen(
            _command(width, height, fps),
            stdin=subprocess.PIPE,
            stdout=self._messages,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a terminal's Ctrl-C is not for it
        )
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)
        with suppress(OSError):  # an unprivileged user's pipes may be limited
            import fcntl

            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE)
        try:
            self._offer(b"%c" % GREY * (width * height * 3))
        except OSError as error:
            said = self._said()
            self.close()
            raise SinkFault(f"{name}: no camera of PipeWire ({said or error})") from None

    def send(self, frame: RGB) -> None:
        """Raises OSError if GStreamer has ended or takes no picture."""
        self._write(frame.reshape(-1).data, SENDING)

    def close(self) -> None:
        """End the node. May be called twice."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._messages.close()

    def _offer(self, first: bytes) -> None:
        """Give the picture that GStreamer wants before it begins, and wait until it has."""
        until = time.monotonic() + OPENING
        self._write(memoryview(first), OPENING)
        while PLAYING not in self._output():
            if self._process.poll() is not None or time.monotonic() > until:
                raise OSError("GStreamer does not begin")
            time.sleep(0.02)

    def _write(self, data: memoryview, seconds: float) -> None:
        until = time.monotonic() + seconds
        while data:
            if self._process.poll() is not None:
                raise OSError(self._said() or "GStreamer has ended")
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("PipeWire takes no picture")
            if select.select([], [self._pipe], [], min(left, 0.2))[1]:
                data = data[os.write(self._pipe, data) :]

    def _output(self) -> bytes:
        return os.pread(self._messages.fileno(), 1 << 16, 0)

    def _said(self) -> str:
        """GStreamer's first error, in one line."""
        lines = self._output().decode(errors="replace").splitlines()
        found = next((line for line in lines if line.startswith("ERROR")), "")
        return found.partition(": ")[2].strip()


def _command(width: int, height: int, fps: float) -> list[str]:
    rate = Fraction(fps).limit_denominator(1001)
    return [
        # Without --no-fault, a GStreamer that crashes stays and waits for a debugger.
        *("gst-launch-1.0", "--no-fault", "fdsrc", "fd=0", f"blocksize={width * height * 3}"),
        *("!", "rawvideoparse", f"width={width}", f"height={height}", "format=rgb"),
        f"framerate={rate.numerator}/{rate.denominator}",
        *("!", "videoconvert", "!", "video/x-raw,format=YUY2"),
        # PipeWire's own buffers make videoconvert crash (0.3.65).
        *("!", "identity", "drop-allocation=true"),
        *("!", "pipewiresink", "mode=provide", "sync=false", f"stream-properties={_properties()}"),
    ]


def _properties() -> str:
    words = {"media.class": "Video/Source", "media.role": "Camera", "node.name": PIPEWIRE_NAME}
    words |= {"node.description": PIPEWIRE_NAME, OWNER: str(os.getpid())}
    return ",".join(["props", *(f"{key}={word}" for key, word in words.items())])


class PipewireHandle:
    """A `UsageHandle` (loopback_usage.py): whether anybody reads this process's node.

    `device` is ignored. Raises OSError where pw-dump is missing.
    """

    def __init__(self, device: str) -> None:
        self._process = subprocess.Popen(
            ["pw-dump", "--no-colors", "--monitor"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        self._text = ""
        self._node: int | None = None
        self._told: int | None = None

    def wait(self, timeout: float) -> int | None:
        """1 or 0 if it is news, None if nothing came. Raises OSError when PipeWire is gone."""
        if not select.select([self._pipe], [], [], timeout)[0]:
            return None
        read = os.read(self._pipe, 1 << 16)
        if not read:
            raise OSError("pw-dump has ended")
        self._text += read.decode(errors="replace")
        news = None
        while (changes := self._next()) is not None:
            for change in changes:
                news = self._running(change, news)
        if news == self._told:  # an idle node is told again when it is suspended
            return None
        self._told = self._told if news is None else news
        return news

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _next(self) -> list[dict[str, Any]] | None:
        """The next list of what has changed, if it is here wholly."""
        self._text = self._text.lstrip()
        try:
            changes, end = json.JSONDecoder().raw_decode(self._text)
        except ValueError:
            return None
        self._text = self._text[end:]
        return list(changes)

    def _running(self, change: dict[str, Any], news: int | None) -> int | None:
        """What `change` says of our node, else `news`."""
        info = change.get("info") or {}
        if str((info.get("props") or {}).get(OWNER)) == str(os.getpid()):
            self._node = change["id"]
        if change["id"] != self._node or "state" not in info:
            return news
        return int(info["state"] == "running")
