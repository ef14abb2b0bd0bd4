"""A real run is steered through its page, in a real browser, as owner, guest and viewer."""

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from realtime.control.verbs import ACTIONS, GUEST_VERBS
from tests.browser import MIDDLE, Browser, needs_browser, wait_for
from tests.fakes import write_style
from tests.test_end_to_end import PATIENCE, STYLECAM, Stage, frames_of

pytestmark = [
    needs_browser,
    pytest.mark.skipif(
        not STYLECAM.exists(), reason="stylecam is not installed; pip install -e '.[dev]'"
    ),
]
SIZES = LAPTOP, PHONE, KIOSK = (1400, 900), (390, 844), (1080, 1920)
"""A kiosk stands upright."""


class ServedRun:
    """A run of a blue picture, which its style paints red, on a page that the network reaches.

    `links` are the links that it prints, by role.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        styles = stage.folder / "home" / "data" / "stylecam" / "styles"
        styles.mkdir(parents=True)
        (styles / "order.txt").write_text("swap\ngreen\n")
        write_style(styles / "swap.onnx")
        write_style(styles / "green.onnx", green=0.8)
        cv2.imwrite(str(stage.folder / "blue.png"), np.full((240, 320, 3), (200, 40, 20), np.uint8))
        self.process = stage.start(
            "run", "--source", "blue.png", "--fps", 6, "--sink", "web", "--host", "0.0.0.0",
            "--style", "swap",
        )  # fmt: skip
        self.links: dict[str, str] = {}
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.match(r"sink: (http://.+),", line):
                self.links["owner"] = found[1].split(",")[0]
            if found := re.match(r"link for the (\w+): (http.+)", line):
                self.links[found[1]] = found[2]
            if "viewer" in self.links:
                return
        raise AssertionError("it did not start")


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[ServedRun]:
    served = ServedRun(Stage(tmp_path_factory.mktemp("stage")))
    yield served
    served.process.kill()
    served.process.communicate()


def colour(browser: Browser) -> tuple[int, int, int]:
    """RGB at the left of the picture that the page shows."""
    return tuple(browser.run(MIDDLE)[2][:3])


def red(rgb) -> bool:
    return rgb[0] > 150 and max(rgb[1:]) < 90


def blue(rgb) -> bool:
    return rgb[2] > 150 and max(rgb[:2]) < 90


def yellow(rgb) -> bool:
    return min(rgb[:2]) > 150 and rgb[2] < 90


def opened(browser: Browser, served: ServedRun, role: str, size: tuple[int, int]) -> None:
    browser.resize(*size)
    browser.go(served.links[role])
    browser.until_live()
    wait_for(lambda: browser.run("return document.body.dataset.role") == role)
    wait_for(lambda: red(colour(browser)))


def styled_and_slid(browser: Browser) -> None:
    """Choose a style and set the strength; each shows in the pixels."""
    browser.click('#styles [data-style="green"]')
    wait_for(lambda: yellow(colour(browser)))
    browser.run("strength.value = 0; strength.dispatchEvent(new Event('input'))")
    wait_for(lambda: blue(colour(browser)))
    browser.run("strength.value = 100; strength.dispatchEvent(new Event('input'))")
    browser.click('#styles [data-style="swap"]')
    wait_for(lambda: red(colour(browser)))


def photographed(browser: Browser) -> None:
    """Take a snapshot, and fetch it as a phone does: by the address of its QR code alone."""
    browser.run("document.querySelector('#switches [data-verb=snapshot]').click()")
    wait_for(lambda: browser.run("return document.getElementById('photo').open"))
    shown = "const image = document.getElementById('photo-qr'); return image.naturalWidth"
    wait_for(lambda: browser.run(shown) > 0)
    modules = browser.run("""
        const image = document.getElementById("photo-qr");
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        const paint = canvas.getContext("2d");
        paint.drawImage(image, 0, 0);
        const { data } = paint.getImageData(0, 0, canvas.width, canvas.height);
        return [...data].filter((_, index) => index % 4 === 0);
    """)
    side = round(len(modules) ** 0.5)
    code = cv2.copyMakeBorder(
        np.array(modules, np.uint8).reshape(side, side),
        *[40] * 4,
        cv2.BORDER_CONSTANT,
        value=255,
    )
    address, _, _ = cv2.QRCodeDetector().detectAndDecode(code)
    with urllib.request.urlopen(address, timeout=PATIENCE) as answer:
        picture = cv2.imdecode(np.frombuffer(answer.read(), np.uint8), 1)[..., ::-1]
    assert picture.shape == (240, 320, 3)
    assert red(picture[120, 20])
    browser.run("document.getElementById('photo').close()")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_owner_styles_slides_photographs_records_and_downloads(
    served: ServedRun, browser: Browser, size, tmp_path: Path
):
    opened(browser, served, "owner", size)
    styled_and_slid(browser)
    if size == PHONE:  # the countdown takes its time
        photographed(browser)
    browser.download_into(tmp_path)
    listed = len(browser.run("return [...document.querySelectorAll('#saved a')].map(a => a.href)"))
    browser.click('#switches [data-verb="record"]')
    wait_for(lambda: re.search(r"recorded [1-9]\d* s", browser.text("#state")))
    browser.click('#switches [data-verb="record"]')
    links = "return document.querySelectorAll('#saved a').length"
    wait_for(lambda: browser.run(links) > listed)
    browser.click('#switches [data-verb="gallery"]')
    browser.click("#saved a")
    wait_for(lambda: list(tmp_path.glob("stylecam-*.mp4")))
    [recording] = tmp_path.glob("stylecam-*.mp4")
    frames = frames_of(recording)
    assert len(frames) > 3
    assert red(frames[-1][120, 20])
    browser.run("document.getElementById('gallery').close()")


def test_a_guest_styles_and_photographs_and_the_server_refuses_the_rest(
    served: ServedRun, browser: Browser
):
    opened(browser, served, "guest", LAPTOP)
    styled_and_slid(browser)
    photographed(browser)
    assert browser.run("return document.querySelectorAll('#values label').length") == 0
    owners = [action.name for action in ACTIONS if action.name not in GUEST_VERBS]
    messages = [{"verb": name} for name in owners]
    messages += [{"zoom": 2}, {"recording": True}, {"blank": True}]
    said = browser.run(
        f"""
        const send = (message) => fetch("control", {{
            method: "POST",
            headers: {{ "Content-Type": "application/json" }},
            body: JSON.stringify(message),
        }}).then((answer) => answer.status);
        return Promise.all([
            ...{messages}.map(send),
            fetch("status").then((answer) => answer.status),
            fetch("metrics").then((answer) => answer.status),
            fetch("saved/9999", {{ method: "DELETE" }}).then((answer) => answer.status),
        ]);
    """.replace("True", "true")
    )
    assert set(said) == {403}
    assert len(said) == len(messages) + 3
    own = "return document.querySelectorAll('#saved img').length"
    assert browser.run(own) == 1  # what the owner took is not listed
    deleted = """const image = document.querySelector("#saved img");
                 return fetch(image.src, {method: "DELETE"}).then((answer) => answer.status)"""
    assert browser.run(deleted) == 200
    wait_for(lambda: browser.run(own) == 0)
    assert served.process.poll() is None
    wait_for(lambda: red(colour(browser)))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_viewer_sees_the_picture_only(served: ServedRun, browser: Browser, size):
    opened(browser, served, "viewer", size)
    visible = """return ["aside", "#switches", "#touch"].filter(
                 (it) => document.querySelector(it).getBoundingClientRect().width > 0)"""
    assert browser.run(visible) == []
    browser.key("n")
    browser.key("q")
    refused = """return fetch("control", {method: "POST", body: '{"verb": "next"}',
                 headers: {"Content-Type": "application/json"}}).then((r) => r.status)"""
    assert browser.run(refused) == 403
    assert red(colour(browser))
