"""The page while it records, and what is in the file: page-recording.jpg and recorded.jpg here.

PYTHONPATH=. python docs/pictures/recording.py

A real `stylecam run` of the demo's portrait (NASA, public domain), headless Chromium, which presses
the button that records, and a frame from the middle of the file beside the source's.
"""

import re
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from models.pictures import read_picture
from realtime.sources.demo import PORTRAIT
from tests.browser import Browser, wait_for
from tests.test_end_to_end import Stage
from training.reporting.contact_sheet import Tile, tile_sheet

WIDTH, HEIGHT = 640, 360
PAGE, SHOWN = (1400, 720), (1000, 514)
"""Pixels of the page, and of its picture."""
SECONDS = 4
HERE = Path(__file__).parent


def portrait() -> np.ndarray:
    whole = read_picture(PORTRAIT)
    part = whole[: whole.shape[1] * HEIGHT // WIDTH]
    return np.asarray(cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)


def save(name: str, rgb: np.ndarray) -> None:
    cv2.imwrite(str(HERE / name), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 86])


def recorded(browser: Browser) -> np.ndarray:
    """Record for SECONDS with the page's button, and give the page meanwhile."""
    browser.click('#switches [data-verb="record"]')
    wait_for(lambda: re.search(rf"recorded {SECONDS} s", browser.text("#state")))
    page = browser.screenshot()
    browser.click('#switches [data-verb="record"]')
    wait_for(lambda: browser.run("return document.querySelector('#saved a')"))
    return page


def frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        source = portrait()
        cv2.imwrite(str(stage.folder / "portrait.png"), source[..., ::-1])
        run = stage.start("run", "--source", "portrait.png", "--sink", "web")
        browser = Browser(stage.folder / "profile")
        try:
            assert run.stderr is not None
            told = (re.match(r"sink: (http://[^ ,]+)", line) for line in run.stderr)
            browser.resize(*PAGE)
            browser.go(next(found[1] for found in told if found))
            browser.until_live()
            page = cv2.resize(recorded(browser), SHOWN, interpolation=cv2.INTER_AREA)
            save("page-recording.jpg", np.asarray(page, np.uint8))
        finally:
            browser.close()
            run.terminate()
            run.communicate()
        [file] = (stage.folder / "home").rglob("*.mp4")
        shown = frames(file)
    both = [
        Tile("a frame of the source", source, ()),
        Tile(f"a frame of the recorded file ({len(shown)} frames)", shown[len(shown) // 2], ()),
    ]
    save("recorded.jpg", tile_sheet(both, columns=2, width=480, height=270))


if __name__ == "__main__":
    main()
