"""A virtual camera at pyvirtualcam's level whose faults a test begins and ends."""

import os
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

FOREVER = 60.0


class Driver:
    """The state of the device, for all cameras that are made of it. `sent` are their times."""

    def __init__(self) -> None:
        self.sent: list[float] = []
        self.formats: set[tuple[int, int, float]] = set()
        self.gone = self.close_fails = False
        self.hangs = ""
        self.slow = 0.0
        self.failures = 0
        self.born = 0
        self.stuck = threading.Event()

    def backend(self) -> type:
        """A class for pyvirtualcam.register_backend."""
        driver = self

        class Camera:
            def __init__(self, *, width, height, fps, fourcc, device):
                driver.born += 1
                self.number = driver.born
                if driver.hangs == "opening" and self.number == 2:
                    driver.stuck.wait(FOREVER)
                if driver.gone:
                    raise RuntimeError("no such device")
                driver.formats.add((width, height, fps))
                self.fourcc = fourcc

            def send(self, frame):
                if driver.hangs == "sending" and self.number == 1:
                    driver.stuck.wait(FOREVER)
                time.sleep(driver.slow)
                if driver.gone or driver.failures:
                    driver.failures = max(0, driver.failures - 1)
                    raise OSError("write failed")
                driver.sent.append(time.monotonic())

            def close(self):
                if driver.close_fails:
                    driver.close_fails = False
                    raise OSError("close failed")

            def device(self):
                return "scripted"

            def native_fourcc(self):
                return self.fourcc

        return Camera


class DriverFault(NamedTuple):
    """As scripted_camera.Fault."""

    name: str
    begin: Callable[[Driver], None]
    end: Callable[[Driver], None] | None
    lasting: float = 2.0
    harmless: bool = False


def _set(**fields: object) -> Callable[[Driver], None]:
    def change(driver: Driver) -> None:
        for name, value in fields.items():
            setattr(driver, name, value)

    return change


DRIVER_FAULTS = (
    DriverFault("refuses one picture", _set(failures=1), None),
    DriverFault("vanishes, then comes back", _set(gone=True), _set(gone=False)),
    DriverFault("hangs while it takes a picture", _set(hangs="sending"), None),
    DriverFault("fails, and hangs while it is opened", _set(failures=1, hangs="opening"), None),
    DriverFault("fails, and its closing, too", _set(failures=1, close_fails=True), None),
    DriverFault("takes 0.2 s for each picture", _set(slow=0.2), _set(slow=0.0), harmless=True),
)


JOURNAL = "STYLECAM_TEST_JOURNAL"
"""The variable that names the file in which a WrittenCamera writes what happens to it."""


class WrittenCamera:
    """A camera for pyvirtualcam in another process: a line for each thing that is done to it."""

    def __init__(self, *, width, height, fps, fourcc, device):
        if device == "/dev/video99":
            raise RuntimeError("/dev/video99 is not a V4L2 device.")
        self.fourcc = fourcc
        self._write("open", width, height, fps)

    def _write(self, *words: object) -> None:
        with Path(os.environ[JOURNAL]).open("a") as journal:
            journal.write(" ".join(map(str, (os.getpid(), *words))) + "\n")

    def send(self, frame):
        self._write("send", time.monotonic(), zlib.crc32(frame))

    def close(self):
        self._write("close")

    def device(self):
        return "/dev/written"

    def native_fourcc(self):
        return self.fourcc


class WrittenUsage:
    """In place of CameraUsage: somebody reads the camera while there is a file beside it."""

    def __init__(self, device: str) -> None:
        pass

    @property
    def watched(self) -> bool:
        return Path(os.environ[JOURNAL]).with_name("readers").exists()

    def stop(self) -> None:
        pass


PATIENCE = 60.0
"""Seconds that a process may take on a busy machine."""


def until(condition: Callable[[], object]) -> None:
    """Poll until it holds; an AssertionError when it never does."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.01)


SITE = """
import pyvirtualcam
from realtime.sinks.virtual_camera import loopback_usage
from tests.faults.scripted_virtual_camera import WrittenCamera, WrittenUsage
pyvirtualcam.register_backend("written", WrittenCamera)
loopback_usage.CameraUsage = WrittenUsage
"""


class Entry(NamedTuple):
    """What was done to a WrittenCamera, with the words that were written of it."""

    pid: int
    what: str
    words: list[str]


class Journal:
    """Makes the camera "written" known to every Python process, and reads what happens to it.

    `setenv` sets a variable of the environment. The camera is read while the file `readers` exists.
    """

    def __init__(self, folder: Path, setenv: Callable[[str, str], None]) -> None:
        self._path = folder / "journal"
        self._path.touch()
        self.readers = folder / "readers"
        self.readers.touch()
        (folder / "sitecustomize.py").write_text(SITE)
        root = str(Path(__file__).parents[2])
        setenv("PYTHONPATH", os.pathsep.join([str(folder), root]))
        setenv(JOURNAL, str(self._path))

    def entries(self) -> list[Entry]:
        whole = self._path.read_text().rpartition("\n")[0]
        lines = (line.split() for line in whole.splitlines())
        return [Entry(int(pid), what, words) for pid, what, *words in lines]

    def opened(self) -> list[Entry]:
        return [entry for entry in self.entries() if entry.what == "open"]

    def newest(self) -> int:
        """The checksum of the newest picture; 0 before there is one."""
        return next((int(e.words[1]) for e in self.entries()[::-1] if e.what == "send"), 0)
