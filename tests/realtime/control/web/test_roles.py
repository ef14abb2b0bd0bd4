"""What the server lets owner, guest and viewer do; saved files, QR codes, PIN; rude clients."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import aiohttp
import cv2
import numpy as np
import pytest

from realtime.control.gallery import Gallery
from realtime.control.state import Settings, SettingsStore
from realtime.control.verbs import ACTIONS, GUEST_VERBS
from realtime.control.web.access import access_for
from realtime.control.web.roles import Role
from realtime.control.web.server import ControlServer
from realtime.frames.frame import FrameFormat
from tests.realtime.fakes import DEADLINE, ServedSink, frame_of, red_blue, wait_until

FORMAT = FrameFormat(width=80, height=60, fps=30, live=True)


class House:
    """A server whose links are known, with one snapshot and one recording in its gallery."""

    def __init__(self, folder: Path, **options) -> None:
        self.box = SettingsStore(Settings(styles=("one", "two"), style="one"))
        self.now = 0.0
        self.gallery = Gallery(limit=3, shared_for=60.0, clock=lambda: self.now)
        self.files = [folder / "stylecam-1.png", folder / "film.mp4"]
        cv2.imwrite(str(self.files[0]), red_blue()[..., ::-1])
        self.files[1].write_bytes(b"film")
        self.gallery.add("snapshot", self.files[0])
        self.gallery.add("recording", self.files[1])
        self.sink = ServedSink(self.box, port=0, gallery=self.gallery, **options)
        self.sink.open(FORMAT)
        self.sink.write(frame_of(red_blue()))

    @property
    def server(self) -> ControlServer:
        return self.sink.server

    def new_session(self, **cookies: str) -> aiohttp.ClientSession:
        """A browser with these cookies only."""
        jar = aiohttp.CookieJar(unsafe=True)
        base = f"http://127.0.0.1:{self.server.access.port}/"
        return aiohttp.ClientSession(base, cookie_jar=jar, cookies=cookies)

    def save_snapshot(self) -> Path:
        """Do what a run does when a snapshot was asked for."""
        number = self.box.current.snapshots
        path = self.files[0].with_name(f"stylecam-taken-{number}.png")
        path.write_bytes(b"a picture")
        self.gallery.add("snapshot", path, snapshot=number)
        return path

    def ask(self, talk: Callable[[aiohttp.ClientSession], Coroutine], role: Role | None = None):
        """What `talk` returns, over a session whose cookie is that of `role`."""

        async def run():
            async with self.new_session() as session, asyncio.timeout(DEADLINE):
                if role is not None:
                    token = self.server.access.tokens[role]
                    (await session.get("/", params={"token": token})).release()
                return await talk(session)

        return asyncio.run(run())

    def control(self, message: object, role: Role | None = None) -> tuple[int, dict]:
        async def talk(session: aiohttp.ClientSession):
            async with session.post("/control", json=message) as answer:
                return answer.status, await answer.json()

        return self.ask(talk, role)

    def get(self, path: str, role: Role | None = None, method: str = "GET") -> tuple[int, bytes]:
        async def talk(session: aiohttp.ClientSession):
            async with session.request(method, path) as answer:
                return answer.status, await answer.read()

        return self.ask(talk, role)

    def greeting(self, role: Role | None = None) -> dict[str, dict]:
        """The first text messages of each kind on the WebSocket, until the state came."""

        return self.ask(greeted, role)


async def greeted(session: aiohttp.ClientSession) -> dict[str, dict]:
    """The first text messages of each kind on the WebSocket, until the picture came."""
    told: dict[str, dict] = {}
    async with session.ws_connect("/ws") as stream:
        async for message in stream:
            if message.type == aiohttp.WSMsgType.TEXT:
                told |= json.loads(message.data)
            elif "state" in told:  # the picture comes last
                return told
    raise AssertionError("it was closed")


async def listed(session: aiohttp.ClientSession) -> list[int]:
    """The numbers of what the gallery lists for that browser."""
    return [entry["number"] for entry in (await greeted(session))["gallery"]["entries"]]


async def status_of(session: aiohttp.ClientSession, method: str, path: str) -> int:
    async with session.request(method, path) as answer:
        return answer.status


@pytest.fixture
def house(tmp_path: Path):
    house = House(tmp_path)
    yield house
    house.sink.close()


@pytest.fixture
def kiosk(tmp_path: Path):
    house = House(tmp_path, kiosk=True, pin="4711")
    yield house
    house.sink.close()


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_a_guest_may_use_exactly_the_verbs_of_guests(kiosk: House, action):
    before = kiosk.box.current
    status, told = kiosk.control({"verb": action.name})
    if action.name in GUEST_VERBS:
        assert status == 200
        assert kiosk.box.current == action.change(before)
    else:
        assert status == 403
        assert "guests may not use" in told["error"]
        assert kiosk.box.current is before


@pytest.mark.parametrize(
    "message", [{"recording": True}, {"blank": False}, {"quit": True}, {"verb": []}, [], 3]
)
def test_a_guest_is_refused_on_the_web_socket_as_well(kiosk: House, message):
    before = kiosk.box.current

    async def talk(session: aiohttp.ClientSession):
        async with session.ws_connect("/ws") as stream:
            await stream.send_json(message)
            async for said in stream:
                if said.type == aiohttp.WSMsgType.TEXT and "error" in json.loads(said.data):
                    return json.loads(said.data)["error"]
        raise AssertionError("it was not answered")

    assert "guests may not" in kiosk.ask(talk)
    assert kiosk.box.current is before


def test_a_guest_styles_and_takes_snapshots_and_is_told_no_more(kiosk: House):
    assert kiosk.control({"style": "two"})[0] == 200
    assert kiosk.control({"strength": 0.5})[1]["state"]["strength"] == 0.5
    told = kiosk.greeting()
    assert told["hello"]["role"] == "guest"
    assert told["hello"]["unlock"] is True
    assert told["hello"]["values"] == []
    assert {row["verb"] for row in told["hello"]["keys"]} == GUEST_VERBS | {None}
    assert set(told["state"]) == {
        "style", "strength", "snapshots", "recording", "mirror_own", "on",
    }  # fmt: skip
    assert told["gallery"]["entries"] == []  # it took none
    for path in ("/status", "/metrics"):
        assert kiosk.get(path)[0] == 403


def test_a_viewer_sees_the_picture_and_nothing_else(house: House):
    told = house.greeting(Role.VIEWER)
    assert told["hello"]["styles"] == told["hello"]["switches"] == []
    assert told["state"] == {"on": []}
    assert "gallery" not in told
    assert house.get("/view", Role.VIEWER)[0] == 200
    before = house.box.current
    for message in ({"verb": "next"}, {"style": "two"}, {"verb": "snapshot"}):
        assert house.control(message, Role.VIEWER)[0] == 403
    for number in (1, 2):
        assert house.get(f"/saved/{number}", Role.VIEWER)[0] == 404
    assert house.box.current is before


def test_the_owner_may_do_everything(house: House):
    assert house.control({"verb": "record"})[1]["state"]["recording"] is True
    assert json.loads(house.get("/status")[1])["state"]["recording"] is True
    assert house.greeting()["hello"]["role"] == "owner"
    assert house.control({"verb": "quit"})[0] == 200
    assert house.box.current.quit


def test_the_pin_makes_a_guest_the_owner_and_five_wrong_ones_end_the_trying(kiosk: House):
    async def unlocked(session: aiohttp.ClientSession):
        async with session.post("/unlock", json={"pin": "4711"}) as answer:
            assert answer.status == 200
        async with session.post("/control", json={"verb": "record"}) as answer:
            owner = answer.status
        await session.post("/lock")
        async with session.post("/control", json={"verb": "record"}) as answer:
            return owner, answer.status

    assert kiosk.ask(unlocked) == (200, 403)

    async def tried(session: aiohttp.ClientSession):
        statuses = []
        for body in ('{"pin": "0000"}', "junk", '{"pin": null}', "[]", '{"pin": "1111"}'):
            async with session.post("/unlock", data=body) as answer:
                statuses.append(answer.status)
        async with session.post("/unlock", json={"pin": "4711"}) as answer:
            return [*statuses, answer.status]

    assert kiosk.ask(tried) == [403] * 5 + [429]


def test_without_a_pin_nothing_unlocks(house: House):
    async def talk(session: aiohttp.ClientSession):
        async with session.post("/unlock", json={"pin": None}) as answer:
            return answer.status

    assert house.ask(talk) == 403


def test_saved_files_are_fetched_and_deleted_by_whom_they_are_for(kiosk: House):
    status, body = kiosk.get("/saved/1", Role.OWNER)
    assert status == 200
    shown = cv2.imdecode(np.frombuffer(body, np.uint8), 1)[..., ::-1]
    assert np.array_equal(shown, red_blue())
    for path in ("/saved/1", "/saved/2"):
        assert kiosk.get(path)[0] == 404
    assert kiosk.get("/saved/2", Role.OWNER) == (200, b"film")
    assert kiosk.get("/saved/9", Role.OWNER)[0] == 404
    assert kiosk.get("/saved/1", method="DELETE")[0] == 403
    assert kiosk.files[0].exists()
    assert kiosk.get("/saved/1", Role.OWNER, "DELETE")[0] == 200
    assert not kiosk.files[0].exists()
    assert kiosk.get("/saved/1", Role.OWNER)[0] == 404


def test_each_guest_sees_and_deletes_only_the_snapshots_that_it_took(kiosk: House):
    async def talk(owner: aiohttp.ClientSession):
        async with kiosk.new_session() as page, kiosk.new_session() as program:
            assert await status_of(page, "GET", "/page.js") == 200
            async with page.ws_connect("/ws") as stream:
                await stream.send_json({"verb": "snapshot"})
                while kiosk.box.current.snapshots < 1:
                    await stream.receive(timeout=DEADLINE)
            first = kiosk.save_snapshot()
            async with program.post("/control", json={"verb": "snapshot"}) as answer:
                given = answer.headers["Set-Cookie"]
            assert "HttpOnly" in given and "SameSite=Strict" in given
            second = kiosk.save_snapshot()
            assert await listed(page) == [3]
            assert await listed(program) == [4]
            assert await listed(owner) == [4, 3, 2]
            for session, own, other in ((page, 3, 4), (program, 4, 3)):
                assert await status_of(session, "GET", f"/saved/{other}") == 404
                assert await status_of(session, "DELETE", f"/saved/{other}") == 403
                assert await status_of(session, "DELETE", "/saved/99") == 403
                assert await status_of(session, "GET", f"/saved/{own}") == 200
            assert await status_of(page, "DELETE", "/saved/3") == 200
            assert await status_of(owner, "DELETE", "/saved/4") == 200
            assert await listed(program) == []
            return first.exists() or second.exists()

    assert kiosk.ask(talk, Role.OWNER) is False


def test_a_cookie_that_was_not_given_is_nobodys(kiosk: House):
    name = kiosk.server.access.visitor_cookie

    async def talk(session: aiohttp.ClientSession):
        await status_of(session, "GET", "/page.js")
        [own] = [c.value for c in session.cookie_jar if c.key == name]
        (await session.post("/control", json={"verb": "snapshot"})).release()
        kiosk.save_snapshot()
        assert await listed(session) == [3]
        visitor, signature = own.split(".")
        for forged in (visitor, f"{visitor}.", f"{visitor}.{'0' * 64}", f"x.{signature}", "."):
            async with kiosk.new_session(**{name: forged}) as forger:
                assert await listed(forger) == [], forged
                assert await status_of(forger, "GET", "/saved/3") == 404
        async with kiosk.new_session(**{name: own}) as again:
            return await listed(again)

    assert kiosk.ask(talk) == [3]


def test_what_the_owner_took_at_an_unlocked_kiosk_is_no_guests_once_it_is_locked(kiosk: House):
    async def talk(session: aiohttp.ClientSession):
        await status_of(session, "GET", "/page.js")
        (await session.post("/unlock", json={"pin": "4711"})).release()
        (await session.post("/control", json={"verb": "snapshot"})).release()
        kiosk.save_snapshot()
        marked = (await greeted(session))["gallery"]["entries"][0]["mine"]
        (await session.post("/lock")).release()
        return marked, await listed(session)

    assert kiosk.ask(talk) == (True, [])


def test_a_guest_is_not_told_that_anothers_snapshot_failed(kiosk: House):
    async def talk(session: aiohttp.ClientSession):
        (await session.post("/control", json={"verb": "snapshot"})).release()
        kiosk.gallery.fail("snapshot", "the disk is full", snapshot=1)
        async with kiosk.new_session() as other:
            told = [(await greeted(who))["gallery"] for who in (session, other)]
        return [gallery["snapshot_problem"] for gallery in told]

    assert kiosk.ask(talk) == ["the disk is full", None]


def test_a_qr_codes_address_opens_one_file_without_a_cookie_until_it_expires(
    kiosk: House, monkeypatch
):
    assert kiosk.get("/qr/1.png")[0] == 404  # nobody else reaches this machine
    network = access_for("0.0.0.0", kiosk.server.access.port)
    monkeypatch.setattr(kiosk.server, "access", network)
    assert kiosk.get("/saved/1")[0] == 403
    assert kiosk.get("/qr/1.png", Role.GUEST)[0] == 404  # it is not that guest's
    status, png = kiosk.get("/qr/1.png", Role.OWNER)
    assert status == 200
    code = cv2.copyMakeBorder(
        cv2.imdecode(np.frombuffer(png, np.uint8), 0), *[40] * 4, cv2.BORDER_CONSTANT, value=255
    )
    address, _, _ = cv2.QRCodeDetector().detectAndDecode(code)
    found = urlsplit(address)
    assert (found.port, found.path) == (network.port, "/saved/1")
    [key] = parse_qs(found.query)["key"]
    assert kiosk.get(f"/saved/1?key={key}")[0] == 200
    for path in (f"/saved/2?key={key}", f"/saved/1?key={key}x", f"/?key={key}", "/saved/1?key="):
        assert kiosk.get(path)[0] == 403
    assert kiosk.get(f"/saved/1?key={key}", method="DELETE")[0] == 403
    kiosk.now = 61.0
    assert kiosk.get(f"/saved/1?key={key}")[0] == 403


def test_the_gallery_keeps_the_newest_and_leaves_older_files_alone(tmp_path: Path):
    gallery = Gallery(limit=2)
    for name in "abc":
        (tmp_path / name).write_text(name)
        gallery.add("snapshot", tmp_path / name)
    assert [saved.path.name for saved in gallery.entries()] == ["c", "b"]
    assert (tmp_path / "a").exists()
    (tmp_path / "c").unlink()
    assert [saved.path.name for saved in gallery.entries()] == ["b"]


def test_openapi_describes_what_the_role_may_say(kiosk: House):
    def messages(role: Role | None) -> list[dict]:
        said = json.loads(kiosk.get("/openapi.json", role)[1])
        assert said["openapi"].startswith("3.")
        body = said["paths"]["/control"]["post"]["requestBody"]
        return body["content"]["application/json"]["schema"]["oneOf"]

    owner, guest = messages(Role.OWNER), messages(None)
    assert set(owner[0]["properties"]["verb"]["enum"]) == {action.name for action in ACTIONS}
    assert set(guest[0]["properties"]["verb"]["enum"]) == GUEST_VERBS
    assert {next(iter(m["properties"])) for m in guest} == {"verb", "style", "strength"}
    zoom = next(m["properties"]["zoom"] for m in owner if "zoom" in m["properties"])
    assert (zoom["minimum"], zoom["maximum"]) == (1, 4)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"nonsense", 400),
        (b"[" * 900, 400),
        (b'{"verb": "next"' + b" " * 2000 + b"}", 400),
        (b'{"verb": "fly"}', 400),
        (b"\xff\xfe", 400),
    ],
)
def test_malformed_and_oversized_messages_change_nothing(house: House, body: bytes, status: int):
    before = house.box.current

    async def talk(session: aiohttp.ClientSession):
        headers = {"Content-Type": "application/json"}
        async with session.post("/control", data=body, headers=headers) as answer:
            return answer.status

    assert house.ask(talk) == status
    assert house.box.current is before


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Content-Type": "application/json"},
        {"Host": "evil.example", "Content-Type": "application/json"},
        {"Content-Type": "text/plain"},  # what a form of another site could send
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
def test_what_another_site_could_send_changes_nothing(house: House, headers):
    before = house.box.current

    async def talk(session: aiohttp.ClientSession):
        async with session.post("/control", data=b'{"verb": "quit"}', headers=headers) as answer:
            return answer.status

    assert house.ask(talk) in (403, 415)
    assert house.box.current is before


def test_fifty_pages_and_one_that_never_reads_all_the_others_see_the_picture_change(house: House):
    port = house.server.access.port
    lazy = socket.create_connection(("127.0.0.1", port))
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.sendall(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )

    async def watch(session: aiohttp.ClientSession, seen: set[bytes], ready: asyncio.Event):
        async with session.ws_connect("/ws") as stream:
            async for message in stream:
                if message.type == aiohttp.WSMsgType.BINARY:
                    seen.add(message.data)
                    ready.set()
                    if len(seen) >= 3:
                        return

    async def talk(session: aiohttp.ClientSession):
        pages = [(set(), asyncio.Event()) for _ in range(50)]
        tasks = [asyncio.create_task(watch(session, *page)) for page in pages]
        for _, ready in pages:
            await ready.wait()
        for level in range(10):
            picture = np.random.default_rng(level).integers(0, 256, (60, 80, 3), np.uint8)
            await asyncio.to_thread(house.sink.write, frame_of(picture, level))
            await asyncio.sleep(0.1)
        await asyncio.gather(*tasks)
        return [len(seen) for seen, _ in pages]

    try:
        assert house.ask(talk) == [3] * 50
    finally:
        lazy.close()
    wait_until(lambda: not house.server.has_viewers)
    began = time.monotonic()
    house.sink.close()
    assert time.monotonic() - began < DEADLINE


def test_players_get_motion_jpeg_of_every_new_picture(house: House):
    async def talk(session: aiohttp.ClientSession):
        async with session.get("/stream.mjpg") as answer:
            assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
            reader = aiohttp.MultipartReader.from_response(answer)
            pictures = []
            for level in (60, 200):
                await asyncio.to_thread(
                    house.sink.write, frame_of(np.full((60, 80, 3), level, np.uint8), level)
                )
                while not pictures or abs(int(pictures[-1].mean()) - level) > 8:
                    data = await (await reader.next()).read()
                    pictures.append(cv2.imdecode(np.frombuffer(data, np.uint8), 1))
            return pictures

    assert house.ask(talk)[-1].shape == (60, 80, 3)
    wait_until(lambda: not house.server.has_viewers)


def test_without_a_picture_there_is_no_stream(house: House):
    house.sink.wrapped.close()
    assert house.get("/stream.mjpg")[0] == 404
