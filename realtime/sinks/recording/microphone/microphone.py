"""Reads a microphone in a thread of its own, for all recordings of a run."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.errors import SinkFault
from realtime.sinks.recording.microphone.arrival_clock import RATE, ArrivalClock
from realtime.sinks.recording.microphone.device import Device, MiniaudioDevice

Samples = NDArray[np.int16]
CHANNELS = 2
HISTORY = 5.0
"""Seconds of sound that a new listener gets: its first picture was taken a while ago."""
MOST_CHUNKS = 3000
"""What a listener that takes nothing may hold: about a minute."""
SILENT = 1.0
"""Seconds without a chunk after which a microphone counts as lost."""
PAUSES = (1.0, 2.0, 5.0)
"""Seconds before each attempt to open it again; the last one repeats."""
POLL = 0.1
STOP_TIMEOUT = 1.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sound in a row: int16 (N, 2) at RATE; `begin` is the time.monotonic() of the first."""

    begin: float
    samples: Samples

    @property
    def end(self) -> float:
        return self.begin + len(self.samples) / RATE

    def between(self, begin: float, end: float) -> "Chunk":
        """What of it was taken from `begin` until `end`."""
        first = min(max(0, round((begin - self.begin) * RATE)), len(self.samples))
        last = min(max(first, round((end - self.begin) * RATE)), len(self.samples))
        return Chunk(self.begin + first / RATE, self.samples[first:last])


class Listener:
    """What one recording hears: chunks in the order of their times. One thread takes them."""

    def __init__(self, microphone: "Microphone", heard: deque[Chunk]) -> None:
        self._microphone = microphone
        self.chunks: deque[Chunk] = deque(heard, maxlen=MOST_CHUNKS)

    @property
    def hears(self) -> bool:
        """Whether sound is coming."""
        return self._microphone.works

    def close(self) -> None:
        self._microphone.forget(self)


class Microphone:
    """The microphone called `name`, open only while somebody listens.

    If it is missing or fails, `say` gets a line, and it is tried again and again; `say` is told
    when it is back, too. `delay`, in seconds, is added to the times of its sound.
    """

    def __init__(
        self,
        name: str,
        say: Callable[[str], None],
        *,
        delay: float = 0.0,
        open_device: Callable[[str], Device] = MiniaudioDevice,
    ) -> None:
        self._name, self._say, self.delay = name, say, delay
        self._open_device = open_device
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []
        self._history: deque[Chunk] = deque()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.works = False

    def listen(self) -> Listener:
        """Hear it from now on, and what others have heard in the last seconds. Never fails."""
        with self._lock:
            listener = Listener(self, self._history)
            self._listeners.append(listener)
            if len(self._listeners) == 1:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="microphone", daemon=True
                )
                self._thread.start()
        return listener

    def forget(self, listener: Listener) -> None:
        """Called by the listener; the last one closes the microphone."""
        with self._lock:
            if listener not in self._listeners:
                return
            self._listeners.remove(listener)
            if self._listeners:
                return
            self._stop.set()
            self._history.clear()
            thread, self._thread, self.works = self._thread, None, False
        if thread is not None:
            thread.join(STOP_TIMEOUT)  # one that hangs in its driver is left behind

    def _run(self, stop: threading.Event) -> None:
        told, failed = False, 0
        while not stop.is_set():
            try:
                self._hear(stop, again=told)
            except Exception as error:  # a driver may raise anything
                if self.works:
                    told, failed = False, 0
                self.works = False
                if not told and not stop.is_set():
                    what = "" if isinstance(error, SinkFault) else f"{type(error).__name__}: "
                    self._say(f"microphone: {what}{error}; recordings go on without its sound")
                told = True
                stop.wait(PAUSES[min(failed, len(PAUSES) - 1)])
                failed += 1

    def _hear(self, stop: threading.Event, *, again: bool) -> None:
        """Read until stopped. Raises SinkFault, and whatever the device raises."""
        device, clock = self._open_device(self._name), ArrivalClock()
        try:
            newest = time.monotonic()
            while not stop.is_set():
                arrived = device.read(POLL)
                if arrived is not None:
                    newest = time.monotonic()
                    self._deliver(_chunk(clock, *arrived, self.delay), stop)
                    if again:
                        self._say(f"microphone: {self._name} is back")
                    again = False
                elif time.monotonic() - newest > SILENT:
                    raise SinkFault(f"{self._name} gives no sound any more")
        finally:
            device.close()

    def _deliver(self, chunk: Chunk, stop: threading.Event) -> None:
        with self._lock:
            if stop.is_set():
                return
            self.works = True
            self._history.append(chunk)
            while chunk.end - self._history[0].end > HISTORY:
                self._history.popleft()
            for listener in self._listeners:
                listener.chunks.append(chunk)


def _chunk(clock: ArrivalClock, arrived: float, data: bytes, delay: float) -> Chunk:
    samples = np.frombuffer(data, np.int16).reshape(-1, CHANNELS)
    return Chunk(clock.begin(arrived, len(samples)) + delay, samples)
