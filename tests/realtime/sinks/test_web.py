"""The control server with a web sink, as a client sees them: pictures, commands, endings."""

import asyncio
import contextlib
import gc
import json
import socket
import threading
import time
import tracemalloc
from urllib.parse import urlsplit

import aiohttp
import cv2
import numpy as np
import pytest

from models.errors import UsageError
from realtime.control.monitor import Effort
from realtime.control.notices import Notices
from realtime.control.state import Settings, SettingsStore
from realtime.control.web.server import THREAD, ControlServer
from realtime.frames.frame import Frame, FrameFormat
from tests.realtime.fakes import ServedSink

FORMAT = FrameFormat(width=64, height=48, fps=30, live=True)


@pytest.fixture
def box() -> SettingsStore:
    return SettingsStore(Settings(styles=("one", "two"), style="one"))


@pytest.fixture
def sink(box, tmp_path):
    (tmp_path / "one.jpg").write_bytes(b"a picture")
    sink = ServedSink(box, port=0, previews={"one": tmp_path / "one.jpg"})
    sink.open(FORMAT)
    yield sink
    sink.close()


def frame_of(rgb: np.ndarray, index: int = 0) -> Frame:
    return Frame(rgb=rgb, index=index, captured=time.monotonic(), timestamp=index / 30)


def red_and_blue() -> np.ndarray:
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[:, :32] = (255, 0, 0)
    rgb[:, 32:] = (0, 0, 255)
    return rgb


def decode(jpeg: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


async def receive(stream, kind: str, holds=lambda value: True):
    """The next message of that kind ("picture" for binary ones) for which `holds` is true."""
    async with asyncio.timeout(10):
        async for message in stream:
            if message.type == aiohttp.WSMsgType.BINARY:
                said = {"picture": message.data}
            else:
                said = json.loads(message.data)
            if kind in said and holds(said[kind]):
                return said[kind]
    raise AssertionError(f"the stream ended without {kind}")


def talk(sink: ServedSink, scenario, **options) -> None:
    """Run `scenario(stream)` on an open stream."""

    async def run() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{sink.url}ws", **options) as stream,
        ):
            await scenario(stream)

    asyncio.run(run())


def status_of(url: str, **options) -> int:
    async def run() -> int:
        async with aiohttp.ClientSession() as session, session.get(url, **options) as response:
            await response.read()
            return response.status

    return asyncio.run(run())


def test_pictures_arrive_as_jpeg_of_the_right_size_and_colours(sink):
    async def scenario(stream):
        await receive(stream, "hello")
        sink.write(frame_of(red_and_blue()))
        picture = decode(await receive(stream, "picture"))
        assert picture.shape == (48, 64, 3)
        assert np.abs(picture[24, 8].astype(int) - (255, 0, 0)).max() < 8
        assert np.abs(picture[24, 56].astype(int) - (0, 0, 255)).max() < 8

    talk(sink, scenario)


def test_who_comes_late_sees_the_last_picture_at_once(sink):
    sink.write(frame_of(red_and_blue()))

    async def scenario(stream):
        assert decode(await receive(stream, "picture")).shape == (48, 64, 3)

    talk(sink, scenario)
    sink.write(frame_of(np.full((48, 64, 3), 200, np.uint8)))

    async def later(stream):
        assert decode(await receive(stream, "picture")).mean() == pytest.approx(200, abs=2)

    talk(sink, later)


def test_without_a_page_no_jpeg_is_made(sink, monkeypatch):
    monkeypatch.setattr(cv2, "imencode", lambda *_: pytest.fail("encoded for nobody"))
    sink.write(frame_of(red_and_blue()))


def test_commands_change_the_settings_and_every_page_is_told(sink, box):
    async def scenario(stream):
        assert (await receive(stream, "state"))["style"] == "one"
        await stream.send_str('{"verb": "next"}')
        await receive(stream, "state", lambda state: state["style"] == "two")
        await stream.send_str('{"style": "one"}')
        await receive(stream, "state", lambda state: state["style"] == "one")
        await stream.send_str('{"strength": 0.7}')
        await receive(stream, "state", lambda state: state["strength"] == 0.7)
        box.apply(lambda settings: Settings(styles=("one", "two"), style="two", mirror=True))
        await receive(stream, "state", lambda state: state["mirror"])

    talk(sink, scenario)


