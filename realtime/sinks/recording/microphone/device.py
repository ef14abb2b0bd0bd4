"""Microphones of this machine. Uses miniaudio.

PyAV's wheels hold FFmpeg's ALSA without its configuration files, and no PulseAudio. PortAudio
(sounddevice) needs a library of the system on Linux, and through ALSA's way into PulseAudio it lost
most of the sound. miniaudio speaks with PulseAudio, ALSA, Core Audio and WASAPI itself.
"""

import importlib.util
import time
from collections.abc import Generator
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from models.errors import SinkFault, UsageError
from realtime.sinks.recording.microphone.arrival_clock import RATE

CHUNK = 20
"""Milliseconds of sound that arrive at a time."""
DEFAULT = "default"
INSTALL = "pip install 'stylecam[microphone]'"

Arrived = tuple[float, bytes]
"""When a chunk arrived (time.monotonic()), and its samples: int16, two channels, at RATE."""


class Device(Protocol):
    """An open microphone. One thread calls it."""

    def read(self, timeout: float) -> Arrived | None:
        """The next chunk; None if none came within `timeout` s. Raises SinkFault."""
        ...

    def close(self) -> None: ...


def check_installed() -> None:
    """Raise UsageError if what reads microphones is missing."""
    if importlib.util.find_spec("miniaudio") is None:
        raise UsageError(f"recording.microphone: needs {INSTALL}")


def microphones() -> list[str]:
    """The names of what can be recorded here. Raises SinkFault if there is no sound system."""
    import miniaudio

    try:
        return [str(found["name"]) for found in miniaudio.Devices().get_captures()]
    except miniaudio.MiniaudioError as error:
        raise SinkFault(f"no sound system ({error.args[0]})") from None


class MiniaudioDevice:
    """The microphone whose name is, or else holds, `name`; "default" is the system's own."""

    def __init__(self, name: str) -> None:
        import miniaudio

        self._arrived: SimpleQueue[Arrived] = SimpleQueue()
        try:
            self._capture = miniaudio.CaptureDevice(
                input_format=miniaudio.SampleFormat.SIGNED16,
                nchannels=2,
                sample_rate=RATE,
                buffersize_msec=CHUNK,
                device_id=_device_id(name),
                app_name="stylecam",
            )
            take = self._take()
            next(take)
            self._capture.start(take)
        except miniaudio.MiniaudioError as error:
            raise SinkFault(f"{name}: cannot be opened ({error.args[0]})") from None

    def _take(self) -> Generator[None, bytes, None]:
        """Runs in a thread of miniaudio's."""
        while True:
            data = yield
            self._arrived.put((time.monotonic(), bytes(data)))

    def read(self, timeout: float) -> Arrived | None:
        try:
            return self._arrived.get(timeout=timeout)
        except Empty:
            return None

    def close(self) -> None:
        self._capture.close()


def _device_id(name: str) -> Any:
    import miniaudio

    if name == DEFAULT:
        return None
    found = miniaudio.Devices().get_captures()
    for fits in (str.__eq__, str.__contains__):
        for device in found:
            if fits(device["name"].lower(), name.lower()):
                return device["id"]
    there = ", ".join(device["name"] for device in found) or "none"
    raise SinkFault(f"no microphone is called {name!r} (there are: {there})")
