"""Styles that change by themselves: the shuffle, and a kiosk that waits for somebody."""

from dataclasses import replace

import pytest

from realtime.control.state import Settings, SettingsStore
from realtime.pipeline.rotation import ATTRACT_PERIOD, StyleRotation

START = Settings(styles=("one", "two", "three"), style="one")


class Case:
    """A rotation with a clock of its own, which takes the first of the other styles."""

    def __init__(self, settings: Settings, **options) -> None:
        self.now = 0.0
        self.box = SettingsStore(settings)
        self.rotation = StyleRotation(
            self.box, clock=lambda: self.now, pick=lambda names: names[0], **options
        )

    def at(self, now: float) -> str:
        self.now = now
        self.rotation.tick()
        return self.box.current.style


def test_a_shuffle_takes_another_style_each_time_it_is_due():
    case = Case(replace(START, shuffle=10.0))
    assert [case.at(t) for t in (5, 9.9, 10, 15, 20, 25)] == [
        "one",
        "one",
        "two",
        "two",
        "one",
        "one",
    ]


def test_a_shuffle_that_somebody_begins_takes_another_style_at_once():
    case = Case(START)
    assert case.at(5) == "one"
    case.box.apply(lambda s: replace(s, shuffle=10.0))
    assert [case.at(t) for t in (6, 15, 16)] == ["two", "two", "one"]
    case.box.apply(lambda s: replace(s, shuffle=60.0))
    assert case.at(17) == "one"


def test_a_style_that_somebody_chose_gets_its_whole_time():
    case = Case(replace(START, shuffle=10.0))
    case.box.apply(lambda s: replace(s, style="three"))
    assert case.at(9) == "three"
    assert case.at(12) == "three"
    assert case.at(19) == "one"


@pytest.mark.parametrize("held", [{"paused": True}, {"blank": True}, {"styles": ("one",)}])
def test_nothing_changes_while_nothing_can_be_seen_to_change(held):
    assert Case(replace(START, shuffle=10.0, **held)).at(100) == "one"


def test_without_a_shuffle_nothing_changes():
    assert Case(START).at(1e6) == "one"


def test_a_kiosk_shows_its_styles_until_somebody_touches_it():
    case = Case(START, attract=60.0)
    assert case.at(59) == "one"
    assert case.at(61) == "two"
    assert case.at(61 + ATTRACT_PERIOD) == "one"
    case.box.apply(lambda s: replace(s, strength=0.5))
    assert case.at(62 + ATTRACT_PERIOD) == "one"
    assert case.at(110 + ATTRACT_PERIOD) == "one"
    assert case.at(123 + ATTRACT_PERIOD) == "two"
