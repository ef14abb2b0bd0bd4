"""The key table: complete, unambiguous, documented, and what a press does."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.control.hotkeys import HOTKEYS, KEYS, apply_hotkey, legend
from realtime.control.state import Settings, SettingsStore
from realtime.control.verbs import VERBS

DOCS = Path(__file__).parents[3] / "docs" / "controls.md"


@pytest.fixture
def box() -> SettingsStore:
    return SettingsStore(Settings(styles=("one", "two", "three"), style="one"))


def test_every_verb_has_a_key_and_every_key_a_verb():
    assert set(KEYS.values()) == set(VERBS)


def test_no_key_stands_twice_in_the_table():
    keys = [key for row in HOTKEYS for key in row.keys]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("n", {"style": "two"}),
        ("right", {"style": "two"}),
        ("left", {"style": "three"}),
        ("3", {"style": "three"}),
        ("-", {"strength": 0.9}),
        ("o", {"view": "original"}),
        ("S", {"view": "split"}),  # caps lock
        ("m", {"mirror": True}),
        ("w", {"mirror_own": True}),
        ("c", {"preserve_colours": True}),
        ("e", {"enhance": 0.6}),
        ("a", {"shuffle": 20.0}),
        ("]", {"zoom": 1.25}),
        ("k", {"blend_with": "two"}),
        (".", {"blend": 0.6}),
        (",", {"blend": 0.4}),
        ("i", {"scale": 1.0}),
        ("u", {"scale": 0.3}),
        ("l", {"smoothing": 0.8}),
        ("j", {"smoothing": 0.6}),
        ("t", {"rotation": 90}),
        ("z", {"frozen": True}),
        ("b", {"blank": True}),
        ("space", {"paused": True}),
        ("x", {"snapshots": 1}),
        ("r", {"recording": True}),
        ("?", {"help": True}),
        ("esc", {"quit": True}),
    ],
)
def test_a_key_changes_what_it_says_and_nothing_else(box, key, expected):
    before = box.current
    apply_hotkey(box, key)
    changed = {
        name: getattr(box.current, name)
        for name in before.__dataclass_fields__
        if getattr(box.current, name) != getattr(before, name)
    }
    assert changed == expected


@given(st.text(max_size=5).filter(lambda key: key.lower() not in KEYS))
def test_an_unknown_key_does_nothing(key):
    box = SettingsStore(Settings(styles=("one",), style="one"))
    before = box.current
    apply_hotkey(box, key)
    assert box.current is before


def test_the_legend_names_every_key_once():
    shown = " ".join(keys for keys, _ in legend()).replace("1 - 9", " ".join("123456789"))
    assert sorted(shown.split()) == sorted(key for row in HOTKEYS for key in row.keys)


def test_the_docs_list_every_key_with_what_it_does():
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|", DOCS.read_text(), re.MULTILINE))
    for keys, label in legend():
        written = ", ".join(f"`{key}`" for key in keys.replace("1 - 9", "1-9").split())
        assert rows.get(written) == label, f"docs/controls.md: no row for {written}"
