"""The page on which a picture forms: what it serves, to whom, and what a browser shows of it."""

import json
import urllib.error
import urllib.request

import numpy as np
import pytest

from models.errors import UsageError
from models.pictures import encode_picture
from tests.browser import Browser, needs_browser, wait_for
from training.reporting import live_page
from training.reporting.live_page import LivePage

JPEG = encode_picture(np.full((20, 30, 3), 200, np.uint8), ".jpg")


def row(iteration):
    losses = {"content": 0.5 / iteration, "style": 2.0 / iteration, "tv": 0.0}
    place = {"iteration": iteration, "iterations": 4, "work": iteration / 4}
    return place | {"losses": losses, "size": "30x20", "left": "0:05 left"}


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(live_page, "LAST_LOOK", 0.0)
    with LivePage("out.png", 0) as page:
        yield page


def get(page, path, **headers):
    request = urllib.request.Request(page.access.url.rstrip("/") + path, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


def test_rows_are_told_from_where_the_page_is(page):
    for number in (1, 2, 3):
        page.tell(row(number))
    told = json.loads(get(page, "/progress.json?since=1"))
    assert [x["iteration"] for x in told["rows"]] == [2, 3]
    assert (told["title"], told["since"], told["finished"]) == ("out.png", 1, False)
    assert len(json.loads(get(page, "/progress.json?since=x"))["rows"]) == 3
    assert json.loads(get(page, "/progress.json?since=99"))["since"] == 3


def test_the_picture_is_the_newest(page):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(page, "/picture.jpg")
    page.show(b"old")
    page.show(JPEG)
    assert get(page, "/picture.jpg?number=2") == JPEG
    assert json.loads(get(page, "/progress.json"))["picture"] == 2


def test_it_is_watched_while_a_page_asks(page, monkeypatch):
    assert not page.watched
    get(page, "/progress.json")
    assert page.watched
    monkeypatch.setattr(live_page, "WATCHED", 0.0)
    assert not page.watched


def test_another_name_for_this_machine_is_refused(page):
    with pytest.raises(urllib.error.HTTPError, match="403"):
        get(page, "/progress.json", Host="evil.example")
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(page, "/../live_page.py")


def test_a_taken_port_is_one_line(page):
    with pytest.raises(UsageError, match=r"--web: cannot listen on port \d+ \(.*in use") as refused:
        LivePage("b.png", page.access.port)
    assert "\n" not in str(refused.value)


@needs_browser
def test_a_browser_shows_the_picture_the_losses_and_the_end(tmp_path, monkeypatch):
    browser = Browser(tmp_path)
    try:
        with LivePage("out.png", 0) as page:
            for number in (1, 2, 3):
                page.tell(row(number))
            page.show(JPEG)
            browser.go(page.access.url)
            wait_for(
                lambda: browser.run("return document.querySelectorAll('polyline').length") == 3
            )
            said = browser.run("return document.body.innerText")
            assert "3 of 4 iterations, 30x20, 0:05 left" in said
            assert "style 0.667" in said
            drawn = "return document.querySelector('[data-loss=style]').getAttribute('points')"
            assert len(browser.run(drawn).split()) == 3
            width = "return document.getElementById('picture').naturalWidth"
            wait_for(lambda: browser.run(width) == 30)
        wait_for(lambda: "finished" in browser.run("return document.body.innerText"))
    finally:
        browser.close()
