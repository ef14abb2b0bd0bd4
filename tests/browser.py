"""Headless Chromium, driven over ChromeDriver's HTTP interface (W3C WebDriver)."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

MISSING = [tool for tool in ("chromium", "chromedriver") if shutil.which(tool) is None]
needs_browser = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MIDDLE = """
    const canvas = document.getElementById("picture");
    const at = (x) => [...canvas.getContext("2d").getImageData(x, canvas.height / 2, 1, 1).data];
    return [canvas.width, canvas.height, at(5), at(canvas.width - 5)];
"""


class Browser:
    """Headless Chromium by ChromeDriver's HTTP interface (W3C WebDriver)."""

    def __init__(self, profile: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.base = f"http://127.0.0.1:{port}"
        wait_for(lambda: self._up(port))
        options = {
            "binary": shutil.which("chromium"),
            "args": [*FLAGS, f"--user-data-dir={profile}", "--window-size=1400,900"],
        }
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        self.base += f"/session/{self._call('POST', '/session', wanted)['sessionId']}"

    def _up(self, port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def _call(self, method: str, path: str, body: dict | None = None) -> Any:
        data = json.dumps(body if body is not None else {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data=data, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)["value"]

    def go(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def run(self, script: str) -> Any:
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def click(self, selector: str) -> None:
        found = self._call("POST", "/element", {"using": "css selector", "value": selector})
        [element] = found.values()
        self._call("POST", f"/element/{element}/click")

    def devtools(self, command: str, **parameters: object) -> None:
        """A command of the DevTools protocol."""
        body = {"cmd": command, "params": parameters}
        self._call("POST", "/goog/cdp/execute", body)

    def resize(self, width: int, height: int) -> None:
        """The page in a window, or on a phone, of that size in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)

    def download_into(self, folder: Path) -> None:
        self.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def until_live(self) -> None:
        """Wait until the page shows pictures."""
        link = "return document.getElementById('stage').dataset.link"
        wait_for(lambda: self.run(link) == "live")

    def screenshot(self) -> np.ndarray:
        """The page as it is shown, (H, W, 3) uint8 RGB."""
        png = base64.b64decode(self._call("GET", "/screenshot"))
        return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]

    def key(self, key: str) -> None:
        typed = [{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]
        actions = [{"type": "key", "id": "keyboard", "actions": typed}]
        self._call("POST", "/actions", {"actions": actions})

    def text(self, selector: str) -> str:
        return self.run(f"return document.querySelector({selector!r}).textContent")

    def close(self) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(10)


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
