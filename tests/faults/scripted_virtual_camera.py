"""A virtual camera at pyvirtualcam's level whose faults a test begins and ends."""

import threading
import time
from collections.abc import Callable
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
