"""Every verb changes the pixels of a real run: by control socket, HTTP and key in the window."""

import json
import random
import shutil
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from models.card import write_card
from models.errors import UsageError
from realtime.commands.ctl import message_of
from realtime.control.hotkeys import KEYS
from realtime.control.local.client import ask
from realtime.control.state import Settings, Verb
from realtime.control.values import VALUES
from realtime.control.verbs import VERBS
from tests.fakes import write_style
from tests.screen import MISSING, SCREEN_HEIGHT, SCREEN_WIDTH, ShownWindow, screen
from tests.test_control_end_to_end import Run
from tests.test_end_to_end import PATIENCE, STYLECAM, Stage, eventually

pytestmark = pytest.mark.skipif(
    not STYLECAM.exists(), reason="stylecam is not installed; pip install -e '.[dev]'"
)
HEIGHT, WIDTH = 240, 320


def source_picture(spot: int) -> np.ndarray:
    """RGB: a white frame around four quarters (red, green, blue, grained), a spot in the middle.

    As from a camera, the blue one has noise, another with every spot.
    """
    rgb = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    inner = rgb[30:-30, 40:-40]
    high, wide = inner.shape[0] // 2, inner.shape[1] // 2
    inner[:high, :wide] = (200, 40, 40)
    inner[:high, wide:] = (40, 160, 40)
    inner[high:, :wide] = (40, 40, 200)
    noise = np.random.default_rng(spot).normal(0, 3, (high, wide, 3))
    inner[high:, :wide] = (inner[high:, :wide] + noise).round().astype(np.uint8)
    grain = np.random.default_rng(4).integers(90, 130, (high, wide, 1), np.uint8)
    inner[high:, wide:] = grain
    rgb[105:135, 145:175] = spot
    return rgb


class Picture:
    """What is shown, by places: each the mean RGB of a patch."""

    def __init__(self, rgb: np.ndarray) -> None:
        self.rgb = rgb.astype(float)
        self.corner = self.at(8, 8)
        self.top_left, self.top_right = self.at(65, 80), self.at(65, 240)
        self.bottom_left, self.spot = self.at(175, 80), self.at(120, 160)
        self.grain = rgb[150:200, 180:270].std()

    def at(self, y: int, x: int) -> np.ndarray:
        return self.rgb[y - 6 : y + 6, x - 6 : x + 6].mean((0, 1))


def is_like(patch: np.ndarray, *rgb: int) -> bool:
    return bool(np.abs(patch - rgb).max() < 40)


RED, GREEN, BLUE, WHITE = (200, 40, 40), (40, 160, 40), (40, 40, 200), (255, 255, 255)
USUAL_GRAIN = source_picture(0)[150:200, 180:270].std()


class Change(NamedTuple):
    """Keys of the window that change the picture and others that change it back, and the value that
    does the same. Each key stands for a verb.

    `holds` is true of the pictures in between.
    """

    keys: tuple[str, ...]
    back: tuple[str, ...]
    value: str
    on: object
    off: object
    holds: Callable[[Picture], bool]

    @property
    def verbs(self) -> tuple[str, ...]:
        return tuple(map(verb_of_key, self.keys))

    @property
    def verbs_back(self) -> tuple[str, ...]:
        return tuple(map(verb_of_key, self.back))


CHARACTERS = {
    "minus": "-", "plus": "+", "period": ".", "comma": ",",
    "bracketleft": "[", "bracketright": "]",
}  # fmt: skip
"""Keys that xdotool calls by a name of its own."""


def verb_of_key(key: str) -> str:
    return KEYS[CHARACTERS.get(key, key)]


def half_green(picture: Picture) -> bool:
    return 70 < picture.top_left[1] < 110  # 40, and half of what the other style adds


