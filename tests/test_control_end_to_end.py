"""A run is steered through its control socket, its terminal and its server, in real processes."""

import asyncio
import contextlib
import json
import os
import pty
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import aiohttp
import cv2
import numpy as np
import pytest

from tests.test_end_to_end import PATIENCE, STYLECAM, Stage, eventually

pytestmark = pytest.mark.skipif(
    not STYLECAM.exists(), reason="stylecam is not installed; pip install -e '.[dev]'"
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    runtime = tempfile.mkdtemp()  # the path of a UNIX socket must be short
    stage.environment["XDG_RUNTIME_DIR"] = runtime
    yield stage
    shutil.rmtree(runtime)


class Run:
    """A run with a page and a known source; `url` is its server's, `port` the server's port."""

    def __init__(self, stage: Stage, *words: object, **options: object) -> None:
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:] = (200, 80, 20)  # BGR: blue
        cv2.imwrite(str(stage.folder / "blue.png"), picture)
        self.stage = stage
        source = () if "--source" in words else ("--source", "blue.png")
        self.process = stage.start(
            "run", *source, "--sink", "web", "--style", stage.style, *words, **options
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.match(r"sink: (http://127\.0\.0\.1:(\d+)/)", line):
                self.url, self.port = found[1], int(found[2])
                return
        raise AssertionError("it did not start")

    def ctl(self, *words: object) -> "subprocess.CompletedProcess[str]":
        return self.stage.run("ctl", *words)

    def colour(self) -> np.ndarray:
        """The mean RGB of the picture that is shown now."""
        data = self.get("snapshot.jpg")
        return cv2.imdecode(np.frombuffer(data, np.uint8), 1)[..., ::-1].mean((0, 1))

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=PATIENCE) as answer:
            return bytes(answer.read())

    def becomes(self, red_over_blue: bool) -> None:
        def holds() -> bool:
            red, _, blue = self.colour()
            return bool(red > blue + 50 if red_over_blue else blue > red + 50)

        eventually(holds, self.process)


@pytest.fixture
def run(stage: Stage) -> Iterator[Run]:
    run = Run(stage)
    yield run
    run.process.kill()
    run.process.communicate()


def test_ctl_finds_the_run_changes_its_picture_and_ends_it(run: Run):
    run.becomes(red_over_blue=True)  # the style exchanges red and blue
    done = run.ctl("set", "strength", "0%")
    assert done.returncode == 0, done.stderr
    assert "0 %" in done.stdout
    run.becomes(red_over_blue=False)
    told = json.loads(run.ctl("status", "--json").stdout)
    assert told["process"] == run.process.pid
    assert told["source"] == "blue.png"
    assert told["state"]["strength"] == 0
    assert told["ports"] == [run.port]
    refused = run.ctl("style", "swop")
    assert refused.returncode == 2
    assert "did you mean 'swap'?" in refused.stderr
    assert run.ctl("snapshot").returncode == 0
    eventually(lambda: list((run.stage.folder / "home").rglob("*.png")), run.process)
    second = run.stage.run(
        "run", "--source", "demo", "--sink", f"web:{run.port}", "--style", run.stage.style
    )
    assert second.returncode == 2
    assert f"held by stylecam, process {run.process.pid}, showing blue.png" in second.stderr
    metrics = run.get("metrics").decode()
    assert 'stylecam_style_info{style="swap"} 1' in metrics
    assert int(re.findall(r"^stylecam_frames_out_total (\d+)$", metrics, re.M)[0]) > 0
    assert b"view.js" in run.get("view")
    assert run.ctl("quit").returncode == 0
    assert run.process.wait(PATIENCE) == 0
    none = run.ctl("status")
    assert none.returncode == 1
    assert none.stderr == "stylecam: no running stylecam found; start one with `stylecam run`\n"


def test_metrics_snapshot_and_view_are_for_the_own_host_only(run: Run):
    for path in ("metrics", "snapshot.jpg", "view"):
        request = f"GET /{path} HTTP/1.1\r\nHost: evil.example:{run.port}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", run.port), PATIENCE) as client:
            client.sendall(request.encode())
            assert client.recv(4096).startswith(b"HTTP/1.1 403")


def until(leader: int, holds: Callable[[str], object]) -> str:
    """What the terminal shows, as soon as `holds` is true of it."""
    seen, deadline = "", time.monotonic() + PATIENCE
    while not holds(seen):
        assert time.monotonic() < deadline, seen
        seen += os.read(leader, 4096).decode(errors="replace")
    return seen


def test_every_key_shows_the_state_on_one_line_of_the_terminal(stage: Stage):
    leader, follower = pty.openpty()
    process = stage.start(
        "run", "--source", "demo", "--sink", "null", "--sink", "web", "--style", stage.style,
        stdin=follower, stdout=follower, stderr=follower, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    try:
        until(leader, lambda seen: re.search(r"sink: http.*\n", seen))
        time.sleep(0.5)  # keys typed before it listens would be lost
        os.write(leader, b"-")
        until(leader, lambda seen: re.search(r"\r\x1b\[Kswap  90 %  [\d.]+ frames/s", seen))
        os.write(leader, b"m")
        until(leader, lambda seen: re.search(r"\r\x1b\[Kswap  90 %  [\d.]+ frames/s  mirror", seen))
        os.write(leader, b"h")
        until(leader, lambda seen: "previous style" in seen)
        os.write(leader, b"q")
        until(leader, lambda seen: "dropped" in seen)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        os.close(leader)


class StallingStream(BaseHTTPRequestHandler):
    """A camera on the network (MJPEG): 30 pictures, nothing until `gate` is set, then more."""

    gate = threading.Event()
    over = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        with contextlib.suppress(OSError):  # stylecam connects anew when nothing comes
            for _ in range(30):
                self.send_picture()
            self.gate.wait(PATIENCE)
            while not self.over.is_set():
                self.send_picture()

    def send_picture(self) -> None:
        picture = np.random.default_rng().integers(0, 256, (120, 160, 3), np.uint8)
        data = cv2.imencode(".jpg", picture)[1].tobytes()
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
        self.wfile.write(head.encode() + data + b"\r\n")
        time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def stream() -> Iterator[str]:
    StallingStream.gate, StallingStream.over = threading.Event(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), StallingStream)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/live.mjpg"
    StallingStream.over.set()
    StallingStream.gate.set()
    server.shutdown()
    server.server_close()


def test_a_source_that_stalls_is_told_by_page_metrics_and_ctl_and_comes_back(
    stage: Stage, stream: str
):
    run = Run(stage, "--source", stream)

    def lost_seconds() -> float:
        metrics = run.get("metrics").decode()
        return float(re.findall(r"^stylecam_source_lost_seconds (.+)$", metrics, re.M)[0])

    async def told_by_page() -> int:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{run.url}ws") as page,
            asyncio.timeout(PATIENCE),
        ):
            async for message in page:
                if message.type == aiohttp.WSMsgType.TEXT and '"source"' in message.data:
                    return int(json.loads(message.data)["source"]["lost_for"])
        raise AssertionError("the page was told nothing")

    try:
        assert asyncio.run(told_by_page()) >= 1
        assert lost_seconds() >= 1
        assert "lost for" in run.ctl("status").stdout
        StallingStream.gate.set()
        eventually(lambda: lost_seconds() == 0, run.process)
        run.ctl("quit")
        _, err = run.process.communicate(timeout=PATIENCE)
    finally:
        run.process.kill()
    assert "source lost: no new frame for 1 s; trying again" in err
    assert "new frames again, after" in err
