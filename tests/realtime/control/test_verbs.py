"""The verbs of the user, and the one current value."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import UsageError
from realtime.control.state import Settings, SettingsStore
from realtime.control.values import VALUES, set_style, value_from_text
from realtime.control.verbs import VERBS
from tests.realtime.fakes import DEADLINE

START = Settings(styles=("one", "two", "three"), style="one")


@given(st.lists(st.sampled_from(sorted(VERBS))))
def test_no_order_of_verbs_leaves_the_ranges(verbs: list[str]):
    settings = START
    for verb in verbs:
        settings = VERBS[verb](settings)
        assert settings.style in settings.styles
        for name in ("strength", "blend", "scale", "smoothing"):
            value = getattr(settings, name)
            if value is not None:
                VALUES[name].setter(value)(settings)
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


TOGGLES = ["mirror", "mirror-own", "pause", "freeze", "blank", "help", "record", "original"]
TOGGLES += ["split", "shuffle", "colours", "enhance"]


@pytest.mark.parametrize("verb", TOGGLES)
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


NUMBERS = {name: value.range for name, value in VALUES.items() if value.range}


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_number_outside_its_range_is_refused_and_its_ends_are_not(name: str):
    low, high = NUMBERS[name]
    setter = VALUES[name].setter
    for wrong in (low - 0.1, high + 0.1, float("nan"), float("inf"), True, "1", None, 10**400):
        with pytest.raises(UsageError, match=name):
            setter(wrong)
    assert getattr(setter(low)(START), name) == low
    assert getattr(setter(high)(START), name) == high


def test_a_style_that_is_chosen_ends_a_mixture():
    mixed = VALUES["blend_with"].setter("three")(START)
    assert mixed.look == "one+three@50"
    assert VALUES["blend"].setter(0.26)(mixed).look == "one+three@25"
    assert VALUES["blend"].setter(0.0)(mixed).look == "one"
    assert VALUES["blend"].setter(1.0)(mixed).look == "three"
    for chosen in (set_style("two")(mixed), VERBS["next"](mixed), VERBS["style-2"](mixed)):
        assert chosen.look == "two"
    assert VALUES["blend_with"].setter(None)(mixed).look == "one"
    with pytest.raises(UsageError, match="did you mean 'two'"):
        VALUES["blend_with"].setter("twoo")(START)


def test_mixing_goes_through_the_other_styles_and_ends():
    settings, mixed = replace(START, style="two"), []
    for _ in range(3):
        settings = VERBS["mix"](settings)
        mixed.append(settings.blend_with)
    assert mixed == ["three", "one", None]
    refused = replace(settings, refused=("two+three@50", "one+one@50"))
    assert VERBS["mix"](refused).blend_with == "one"


def test_a_step_from_the_automatic_scale_is_to_a_known_one():
    assert VERBS["finer"](START).scale == 1
    assert VERBS["coarser"](START).scale == 0.3
    assert VERBS["coarser"](VERBS["finer"](START)).scale == 0.9
    settings = START
    for _ in range(10):
        settings = VERBS["coarser"](settings)
    assert settings.scale == 0.2


def test_zoom_and_rotation_stay_in_their_ranges():
    settings = START
    for _ in range(20):
        settings = VERBS["zoom-in"](settings)
    assert settings.zoom == 4
    for _ in range(20):
        settings = VERBS["zoom-out"](settings)
    assert settings.zoom == 1
    turns = []
    for _ in range(4):
        settings = VERBS["rotate"](settings)
        turns.append(settings.rotation)
    assert turns == [90, 180, 270, 0]


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
        box.apply(set_style("four"))
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
        ("rotation", "90", 90),
        ("shuffle", "30s", 30.0),
        ("blend_with", "none", None),
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