CHANGES = {
    "strength": Change(
        ("minus",) * 10, ("plus",) * 10, "strength", 0, 1, lambda p: is_like(p.top_left, *RED)
    ),
    "original": Change(
        ("o",), ("o",), "view", "original", "styled", lambda p: is_like(p.top_left, *RED)
    ),
    "split": Change(
        ("s",),
        ("s",),
        "view",
        "split",
        "styled",
        lambda p: is_like(p.top_left, *RED) and is_like(p.at(65, 300), *WHITE),
    ),
    "style": Change(("n",), ("p",), "style", "green", "swap", lambda p: p.top_left[1] > 120),
    "number": Change(("2",), ("1",), "style", "green", "swap", lambda p: p.top_left[1] > 120),
    "mirror": Change(("m",), ("m",), "mirror", True, False, lambda p: is_like(p.top_right, *BLUE)),
    "zoom": Change(
        ("bracketright",) * 4,
        ("bracketleft",) * 4,
        "zoom",
        2,
        1,
        lambda p: is_like(p.corner, *BLUE),
    ),
    "rotation": Change(
        ("t", "t"), ("t", "t"), "rotation", 180, 0, lambda p: is_like(p.top_right, *RED)
    ),
    "colours": Change(
        ("c",),
        ("c",),
        "preserve_colours",
        True,
        False,
        lambda p: p.top_left[0] > p.top_left[2] + 80,
    ),
    "enhance": Change(("e",), ("e",), "enhance", 0.6, 0, lambda p: p.grain > USUAL_GRAIN * 1.25),
    "scale": Change(("u",) * 8, ("i",) * 8, "scale", 0.2, 1, lambda p: p.grain < USUAL_GRAIN * 0.8),
    "blank": Change(("b",), ("b",), "blank", True, False, lambda p: bool(p.top_left.max() < 60)),
    "mixture": Change(("k",), ("1",), "blend_with", "green", None, half_green),
}
NAMES = list(CHANGES)
ELSEWHERE = {
    "mix-more", "mix-less", "blend", "mirror-own", "mirror_own", "help", "calmer", "livelier",
    "smoothing", "pause", "paused", "freeze", "frozen", "shuffle", "snapshot", "record",
    "recording", "quit",
}  # fmt: skip
"""What tests of their own change, each through two ways."""


def test_every_verb_and_value_has_its_pixels_looked_at():
    """The tables grow: what is added there needs a line here."""
    looked_at = {change.value for change in CHANGES.values()}
    looked_at |= {verb for change in CHANGES.values() for verb in change.verbs + change.verbs_back}
    numbers = {f"style-{number}" for number in range(3, 10)}  # the run has two styles
    assert VERBS.keys() | VALUES.keys() == looked_at | ELSEWHERE | numbers


