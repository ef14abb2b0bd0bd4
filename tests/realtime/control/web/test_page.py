"""The page in a real browser: it plays, its buttons and keys steer, it finds back by itself."""

import threading
import time

import cv2
import numpy as np
import pytest

from realtime.control.gallery import Gallery
from realtime.control.state import Settings, SettingsStore
from realtime.control.web.roles import Role
from realtime.frames.frame import Frame, FrameFormat
from tests.browser import MIDDLE, Browser, needs_browser, wait_for
from tests.realtime.control.web.subpath_proxy import SubpathProxy
from tests.realtime.fakes import ServedSink

pytestmark = needs_browser

FORMAT = FrameFormat(width=320, height=240, fps=30, live=True)


class Camera:
    """Writes changing frames to the sink from a thread: red left, blue right, getting darker."""

    def __init__(self, sink: ServedSink) -> None:
        self.sink = sink
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        index = 0
        while not self.stop.wait(0.03):
            level = 255 - index % 100
            rgb = np.zeros((240, 320, 3), np.uint8)
            rgb[:, :160, 0] = level
            rgb[:, 160:, 2] = level
            self.sink.write(Frame(rgb, index, time.monotonic(), index / 30))
            index += 1

    def close(self) -> None:
        self.stop.set()
        self.thread.join()
        self.sink.close()


TITLES = {"starry-night": "The Starry Night", "the-scream": "The Scream"}


@pytest.fixture
def box() -> SettingsStore:
    return SettingsStore(Settings(styles=("starry-night", "the-scream"), style="starry-night"))


@pytest.fixture
def camera(box):
    sink = ServedSink(box, port=0, title="My camera", titles=TITLES)
    sink.open(FORMAT)
    camera = Camera(sink)
    yield camera
    camera.close()


@pytest.fixture
def page(browser, camera) -> Browser:
    browser.go(camera.sink.url)
    wait_for(lambda: browser.run(MIDDLE)[:2] == [320, 240])
    return browser


def test_the_page_plays_in_true_colours(page):
    width, height, left, right = page.run(MIDDLE)
    assert (width, height) == (320, 240)
    assert left[0] > 120
    assert max(left[1], left[2]) < 30
    assert right[2] > 120
    assert max(right[0], right[1]) < 30
    wait_for(lambda: page.run(MIDDLE)[2] != left)
    wait_for(lambda: "320 × 240" in page.text("#state") and "0 frames/s" not in page.text("#state"))


def test_buttons_change_the_settings_and_show_them(page, box):
    page.click('.stepper [data-verb="next"]')
    wait_for(lambda: box.current.style == "the-scream")
    pressed = 'return document.querySelector("#styles [aria-pressed=true]").textContent'
    wait_for(lambda: page.run(pressed).startswith("The Scream"))
    page.click('#styles [data-style="starry-night"]')
    wait_for(lambda: box.current.style == "starry-night")
    for verb, changed in (
        ("original", lambda: box.current.view == "original"),
        ("mirror", lambda: box.current.mirror),
        ("pause", lambda: box.current.paused),
        ("record", lambda: box.current.recording),
        ("snapshot", lambda: box.current.snapshots == 1),
    ):
        page.click(f'#switches [data-verb="{verb}"]')
        wait_for(changed)
    page.run("strength.value = 40; strength.dispatchEvent(new Event('input'))")
    wait_for(lambda: box.current.strength == 0.4)
    wait_for(lambda: page.text("#strength-value") == "40 %")


def test_a_change_from_elsewhere_shows_on_the_page(page, box):
    box.apply(lambda _: Settings(styles=box.current.styles, style="the-scream", recording=True))
    shown = """return [document.querySelector("#styles [aria-pressed=true]")?.dataset.style,
                       document.getElementById("state").hasAttribute("data-recording")]"""
    wait_for(lambda: page.run(shown) == ["the-scream", True])


def test_keys_do_on_the_page_what_they_do_in_the_window(page, box):
    for key, changed in (
        ("n", lambda: box.current.style == "the-scream"),
        ("\ue012", lambda: box.current.style == "starry-night"),  # left
        ("2", lambda: box.current.style == "the-scream"),
        ("-", lambda: box.current.strength == 0.9),
        ("s", lambda: box.current.view == "split"),
        (" ", lambda: box.current.paused),
    ):
        page.key(key)
        wait_for(changed)


def test_help_is_shown_by_the_page_and_quit_is_asked_for(page, box):
    page.key("h")
    assert "previous style" in page.text("dialog[open] dl")
    page.key("\ue00c")  # escape closes it, and is not quit
    wait_for(lambda: page.run("return document.querySelector('dialog[open]')") is None)
    assert not box.current.help
    page.key("q")
    page.click("#quit button:not([value])")
    page.key("q")
    assert not box.current.quit
    page.click("#quit button[value=quit]")
    wait_for(lambda: box.current.quit)


def test_the_page_works_under_a_path_of_a_proxy(browser, camera, box):
    upstream = camera.sink.url.removeprefix("http://").split("/")[0]
    with SubpathProxy(upstream, "/stylecam") as proxy:
        browser.go(f"{proxy.url}/stylecam/")
        wait_for(lambda: browser.run(MIDDLE)[:2] == [320, 240])
        browser.click('.stepper [data-verb="next"]')
        wait_for(lambda: box.current.style == "the-scream")
        loaded = (
            "return performance.getEntriesByType('resource').map(r => new URL(r.name).pathname)"
        )
        assert all(path.startswith("/stylecam/") for path in browser.run(loaded))
        assert proxy.upgraded  # the picture came through the proxy, too
    assert all(path.startswith("/stylecam/") for path in proxy.asked if path != "/favicon.ico")


