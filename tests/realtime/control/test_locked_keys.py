"""The keys of a kiosk: a guest's only, until the PIN was typed."""

import pytest

from realtime.control.hotkeys import KEYS, LockedKeys
from realtime.control.state import Settings, SettingsStore
from realtime.control.verbs import GUEST_VERBS

START = Settings(styles=("one", "two", "three"), style="one")


class Case:
    """A locked keyboard with a clock of its own."""

    def __init__(self, pin: str | None = "4711") -> None:
        self.now = 0.0
        self.box = SettingsStore(START)
        self.keys = LockedKeys(self.box, pin, clock=lambda: self.now)

    def type(self, *keys: str) -> Settings:
        for key in keys:
            self.keys(key)
        return self.box.current


@pytest.mark.parametrize("key", sorted(KEYS))
def test_only_a_guests_keys_work(key: str):
    settings = Case().type(key)
    if KEYS[key] not in GUEST_VERBS:
        assert settings is START


def test_a_guest_steps_through_the_styles_and_takes_snapshots():
    settings = Case().type("n", "-", "x", "esc", "q", "r")
    assert (settings.style, settings.strength, settings.snapshots) == ("two", 0.9, 1)
    assert not settings.quit and not settings.recording


def test_the_pin_opens_the_keys_until_a_minute_without_one():
    case = Case()
    case.type(*"4711")
    assert case.type("r").recording
    case.now = 50.0
    assert not case.type("r").recording
    case.now = 109.0
    assert case.type("r").recording
    case.now = 170.0
    assert case.type("r").recording


@pytest.mark.parametrize("typed", ["4712", "471", "711", "1174"])
def test_anything_but_the_pin_opens_nothing(typed: str):
    assert not Case().type(*typed, "r").recording


def test_without_a_pin_nothing_opens_them():
    assert not Case(None).type(*"0000", "r").recording