def test_the_server_controls_a_run_without_any_picture(box):
    server = ControlServer(box, host="127.0.0.1", port=0)
    server.start()
    try:

        async def scenario(stream):
            assert (await receive(stream, "hello"))["picture"] is False
            await stream.send_str('{"verb": "next"}')
            await receive(stream, "state", lambda state: state["style"] == "two")

        talk(server, scenario)
        assert status_of(server.url) == 200
    finally:
        server.stop()


def test_a_closed_sink_leaves_the_server_in_control(sink, box):
    sink.write(frame_of(red_and_blue()))
    sink.wrapped.close()

    async def scenario(stream):
        assert (await receive(stream, "hello"))["picture"] is False
        await stream.send_str('{"verb": "next"}')
        await receive(stream, "state", lambda state: state["style"] == "two")

    talk(sink, scenario)


def test_what_is_not_known_is_refused_with_a_reason(sink, box):
    before = box.current

    async def scenario(stream):
        await stream.send_str('{"verb": "nxt"}')
        assert "did you mean 'next'" in await receive(stream, "error")
        await stream.send_str('{"style": "three"}')
        assert "unknown style 'three'" in await receive(stream, "error")
        await stream.send_str("{")
        assert "JSON" in await receive(stream, "error")

    talk(sink, scenario)
    assert box.current is before


def test_an_oversized_message_ends_the_stream(sink, box):
    before = box.current

    async def scenario(stream):
        await stream.send_str(json.dumps({"verb": "next" + " " * 5000}))
        async with asyncio.timeout(10):
            async for _ in stream:
                pass
        assert stream.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG

    talk(sink, scenario)
    assert box.current is before


def test_the_page_and_what_it_needs_is_served(sink):
    for path in ("", "page.js", "page.css", "icon.svg", "preview/one"):
        assert status_of(sink.url + path) == 200, path
    for path in ("preview/two", "preview/..%2F..%2Fetc%2Fpasswd", "page", "../settings.py"):
        assert status_of(sink.url + path) == 404, path


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1:1"])
def test_a_foreign_host_is_refused(sink, host):
    port = sink.url.rstrip("/").rsplit(":", 1)[1]
    headers = {"Host": host.format(port=port)}
    for path in ("", "ws", "preview/one"):
        assert status_of(sink.url + path, headers=headers) == 403


def test_a_foreign_origin_cannot_open_the_stream(sink):
    async def scenario(stream):
        pytest.fail("a foreign page got in")

    for origin in ("http://evil.example", "null"):
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            talk(sink, scenario, origin=origin)
        assert caught.value.status == 403
    talk(sink, lambda stream: receive(stream, "hello"), origin=sink.url.rstrip("/"))


def test_outside_loopback_only_the_token_opens(box):
    sink = ServedSink(box, host="0.0.0.0", port=0)
    sink.open(FORMAT)
    try:
        address, token = sink.url.split("?token=")
        port = address.rstrip("/").rsplit(":", 1)[1]
        local = f"http://127.0.0.1:{port}/"
        assert status_of(local) == 403
        assert status_of(f"{local}ws") == 403
        assert status_of(f"{local}?token=wrong") == 403
        assert status_of(f"{local}?token={token}") == 200
        asyncio.run(_the_cookie_opens_the_rest(local, token))
    finally:
        sink.close()


async def _the_cookie_opens_the_rest(local: str, token: str) -> None:
    jar = aiohttp.CookieJar(unsafe=True)  # cookies of bare addresses too, as in a browser
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        async with session.get(f"{local}?token={token}") as response:
            cookie = response.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "SameSite=Strict" in cookie
        async with session.get(f"{local}?token=outdated") as response:
            assert response.status == 200  # by the cookie, which stays the right one
        async with session.get(f"{local}page.js") as response:
            assert response.status == 200
        async with session.ws_connect(f"{local}ws") as stream:
            await receive(stream, "hello")


@contextlib.contextmanager
def deaf_client(sink: ServedSink):
    """A page that opens the stream and never reads it."""
    host, port = sink.url.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        assert b"101" in connection.recv(64)
        yield


def test_a_page_that_does_not_read_delays_nobody_and_costs_no_memory(sink):
    noise = np.random.default_rng(0).integers(0, 256, (4, 480, 640, 3), np.uint8)

    async def scenario(stream):
        await receive(stream, "hello")
        for index in range(30):  # fill what the system buffers for the deaf one
            sink.write(frame_of(noise[index % 4]))
            await receive(stream, "picture")
        tracemalloc.start()
        before, _ = tracemalloc.get_traced_memory()
        for index in range(300):
            sink.write(frame_of(noise[index % 4]))
            picture = await receive(stream, "picture")
        after, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert after - before < 10 * len(picture)

    with deaf_client(sink):
        talk(sink, scenario)


