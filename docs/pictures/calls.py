"""What a call gets from stylecam's camera, read by another program: docs/pictures/calls.jpg.

PYTHONPATH=. python docs/pictures/calls.py

A PipeWire of its own, a real `stylecam run` of the demo's portrait (NASA, public domain), a second
one of a camera on the network that goes away, and GStreamer, which reads all the while.
"""

import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from models.pictures import read_picture
from realtime.frames.views import placeholder
from realtime.pipeline.watch.lost_picture import LOST_TEXT
from realtime.sinks.virtual_camera.camera_process import GONE_TEXT
from realtime.sources.demo import PORTRAIT
from tests.faults.scripted_virtual_camera import until
from tests.pipewire import cameras, reader, started_pipewire
from training.reporting.contact_sheet import Tile, tile_sheet

WIDTH, HEIGHT, FPS = 640, 360, 25
OUT = Path(__file__).with_name("calls.jpg")
CARDS = {
    text: placeholder(HEIGHT, WIDTH, text).astype(int)
    for text in ("starting", LOST_TEXT, GONE_TEXT)
}
CARD_ERROR = 4.0
"""Levels by which a card may differ on the mean."""
PAINTED_FOR = 4.0
"""Seconds after which a painting is taken: the first ones are held less."""
UNREAD_FOR = 12.0
"""Seconds after which a webcam that nobody sees has been switched off."""


class NetworkCamera(BaseHTTPRequestHandler):
    """MJPEG, until `unplugged`."""

    unplugged = threading.Event()
    jpeg = b""

    def do_GET(self) -> None:
        if self.unplugged.is_set():
            self.send_error(503)
            return
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(self.jpeg)}\r\n\r\n"
        with suppress(OSError):
            while not self.unplugged.wait(1 / FPS):
                self.wfile.write(head.encode() + self.jpeg + b"\r\n")

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Call:
    """A program that reads the camera; `newest` is what it has been given last."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.newest = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        self._process = subprocess.Popen(
            reader("fdsink"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while data := self._process.stdout.read(self.newest.size):
            self.newest = np.frombuffer(data, np.uint8).reshape(self.newest.shape)

    def sees(self, text: str) -> bool:
        """Whether it is the card that says `text`, after its way through YUY2."""
        errors = {each: np.abs(card - self.newest).mean() for each, card in CARDS.items()}
        return bool(errors[text] == min(errors.values()) and errors[text] < CARD_ERROR)

    def sees_painting(self) -> bool:
        return bool(self.newest.any()) and not any(map(self.sees, CARDS))

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def network_camera(picture: np.ndarray):
    jpeg = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1]
    NetworkCamera.jpeg = jpeg.tobytes()
    server = ThreadingHTTPServer(("127.0.0.1", 0), NetworkCamera)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/live.mjpg"
    finally:
        server.shutdown()
        server.server_close()


class Run:
    """A real `stylecam run` into PipeWire's camera."""

    def __init__(self, source: str, environment: dict[str, str]) -> None:
        words = ["run", "--source", source, "--sink", "virtual-camera:pipewire"]
        command = [sys.executable, "-c", "from realtime.cli import main; main()", *words]
        self._process = subprocess.Popen(command, env=environment)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """With its camera."""
        self._process.terminate()
        self._process.wait()


def seen(picture: Path, network: str, environment: dict[str, str]) -> list[Tile]:
    """What a call sees of two runs, one after the other."""
    tiles: list[Tile] = []

    def take(title: str) -> None:
        tiles.append(Tile(title, call.newest, ()))
        print(title)

    run = Run(str(picture), environment)
    until(lambda: cameras(environment))
    time.sleep(UNREAD_FOR)
    call = Call(environment)
    try:
        until(lambda: call.sees("starting"))
        take("the call begins: the webcam opens")
        until(call.sees_painting)
        time.sleep(PAINTED_FOR)
        assert call.sees_painting()
        take("during the call")
        run.kill()
        until(lambda: call.sees(GONE_TEXT))
        take("stylecam was killed (kill -9)")
        run = Run(network, environment)
        until(call.sees_painting)
        NetworkCamera.unplugged.set()
        until(lambda: call.sees(LOST_TEXT))
        take("started again; then the camera went away")
    finally:
        run.end()
        call.close()
    return tiles


def main() -> None:
    portrait = read_picture(PORTRAIT)
    whole = portrait[: portrait.shape[1] * HEIGHT // WIDTH]
    picture = cv2.resize(whole, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    with (
        tempfile.TemporaryDirectory() as folder,
        started_pipewire() as own,
        network_camera(np.asarray(picture, np.uint8)) as url,
    ):
        file = Path(folder) / "portrait.png"
        cv2.imwrite(str(file), picture[..., ::-1])
        tiles = seen(file, url, os.environ | own)
    sheet = tile_sheet(tiles, columns=2, width=480, height=270)
    cv2.imwrite(str(OUT), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 86])


if __name__ == "__main__":
    main()