def test_the_page_finds_back_when_stylecam_restarts(page, camera, box):
    port = int(camera.sink.url.rstrip("/").rsplit(":", 1)[1])
    camera.close()
    wait_for(lambda: "does not answer" in page.text("#notice"))
    sink = ServedSink(box, port=port)
    sink.open(FORMAT)
    again = Camera(sink)
    try:
        wait_for(lambda: page.run("return document.getElementById('stage').dataset.link") == "live")
        first = page.run(MIDDLE)
        wait_for(lambda: page.run(MIDDLE) != first)
    finally:
        again.close()


def test_the_page_takes_nothing_from_elsewhere(page):
    loaded = page.run("return performance.getEntriesByType('resource').map((e) => e.name)")
    assert loaded
    assert all(name.startswith(page.run("return location.origin")) for name in loaded)


SIZES = [(1400, 900), (390, 844), (1080, 1920)]
"""A laptop, a phone, and a kiosk that stands upright."""


@pytest.fixture
def kiosk(box, tmp_path):
    """A kiosk's server, which saves each snapshot that is asked for, and its page's address."""
    gallery = Gallery()
    sink = ServedSink(box, port=0, titles=TITLES, kiosk=True, pin="4711", gallery=gallery)
    sink.open(FORMAT)
    camera = Camera(sink)
    done = threading.Event()

    def save() -> None:
        taken = 0
        while not done.wait(0.05):
            while taken < box.current.snapshots:
                taken += 1
                path = tmp_path / f"stylecam-{taken}.png"
                cv2.imwrite(str(path), np.full((60, 80, 3), (0, 255, 0), np.uint8))
                gallery.add("snapshot", path, snapshot=taken)

    thread = threading.Thread(target=save)
    thread.start()
    yield sink.server
    done.set()
    thread.join()
    camera.close()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_guest_at_a_kiosk_chooses_a_style_and_takes_a_picture_home(
    browser, kiosk, box, tmp_path, size
):
    browser.resize(*size)
    browser.go(kiosk.url)
    browser.until_live()
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("return document.querySelector('[data-verb=record]')") is None
    browser.click('#touch [data-verb="next"]')
    wait_for(lambda: box.current.style == "the-scream")
    browser.click('#styles [data-style="starry-night"]')
    wait_for(lambda: box.current.style == "starry-night")
    browser.key("r")
    browser.key("q")
    browser.click('#touch [data-verb="snapshot"]')
    assert browser.text("#countdown") in "321"
    wait_for(lambda: browser.run("return document.getElementById('photo').open"))
    assert not box.current.recording and not box.current.quit
    shown = """const image = document.getElementById("photo-picture");
               return [image.complete && image.naturalWidth,
                       document.getElementById("photo-qr").hidden,
                       document.querySelectorAll("#saved button").length]"""
    wait_for(lambda: browser.run(shown) == [80, True, 1])
    browser.click("#photo-delete")
    wait_for(lambda: browser.run(shown)[2] == 0)
    assert list(tmp_path.glob("*.png")) == []


def test_a_snapshot_that_failed_is_not_called_taken(browser, box):
    gallery = Gallery()
    sink = ServedSink(box, port=0, titles=TITLES, gallery=gallery)
    sink.open(FORMAT)
    camera = Camera(sink)
    try:
        browser.go(sink.url)
        browser.until_live()
        browser.key("x")
        wait_for(lambda: box.current.snapshots == 1)
        gallery.fail("snapshot", "the disk is full")
        wait_for(lambda: browser.text("#toast") == "the disk is full")
        assert not browser.run("return document.getElementById('photo').open")
    finally:
        camera.close()


def test_a_pin_makes_the_kiosks_page_the_owners_and_the_server_refuses_until_then(
    browser, kiosk, box
):
    browser.resize(*SIZES[0])
    browser.go(kiosk.url)
    browser.until_live()
    refused = """return fetch("control", {method: "POST", body: '{"verb": "quit"}',
                 headers: {"Content-Type": "application/json"}}).then((r) => r.status)"""
    assert browser.run(refused) == 403
    assert not box.current.quit
    browser.click('#switches [data-verb="unlock"]')
    browser.run("document.getElementById('pin').value = '4711'")
    browser.click("#pin-form button[value=unlock]")
    wait_for(lambda: browser.run("return document.body.dataset.role") == "owner")
    browser.until_live()
    browser.click('#switches [data-verb="record"]')
    wait_for(lambda: box.current.recording)
    browser.run("document.querySelector('#more').open = true")
    browser.run("""const zoom = document.querySelector("[data-value=zoom]");
                   zoom.value = 2; zoom.dispatchEvent(new Event("input"))""")
    wait_for(lambda: box.current.zoom == 2)


def test_a_viewers_page_shows_the_picture_and_no_control(browser, kiosk):
    browser.go(kiosk.access.link(Role.VIEWER))
    browser.until_live()
    visible = """return ["aside", "#switches", "#touch"].filter(
                 (it) => document.querySelector(it).getBoundingClientRect().width > 0)"""
    wait_for(lambda: browser.run(visible) == [])
    first = browser.run(MIDDLE)
    wait_for(lambda: browser.run(MIDDLE) != first)


def test_the_own_mirror_turns_the_page_only(page, box):
    page.resize(*SIZES[0])
    before = page.run(MIDDLE)[2]
    page.key("w")
    wait_for(lambda: page.run("return document.getElementById('picture').matches('.mirrored')"))
    assert box.current.mirror_own and not box.current.mirror
    assert page.run(MIDDLE)[2][0] > 100 and before[0] > 100  # the pixels that are sent stay