def test_a_slow_page_skips_to_the_newest_picture(sink):
    async def scenario(stream):
        await receive(stream, "hello")
        for level in range(0, 200, 2):
            sink.write(frame_of(np.full((480, 640, 3), level, np.uint8)))
        sink.write(frame_of(np.full((480, 640, 3), 255, np.uint8)))
        seen = 1
        while decode(await receive(stream, "picture")).mean() < 250:
            seen += 1
        assert seen < 100

    talk(sink, scenario)


def test_close_ends_every_stream_within_two_seconds(sink):
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)

    async def scenario(stream):
        await receive(stream, "hello")
        for _ in range(30):  # fill what the system buffers for the deaf one
            sink.write(frame_of(noise))
            await receive(stream, "picture")
        started = time.monotonic()
        await asyncio.to_thread(sink.close)
        assert time.monotonic() - started < 2.5
        async with asyncio.timeout(5):
            async for _ in stream:
                pass
        assert stream.closed

    with deaf_client(sink):
        talk(sink, scenario)
    sink.close()
    assert not [thread for thread in threading.enumerate() if thread.name == THREAD]
    gc.collect()  # a connection that was left open would warn here
    with pytest.raises(aiohttp.ClientConnectorError):
        status_of(sink.url)


def test_a_taken_port_that_was_asked_for_is_refused(sink, box):
    port = int(sink.url.rstrip("/").rsplit(":", 1)[1])
    other = ServedSink(box, port=port)
    with pytest.raises(UsageError, match=f"port {port} .*choose another port"):
        other.open(FORMAT)
    other.close()


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6 beside IPv4")
def test_listening_everywhere_by_ipv6_is_listening_by_ipv4_too(box):
    sink = ServedSink(box, host="::")
    sink.open(FORMAT)
    try:
        port = urlsplit(sink.url).port
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            pass
    finally:
        sink.close()


def test_a_taken_default_port_is_passed_over(box, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr("realtime.control.web.server.DEFAULT_PORT", taken.getsockname()[1])
        sink = ServedSink(box)
        sink.open(FORMAT)
        try:
            port = int(sink.url.rstrip("/").rsplit(":", 1)[1])
            assert taken.getsockname()[1] < port < taken.getsockname()[1] + 20
            assert status_of(sink.url) == 200
        finally:
            sink.close()


@pytest.mark.parametrize(
    ("host", "port", "said"),
    [
        ("192.0.2.7", 8765, "cannot listen on 192.0.2.7 port 8765"),
        ("no-such-host.invalid", 8765, "cannot listen on no-such-host.invalid port 8765"),
        ("127.0.0.1", 99999, "port 99999 is out of range"),
        ("192.0.2.7", None, "no free port from 8765"),
    ],
)
def test_an_address_that_is_not_ours_is_refused_in_one_line(box, host, port, said):
    sink = ServedSink(box, host=host, port=port)
    with pytest.raises(UsageError, match=f"^web: {said}") as caught:
        sink.open(FORMAT)
    assert "\n" not in str(caught.value)
    assert sink.url is None


class Watched:
    """In place of a run: nothing but a notice, and what is spared."""

    source, lost_for = "camera", None

    def __init__(self) -> None:
        self.notices = Notices()
        self.effort = Effort()

    @property
    def notice(self):
        return self.notices.newest

    def picture(self):
        return None


def test_a_page_is_told_what_goes_wrong_but_not_what_went_wrong_before(box):
    watched = Watched()
    watched.notices.post("old")
    sink = ServedSink(box, port=0)
    sink.server.watch(watched)
    sink.open(FORMAT)

    async def scenario(stream):
        await receive(stream, "hello")
        watched.notices.post("out.mp4: no room")
        assert await receive(stream, "error") == "out.mp4: no room"
        watched.effort = Effort(scale=0.5, threads=1)
        assert await receive(stream, "effort") == "0.5 of the size, 1 thread"
        watched.effort = Effort()
        assert await receive(stream, "effort") == ""

    try:
        talk(sink, scenario)
    finally:
        sink.close()