class SteeredRun:
    """A run of a folder of pictures whose spot blinks, steered through its socket and over HTTP,
    and by keys where there is a display."""

    def __init__(self, stage: Stage, runtime: Path, display: str | None) -> None:
        styles = stage.folder / "home" / "data" / "stylecam" / "styles"
        styles.mkdir(parents=True)
        (styles / "order.txt").write_text("swap\ngreen\n")
        for name, green in (("swap", 0.0), ("green", 0.4)):
            card = write_style(styles / f"{name}.onnx", green=green)
            write_card(card.model_copy(update={"training": {"base": "b"}}), card.path)
        frames = stage.folder / "frames"
        frames.mkdir()
        for index in range(2):
            bgr = source_picture(index * 255)[..., ::-1]
            cv2.imwrite(str(frames / f"{index}.png"), bgr)
        stage.style = "swap"
        self.run = Run(
            stage, "--source", "frames", "--loop", "--fps", 12, "--scale", 1, "--fade", 0,
            "--smoothing", 0, *(("--sink", "window") if display else ()),
        )  # fmt: skip
        self.window = ShownWindow(display, "stylecam") if display else None
        self.socket = runtime / "stylecam" / f"{self.run.process.pid}.sock"
        self.by_http({"scale": 1})  # no longer the automatic one, which keys leave for good

    def by_socket(self, *words: str) -> dict:
        return ask(self.socket, message_of(words[0], words[1:]))

    def by_http(self, message: dict[str, object]) -> dict:
        request = urllib.request.Request(
            f"{self.run.url}control",
            json.dumps(message).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def picture(self) -> Picture:
        data = np.frombuffer(self.run.get("snapshot.jpg"), np.uint8)
        return Picture(cv2.imdecode(data, 1)[..., ::-1])

    def shows(self, holds: Callable[[Picture], bool]) -> None:
        eventually(lambda: holds(self.picture()), self.run.process)

    def press(self, *keys: str) -> None:
        """Press keys in the window, each once the one before has changed something."""
        if not self.window.id:
            self.window.search()
        for key in keys:
            before = self.run.get("status")
            self.window.press(key)
            eventually(
                lambda before=before: self.state(self.run.get("status")) != self.state(before),
                self.run.process,
            )

    def state(self, status: bytes) -> dict:
        return json.loads(status)["state"]

    def window_shows(self, holds: Callable[[Picture], bool]) -> None:
        eventually(lambda: holds(Picture(self.window.picture())), self.run.process)

    def several(self, count: int = 6) -> list[Picture]:
        """Pictures that are apart by chance; each of the folder lasts three seconds, and a change
        could fall between any two calls in step with them."""
        seen = []
        for _ in range(count):
            time.sleep(random.uniform(0, 0.15))
            seen.append(self.picture())
        return seen

    def blinks(self) -> bool:
        spots = [picture.spot.mean() for picture in self.several()]
        return bool(max(spots) - min(spots) > 100)

    def flicker(self) -> float:
        """By how many levels the noise moves, in the mean, from one picture to another."""
        first, *others = [picture.rgb[150:200, 60:130] for picture in self.several(5)]
        return max(float(np.abs(other - first).mean()) for other in others)


@pytest.fixture(scope="module")
def steered(request, tmp_path_factory) -> Iterator[SteeredRun]:
    display = None if MISSING else request.getfixturevalue("display")
    runtime = Path(tempfile.mkdtemp())  # the path of a UNIX socket must be short
    stage = Stage(tmp_path_factory.mktemp("stage"))
    stage.environment["XDG_RUNTIME_DIR"] = str(runtime)
    if display is not None:
        stage.environment["DISPLAY"] = display
    steered = SteeredRun(stage, runtime, display)
    yield steered
    steered.run.process.kill()
    steered.run.process.communicate()
    shutil.rmtree(runtime)


def usual(picture: Picture) -> bool:
    """As the style "swap" paints it, with nothing else changed."""
    return (
        is_like(picture.corner, *WHITE)
        and is_like(picture.top_left, *BLUE)
        and is_like(picture.top_right, *GREEN)
        and is_like(picture.bottom_left, *RED)
        and 0.85 < picture.grain / USUAL_GRAIN < 1.15
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_change_shows_in_the_pixels_and_goes_again(steered, name):
    change = CHANGES[name]
    steered.shows(usual)
    assert not change.holds(steered.picture())
    for verb in change.verbs:
        steered.by_socket(verb)
    steered.shows(change.holds)
    for verb in change.verbs_back:
        steered.by_http({"verb": verb})
    steered.shows(usual)
    steered.by_http({change.value: change.on})
    steered.shows(change.holds)
    steered.by_socket("set", change.value, "none" if change.off is None else str(change.off))
    steered.shows(usual)


@screen
@pytest.mark.parametrize("name", NAMES)
def test_keys_in_the_window_do_the_same(steered, name):
    change = CHANGES[name]
    steered.press(*change.keys)
    steered.window_shows(change.holds)
    steered.press(*change.back)
    steered.window_shows(usual)


def test_verbs_and_a_value_set_the_share_of_a_mixture(steered):
    steered.by_socket("set", "blend_with", "green")
    for _ in range(5):
        steered.by_socket("mix-more")
    steered.shows(lambda picture: picture.top_left[1] > 120)
    for _ in range(10):
        steered.by_http({"verb": "mix-less"})
    steered.shows(usual)
    steered.by_http({"blend": 0.8})
    steered.shows(lambda picture: 110 < picture.top_left[1] < 130)
    steered.by_socket("set", "blend", "50%")
    steered.shows(half_green)
    steered.by_socket("set", "blend_with", "none")
    steered.shows(usual)


@screen
def test_keys_set_the_share_of_a_mixture(steered):
    steered.press("k", *["period"] * 5)
    steered.window_shows(lambda picture: picture.top_left[1] > 120)
    steered.press(*["comma"] * 10)
    steered.window_shows(usual)
    steered.by_socket("set", "blend", "50%")
    steered.by_socket("set", "blend_with", "none")
    steered.shows(usual)


@screen
def test_the_full_screen_key_covers_the_screen_and_leaves_it(steered):
    def covers() -> bool:
        rgb = steered.window.picture()
        if rgb.shape != (SCREEN_HEIGHT, SCREEN_WIDTH, 3):
            return False
        bar = (SCREEN_WIDTH - SCREEN_HEIGHT * WIDTH // HEIGHT) // 2
        middle = Picture(cv2.resize(rgb[:, bar:-bar], (WIDTH, HEIGHT)))
        beside = np.concatenate([rgb[:, : bar - 2], rgb[:, 2 - bar :]], axis=1)
        return bool((beside == 0).all()) and is_like(middle.top_left, *BLUE)

    assert steered.window.picture().shape == (HEIGHT, WIDTH, 3)
    steered.window.press("f")
    eventually(covers, steered.run.process)
    steered.window.press("f")
    eventually(lambda: steered.window.picture().shape == (HEIGHT, WIDTH, 3), steered.run.process)
    steered.window_shows(usual)


@screen
def test_the_own_mirror_turns_the_window_and_not_what_others_get(steered):
    for number, switch in enumerate(
        (
            lambda: steered.press("w"),
            lambda: steered.by_http({"mirror_own": False}),
            lambda: steered.by_socket("mirror-own"),
        )
    ):
        switch()
        turned = number != 1
        steered.window_shows(lambda p, at=turned: is_like(p.top_right, *(BLUE if at else GREEN)))
        assert usual(steered.picture())
    steered.by_http({"mirror_own": False})
    steered.window_shows(usual)


@screen
def test_help_is_shown_in_the_window_only(steered):
    assert Picture(steered.window.picture()).rgb.mean() > 155
    steered.press("h")
    steered.window_shows(lambda picture: picture.rgb.mean() < 145)
    assert usual(steered.picture())
    steered.by_http({"verb": "help"})
    steered.window_shows(usual)


@pytest.mark.parametrize("way", ["value", "verb", pytest.param("keys", marks=screen)])
def test_smoothing_stills_what_noise_moves(steered, way):
    def set_smoothing(on: bool) -> None:
        key = "l" if on else "j"
        if way == "keys":
            steered.press(*[key] * 10)
        elif way == "verb":
            for _ in range(10):
                steered.by_http({"verb": verb_of_key(key)})
        elif on:
            steered.by_socket("set", "smoothing", "1")
        else:
            steered.by_http({"smoothing": 0})

    eventually(lambda: steered.flicker() > 2, steered.run.process)
    set_smoothing(True)
    eventually(lambda: steered.flicker() < 1, steered.run.process)
    set_smoothing(False)
    eventually(lambda: steered.flicker() > 2, steered.run.process)


@pytest.mark.parametrize(("verb", "field"), [("pause", "paused"), ("freeze", "frozen")])
def test_what_is_held_does_not_move(steered, verb, field):
    def assert_held() -> None:
        steered.picture()  # may have been on its way before
        steered.picture()
        assert not steered.blinks()

    eventually(steered.blinks, steered.run.process)
    steered.by_socket(verb)
    assert_held()
    if verb == "freeze":  # a frozen picture is painted all the same
        steered.by_http({"strength": 0})
        steered.shows(lambda picture: is_like(picture.top_left, *RED))
        steered.by_http({"strength": 1})
    steered.by_http({"verb": verb})
    eventually(steered.blinks, steered.run.process)
    steered.by_http({field: True})
    assert_held()
    steered.by_socket("set", field, "off")
    eventually(steered.blinks, steered.run.process)


def test_a_shuffle_shows_the_other_style_by_itself(steered):
    def other(picture: Picture) -> bool:
        return not is_like(picture.top_left, *BLUE)

    steered.by_socket("shuffle")
    steered.shows(other)
    steered.by_http({"verb": "shuffle"})
    steered.by_http({"style": "swap"})
    steered.shows(usual)
    steered.by_http({"shuffle": 1})
    steered.shows(other)
    steered.shows(usual)  # a second later
    steered.by_socket("set", "shuffle", "0")
    steered.by_http({"style": "swap"})
    steered.shows(usual)


@screen
def test_the_key_of_the_shuffle_shows_the_other_style(steered):
    steered.press("a")
    steered.window_shows(lambda picture: not is_like(picture.top_left, *BLUE))
    steered.press("a", "1")
    steered.window_shows(usual)


def test_snapshot_and_record_say_where_the_file_is(steered):
    taken = Path(steered.by_socket("snapshot")["path"])
    assert usual(Picture(cv2.imread(str(taken))[..., ::-1]))
    assert Path(steered.by_socket("record")["path"]).is_file()
    steered.by_http({"recording": False})
    steered.by_http({"recording": True})
    time.sleep(1.0)
    recorded = Path(steered.by_socket("set", "recording", "off")["path"])
    _, bgr = cv2.VideoCapture(str(recorded)).read()
    assert is_like(Picture(bgr[..., ::-1]).top_left, *BLUE)
    done = steered.run.ctl("snapshot")
    assert Path(done.stdout.strip()).suffix == ".png"
    assert Path(done.stdout.strip()).is_file()


BY_THEMSELVES = {"quit", "record", "recording", "shuffle", "blend_with", "mix"}
"""These change the state again later, without a command (a mixture that cannot be made is ended and
marked); the other tests have them."""
SAID = [({"verb": name}, verb) for name, verb in VERBS.items() if name not in BY_THEMSELVES]
POOLED = 6
"""Threads that asyncio's pool may get by itself; each command comes oftener than that."""
TRIED = [0, 1, 0.5, 2, -1, 90, 45, True, False, None, "swap", "split", "nonsense"]


def test_a_thousand_random_commands_leave_the_run_in_the_state_that_the_tables_say(steered):
    steered.by_socket("snapshot")  # this and a picture start the workers that stay
    steered.shows(usual)
    chance = random.Random(7)
    status = json.loads(steered.run.get("status"))
    fields = {k: v for k, v in status["state"].items() if k in Settings.__dataclass_fields__}
    model = Settings(**(fields | {"styles": tuple(status["styles"])}))
    threads = threads_of(steered.run.process.pid)
    for number in range(1000):
        message, verb = chance.choice(SAID)
        if chance.random() < 0.5:
            name = chance.choice(sorted(VALUES.keys() - BY_THEMSELVES))
            message, verb = {name: chance.choice(TRIED)}, None
        expected = after(model, message, verb)
        try:
            answer = steered.by_http(message) if number % 4 else ask(steered.socket, message)
        except (UsageError, urllib.error.HTTPError):
            assert expected is None, message
            continue
        assert expected is not None, message
        model = expected
        state = answer["state"]
        assert {k: state[k] for k in fields} == {k: getattr(model, k) for k in fields}, message
    for name in VALUES.keys() & fields.keys():  # a mixture, or a pause, holds threads of its own
        steered.by_http({name: fields[name]})
    steered.shows(usual)
    eventually(lambda: threads_of(steered.run.process.pid) <= threads + POOLED, steered.run.process)


def after(settings: Settings, message: dict[str, object], verb: Verb | None) -> Settings | None:
    """What the tables say the settings are after a message; None if it is refused."""
    [(name, value)] = message.items()
    try:
        return (verb or VALUES[name].setter(value))(settings)
    except UsageError:
        return None


def threads_of(process: int) -> int:
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def test_a_style_that_is_added_can_be_chosen_and_a_broken_one_is_left_out(steered):
    styles = steered.run.stage.folder / "home" / "data" / "stylecam" / "styles"
    (styles / "broken.onnx").write_bytes(b"junk")
    steered.run.stage.run(
        "styles", "add", write_style(steered.run.stage.folder / "later.onnx").path
    )

    def listed() -> list[str]:
        return json.loads(steered.run.get("status"))["styles"]

    eventually(lambda: "later" in listed(), steered.run.process)
    assert "broken" not in listed()
    steered.by_socket("style", "later")
    steered.run.stage.run("styles", "remove", "green")
    eventually(lambda: "green" not in listed(), steered.run.process)
