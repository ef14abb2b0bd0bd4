"""A window on a virtual screen, with xdotool's hands on it and ImageMagick's eye."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

MISSING = [tool for tool in ("Xvfb", "xdotool", "import") if shutil.which(tool) is None]
SCREEN_WIDTH, SCREEN_HEIGHT = 800, 500
"""Another shape than the pictures have, so that full screen needs bars or a crop."""
screen = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")


@contextmanager
def started_xvfb(size: tuple[int, int], *options: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """An Xvfb with a screen of that width and height, and its name as DISPLAY wants it."""
    reading, writing = os.pipe()
    shape = "{}x{}x24".format(*size)
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", shape, "-nolisten", "tcp", *options],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:  # once it takes connections
        number = told.readline().strip()
    try:
        assert number, "Xvfb ended at once"
        yield server, f":{number}"
    finally:
        server.terminate()
        server.wait(10)


class ShownWindow:
    """The window with that title, once it is painted and has the keys. Use `search` to wait."""

    def __init__(self, display: str, title: str) -> None:
        self.environment = {**os.environ, "DISPLAY": display}
        self.environment.pop("WAYLAND_DISPLAY", None)
        self.title = title
        self.id = 0

    def search(self) -> None:
        wait_for(self.find, seconds=30)
        self.id = self.find()
        self.wait_for_paint()
        self.xdotool("windowfocus", "--sync", str(self.id))

    def find(self) -> int:
        """The id of the window, 0 if there is none. A window that vanishes while xdotool looks
        through all of them makes it fail, so one search can miss."""
        search = ("search", "--onlyvisible", "--name", f"^{self.title}$")
        try:
            return int(self.xdotool(*search).split()[-1])
        except subprocess.CalledProcessError:
            return 0

    def wait_for_paint(self) -> None:
        """Wait for the first picture, mapping the window again where Qt missed its exposure.

        Without a window manager Qt 5 never paints about one window in five, with any code;
        with one (openbox, 24 windows) it paints them all.
        """
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for _ in range(10):
                if self.picture().any():
                    return
                time.sleep(0.1)
            self.xdotool("windowunmap", "--sync", str(self.id))
            self.xdotool("windowmap", "--sync", str(self.id))
        pytest.fail("the window stayed black for 30 s")

    def press(self, *keys: str) -> None:
        """Press keys by the names of xdotool, one after the other."""
        self.xdotool("key", *keys)

    def xdotool(self, *arguments: str) -> str:
        command = ["timeout", "20", "xdotool", *arguments]
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def picture(self) -> np.ndarray:
        """What is in the window now, (H, W, 3) uint8 RGB."""
        command = ["import", "-window", str(self.id), "png:-"]
        png = subprocess.run(command, env=self.environment, check=True, capture_output=True).stdout
        return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def wait_for(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
