"""The process that keeps a virtual camera open when the stylecam that feeds it dies. Linux.

It is started with a socket as its standard input, and says what became of the camera. Until its
stylecam takes it ("take"), it ends with it; afterwards it shows the card when that one vanishes,
until another takes it, it is told to end, or the time is over. It loads neither OpenCV nor a
runtime, so that it starts fast and weighs little.
"""

import logging
import os
import selectors
import signal
import socket
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from models.errors import StylecamError
from models.pictures import RGB
from realtime.sinks.virtual_camera.devices import CameraSpec
from realtime.sinks.virtual_camera.fixed_rate import FixedRatePacer
from realtime.sinks.virtual_camera.link import PROTOCOL, Link, Message, listen
from realtime.sinks.virtual_camera.paced_camera import PacedCamera
from realtime.sinks.virtual_camera.shared_pictures import SharedPictures

HANGING = 3.0
"""Seconds without a beat after which stylecam counts as hanging: it beats six times as often."""
POLL = 0.1
"""Seconds between two looks at the camera and at who reads it."""


log = logging.getLogger(__name__)


class SharedPacer(FixedRatePacer[RGB]):
    """Takes the picture of each tick from the shared memory: the card while stylecam is `gone`, or
    hangs. Where it paints nothing new, its beat tells that it lives."""

    def __init__(self, fps: float, pictures: SharedPictures) -> None:
        super().__init__(fps)
        self._pictures = pictures
        self._hung_for = 0.0
        self.gone = False

    def tick(self) -> RGB | None:
        self.put(self._pictures.card if self.gone or self._hangs() else self._pictures.newest())
        return super().tick()

    def _hangs(self) -> bool:
        silent_for = self._pictures.silent_for
        if silent_for > HANGING:
            self._hung_for = silent_for
            return True
        if self._hung_for:
            log.warning("the camera showed its card: no sign of life for %.0f s", self._hung_for)
            self._hung_for = 0.0
        return False


class Reports(logging.Handler):
    """Passes on what is logged here, to the stylecam of the moment."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.link: Link | None = None

    def emit(self, record: logging.LogRecord) -> None:
        link = self.link
        if link is not None:
            link.send({"log": record.levelno, "text": record.getMessage()})


class CameraHost:
    """Keeps an open camera, and serves the stylecam that has taken it. `memory` holds pictures."""

    def __init__(
        self,
        spec: CameraSpec,
        camera: PacedCamera,
        pacer: SharedPacer,
        pictures: SharedPictures,
        memory: int,
        reports: Reports,
    ) -> None:
        self._spec, self._camera, self._memory = spec, camera, memory
        self._pacer, self._pictures, self._reports = pacer, pictures, reports
        self._selector = selectors.DefaultSelector()
        self._first: Link | None = None
        self._owner: Link | None = None
        self._keep = 0.0
        self._until = 0.0
        self._ended = False

    def serve(self, first: Link, listener: socket.socket) -> None:
        """Return when the camera is to be closed."""
        self._selector.register(listener, selectors.EVENT_READ)
        self._first = first
        self._greet(first)
        while not self._ended:
            for key, _ in self._selector.select(POLL):
                if key.fileobj is listener:
                    self._greet(Link(listener.accept()[0]))
                else:
                    link = key.data
                    self._obey(link, link.receive()[0])
            self._camera.check()
            self._pictures.watched = self._camera.watched
            self._ended |= self._owner is None and time.monotonic() > self._until > 0

    def _greet(self, link: Link) -> None:
        """Say what is here; on the same connection comes what to do with it."""
        self._pictures.watched = self._camera.watched
        told = {"protocol": PROTOCOL, "pid": os.getpid(), "actual": self._camera.device}
        told |= {"spec": asdict(self._spec), "taken": self._owner is not None}
        told |= {"watched": self._camera.watched}
        if link.send(told, [self._memory]):
            self._selector.register(link, selectors.EVENT_READ, link)
        else:
            link.close()

    def _obey(self, link: Link, message: Message | None) -> None:
        if message is None:
            self._leave(link)
        elif "take" in message and self._owner is None:
            self._owner = self._reports.link = link
            self._keep, self._pacer.gone = float(message["take"]), False
        elif "end" in message and self._owner in (None, link):
            self._ended = True

    def _leave(self, link: Link) -> None:
        self._selector.unregister(link)
        if link is self._owner:
            self._pacer.gone = True
            self._pictures.forget_beat()
            self._owner = self._reports.link = None
            self._until = time.monotonic() + self._keep
        elif link is self._first:  # it never took the camera
            self._ended = True
        link.close()


def main() -> None:
    """Keep the camera that the first message describes."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)  # of the terminal: they are for stylecam
    signal.signal(signal.SIGTERM, _end)
    reports = Reports()
    logging.basicConfig(level=logging.INFO, handlers=[reports])
    first = reports.link = _inherited()
    message, files = first.receive()
    if message is None:
        return
    spec, (memory,) = CameraSpec(**message["spec"]), files
    pictures = SharedPictures(memory, spec.width, spec.height)
    pacer, camera = SharedPacer(spec.fps, pictures), PacedCamera()
    try:
        camera.open(spec, pictures.newest(), pacer=pacer)
        listener, path = listen(Path(message["folder"]))
    except (StylecamError, OSError) as error:
        camera.close()
        text = str(error) if isinstance(error, StylecamError) else f"{spec.name}: {error}"
        first.send({"refused": text, "exit": getattr(error, "exit_code", 1)})
        return
    host = CameraHost(spec, camera, pacer, pictures, memory, reports)
    try:
        host.serve(first, listener)
    finally:  # the connections end last: the camera is free then
        path.unlink(missing_ok=True)
        camera.close()


def _inherited() -> Link:
    """The socket that is the standard input. What is started from here must not hold it open."""
    connection = socket.socket(fileno=os.dup(0))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Link(connection)


def _end(number: int, frame: object) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    main()
