"""The verbs of the user, and the one current value."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UsageError
from realtime.control.state import Settings, SettingsStore
from realtime.control.verbs import (
    VALUES,
    VERBS,
    set_smoothing,
    set_strength,
    set_style,
    value_from_text,
)
from tests.realtime.fakes import DEADLINE

START = Settings(styles=("one", "two", "three"), style="one")


@given(st.lists(st.sampled_from(sorted(VERBS))))
def test_no_order_of_verbs_leaves_the_ranges(verbs: list[str]):
    settings = START
    for verb in verbs:
        settings = VERBS[verb](settings)
        assert settings.style in settings.styles
        assert 0.0 <= settings.strength <= 1.0
    assert settings.snapshots == verbs.count("snapshot")
    assert settings.quit == ("quit" in verbs)


def test_styles_go_round_in_both_directions():
    assert VERBS["previous"](START).style == "three"
    assert VERBS["next"](VERBS["previous"](START)) == START
    assert VERBS["style-3"](START).style == "three"
    assert VERBS["style-4"](START) == START


def test_strength_goes_in_tenths_without_drift():
    settings = START
    for _ in range(7):
        settings = VERBS["weaker"](settings)
    assert settings.strength == 0.3


@pytest.mark.parametrize("verb", ["mirror", "pause", "help", "record", "original", "split"])
def test_a_toggle_twice_is_nothing(verb: str):
    once = VERBS[verb](START)
    assert once != START
    assert VERBS[verb](once) == START


def test_split_follows_original_without_a_stop_in_between():
    assert VERBS["split"](VERBS["original"](START)).view == "split"


def test_an_unknown_style_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match=r"'twoo'.*did you mean 'two'"):
        set_style("twoo")(START)
    assert set_style("two")(START).style == "two"


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, float("nan")])
def test_a_smoothing_outside_the_range_is_refused(smoothing: float):
    with pytest.raises(UsageError, match=r"outside 0\.\.1"):
        set_smoothing(smoothing)(START)
    assert set_smoothing(0.0)(START).smoothing == 0.0


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_the_range_is_refused(strength: float):
    with pytest.raises(UsageError, match="from 0 to 1"):
        set_strength(strength)(START)
    assert set_strength(0.25)(START).strength == 0.25


def test_no_verb_of_any_thread_is_lost():
    box = SettingsStore(START)

    def press() -> None:
        for _ in range(300):
            box.apply(VERBS["snapshot"])

    threads = [threading.Thread(target=press, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert box.current.snapshots == 1200


def test_a_refused_verb_changes_nothing():
    box = SettingsStore(START)
    with pytest.raises(UsageError):
        box.apply(set_strength(2.0))
    assert box.current is START


def test_a_signal_handler_that_interrupts_a_verb_neither_hangs_nor_is_lost():
    box = SettingsStore(START)
    interrupted = []

    def verb(settings: Settings) -> Settings:
        if not interrupted:  # as a handler does it, in the middle, in the same thread
            interrupted.append(True)
            box.apply(VERBS["quit"])
        return VERBS["mirror"](settings)

    thread = threading.Thread(target=box.apply, args=(verb,), daemon=True)
    thread.start()
    thread.join(DEADLINE)
    assert not thread.is_alive()
    assert box.current.quit
    assert box.current.mirror


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("style", "two", "two"),
        ("strength", "0.7", 0.7),
        ("strength", "70%", 0.7),
        ("view", "split", "split"),
        ("mirror", "on", True),
        ("recording", "off", False),
    ],
)
def test_a_value_can_be_written_as_text(name: str, text: str, value: object):
    assert value_from_text(name, text) == value
    VALUES[name].setter(value)(START)


@pytest.mark.parametrize(("name", "text"), [("strength", "much"), ("mirror", "2"), ("size", "1")])
def test_text_that_is_no_value_is_refused(name: str, text: str):
    with pytest.raises(UsageError, match=name):
        value_from_text(name, text)


def test_every_value_is_a_field_of_the_settings():
    assert set(VALUES) <= set(Settings.__dataclass_fields__)


def test_the_docs_list_every_value():
    docs = (Path(__file__).parents[3] / "docs" / "controls.md").read_text()
    for value in VALUES.values():
        assert f'| `{{"{value.name}": …}}` | {value.label}: {value.accepts} |' in docs
