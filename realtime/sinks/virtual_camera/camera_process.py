"""Feeds a virtual camera that a process of its own keeps open (child.py). Linux.

A call loses a camera whose program ends. This one stays, with a card, when stylecam is killed, and
the next stylecam finds it.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import asdict
from typing import NamedTuple

from models.errors import SinkFault, StylecamError, UsageError
from models.pictures import RGB
from realtime.control.local.endpoint import runtime_folder
from realtime.frames.size import Size
from realtime.frames.views import placeholder
from realtime.sinks.virtual_camera.camera_sender import FIRST_BACKOFF, LONGEST_BACKOFF
from realtime.sinks.virtual_camera.devices import CameraSpec
from realtime.sinks.virtual_camera.link import PROTOCOL, Link, Message, pair, running
from realtime.sinks.virtual_camera.shared_pictures import SharedPictures, memory_file

GONE_TEXT = "stylecam has stopped"
STARTING = 30.0
"""Seconds that the process may take to open its camera."""
ANSWERING = 5.0
"""Seconds that a process may take to say what it is."""
CLOSING = 2.0
BEAT = 0.5
"""Seconds between two signs of life to the process."""

log = logging.getLogger(__name__)


class Keeper(NamedTuple):
    """A process with an open camera, as it describes itself. `actual` is the camera's own name,
    `memory` a file descriptor of its SharedPictures."""

    link: Link
    memory: int
    pid: int
    spec: CameraSpec
    actual: str
    watched: bool

    @property
    def size(self) -> Size:
        return Size(self.spec.width, self.spec.height)

    def serves(self, device: str | None, backend: str | None) -> bool:
        """Whether it has the camera that is asked for."""
        return device in (self.spec.device, self.actual) and backend == self.spec.backend

    def leave(self) -> None:
        self.link.close()
        os.close(self.memory)

    def end(self) -> None:
        """End it, and wait until it has: its camera is free then."""
        os.close(self.memory)
        self.link.send({"end": True})
        _await_end(self.link, self.pid)


class CameraProcess:
    """A feed (sink.py) whose camera outlives a stylecam that is killed, by `outlive` s.

    With `outlive_stop`, it outlives one that is ended, too. A process that is still there is taken
    over by the next that asks for the same camera: in its format, if somebody may be reading it,
    since a reader's format cannot change. If the process itself dies, another one is started.
    """

    def __init__(self, *, outlive: float, outlive_stop: bool = False) -> None:
        self._outlive, self._outlive_stop = outlive, outlive_stop
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._keeper: Keeper | None = None
        self._pictures: SharedPictures | None = None
        self._last: RGB | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    @property
    def watched(self) -> bool:
        """Whether anybody may be reading it. Any thread may ask."""
        pictures = self._pictures
        return pictures is None or pictures.watched

    def kept_size(self, device: str | None, backend: str | None) -> Size | None:
        """The size of the camera that somebody already reads; None if it can be chosen."""
        found = _find(device, backend)
        if found is None:
            return None
        found.leave()
        return found.size if found.watched else None

    def open(self, spec: CameraSpec, card: RGB) -> None:
        """Take over a running process, or start one. Raises UsageError or SinkFault."""
        self._spec, self._card = spec, card
        self._closing.clear()
        found = _find(spec.device, spec.backend)
        if found is not None and not _fits(found, spec):
            found.end()
            found = None
        self._take(self._started() if found is None else found)
        self._thread = threading.Thread(target=self._follow, name=f"process of {spec.name}")
        self._thread.daemon = True
        self._thread.start()

    def put(self, rgb: RGB) -> None:
        """Show `rgb` (H, W, 3) from now on; while there is no process, once there is one."""
        with self._lock:
            self._last = rgb
            if self._pictures is not None:
                self._pictures.put(rgb)

    def close(self) -> None:
        """End the process, unless it is to outlive this one. May be called twice."""
        self._closing.set()
        with self._lock:
            keeper, self._pictures, self._last = self._keeper, None, None
        if keeper is not None and self._outlive_stop:
            keeper.link.hang_up()
        elif keeper is not None:
            keeper.link.send({"end": True})
        if self._thread is not None:
            self._thread.join(CLOSING)
            if self._thread.is_alive() and keeper is not None:
                _kill(keeper.pid)
                self._thread.join(CLOSING)
            self._thread = None
        if self._child is not None:
            if self._outlive_stop:
                self._child.returncode = 0  # it is not ours any more
            else:
                _reap(self._child)
            self._child = None

    def _take(self, keeper: Keeper) -> None:
        pictures = SharedPictures(keeper.memory, *keeper.size)
        with self._lock:
            if not self._closing.is_set():
                pictures.put(self._newest())
                keeper.link.send({"take": self._outlive})
                os.close(keeper.memory)
                self._keeper, self._pictures = keeper, pictures
                return
        keeper.end()

    def _newest(self) -> RGB:
        return self._card if self._last is None else self._last

    def _follow(self) -> None:
        """Pass on what the process says; when it ends, start another."""
        while (keeper := self._keeper) is not None:
            link = keeper.link
            while (message := self._next_message(link)) is not None:
                if "log" in message:
                    log.log(message["log"], "%s", message["text"])
            link.close()
            with self._lock:
                self._keeper = self._pictures = None
            if self._closing.is_set():
                return
            log.warning("%s: the camera's process has ended; starting another", self._spec.name)
            self._start_again()

    def _next_message(self, link: Link) -> Message | None:
        """What the process says next; meanwhile it is told that this one lives."""
        while True:
            with self._lock:
                if self._pictures is not None:
                    self._pictures.beat()
            with suppress(TimeoutError):
                return link.receive(BEAT)[0]

    def _start_again(self) -> None:
        """Start a process, however long it takes, unless there is no need any more."""
        pause = FIRST_BACKOFF
        while not self._closing.wait(pause):
            try:
                self._take(self._started())
            except StylecamError as reason:
                log.debug("%s: not back yet: %s", self._spec.name, reason)
                pause = min(2 * pause, LONGEST_BACKOFF)
                continue
            log.warning("%s: the virtual camera works again", self._spec.name)
            return

    def _started(self) -> Keeper:
        """A new process with the camera open. Raises what it says if it cannot open it."""
        spec = self._spec
        memory = memory_file(spec.width, spec.height)
        pictures = SharedPictures(memory, spec.width, spec.height)
        pictures.put(self._newest())
        pictures.card[:] = placeholder(spec.height, spec.width, GONE_TEXT)
        ours, theirs = pair()
        if self._child is not None:
            self._child.poll()
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-m", "realtime.sinks.virtual_camera.child"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C and a terminal that closes are not for it
            )
        ours.send({"spec": asdict(spec), "folder": str(runtime_folder())}, [memory])
        os.close(memory)
        try:
            return _keeper(ours, *_described(ours, STARTING, spec.name))
        except BaseException as error:
            ours.close()
            self._child.kill()
            self._child.wait()
            if isinstance(error, TimeoutError):
                raise SinkFault(f"{spec.name}: the camera does not open") from None
            raise


def _described(link: Link, seconds: float, name: str) -> tuple[Message, list[int]]:
    """What a process says of itself. Raises SinkFault, TimeoutError, or the error that it sends."""
    message, files = link.receive(seconds)
    while message is not None and "log" in message:
        log.log(message["log"], "%s", message["text"])
        message, files = link.receive(seconds)
    if message is None:
        raise SinkFault(f"{name}: the camera's process ended at once")
    if "refused" in message:
        usage = message["exit"] == UsageError.exit_code
        raise (UsageError if usage else SinkFault)(message["refused"])
    return message, files


def _keeper(link: Link, message: Message, files: list[int]) -> Keeper:
    """Raises KeyError, TypeError or ValueError for a process of another version."""
    if message["protocol"] != PROTOCOL:
        raise ValueError(f"protocol {message['protocol']}")
    told = {key: message[key] for key in ("pid", "actual", "watched")}
    return Keeper(link=link, memory=files[0], spec=CameraSpec(**message["spec"]), **told)


def _find(device: str | None, backend: str | None) -> Keeper | None:
    """A process that keeps the camera, fed by nobody. Those that cannot be used are ended."""
    chosen: Keeper | None = None
    for link in running(runtime_folder()):
        try:
            message, files = _described(link, ANSWERING, "virtual-camera")
            if message.get("taken"):
                link.close()
                continue
            keeper = _keeper(link, message, files)
        except (StylecamError, TimeoutError, LookupError, TypeError, ValueError) as reason:
            log.warning("a camera process that cannot be used is ended (%s)", reason)
            _kill(link.peer())
            link.close()
            continue
        if chosen is None and keeper.serves(device, backend):
            chosen = keeper
        else:
            keeper.leave()
    return chosen


def _fits(keeper: Keeper, spec: CameraSpec) -> bool:
    """Whether it is fed as it is: in the same format, or in its own while it is read."""
    if keeper.size != (spec.width, spec.height):
        return False
    return keeper.watched or keeper.spec.fps == spec.fps


def _await_end(link: Link, pid: int) -> None:
    try:
        while link.receive(CLOSING)[0] is not None:
            pass
    except TimeoutError:
        _kill(pid)
        with suppress(TimeoutError):
            link.receive(CLOSING)
    link.close()


def _reap(child: "subprocess.Popen[bytes]") -> None:
    """Wait for its end, with force if need be."""
    try:
        child.wait(CLOSING)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _kill(pid: int) -> None:
    """Its connection is open, so that the number is still its own."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
