"""MIDI messages as mido gives them, and a virtual port where there is one."""

import sys
import time
from pathlib import Path

import pytest

from models.errors import UsageError
from realtime.config.schema import Config, overridden
from realtime.control.remote.midi import USUAL, MidiInput, checked_map
from realtime.control.state import Settings, SettingsStore
from tests.realtime.fakes import wait_until

mido = pytest.importorskip("mido", reason="stylecam[midi] is not installed")
START = Settings(("one", "two", "three"), "one")


@pytest.fixture
def box() -> SettingsStore:
    return SettingsStore(START)


def played(box: SettingsStore, *messages: object, **own: str) -> Settings:
    table = checked_map({name.replace("_", " "): what for name, what in own.items()})
    port = MidiInput(box, "any", table, say=print)
    for message in messages:
        port.heard(message)
    return box.current


def test_pads_knobs_and_programs_do_what_the_table_says(box):
    assert played(box, mido.Message("note_on", note=37, velocity=90)).style == "two"
    assert played(box, mido.Message("note_on", note=37, velocity=0)).style == "two"
    assert played(box, mido.Message("note_off", note=37)).style == "two"
    assert played(box, mido.Message("program_change", program=2)).style == "three"
    assert played(box, mido.Message("control_change", control=7, value=0)).strength == 0
    assert played(box, mido.Message("control_change", control=7, value=127)).strength == 1
    assert played(box, mido.Message("control_change", control=10, value=127)).zoom == 4
    assert played(box, mido.Message("note_on", note=42, velocity=1)).snapshots == 1


def test_what_the_table_does_not_know_changes_nothing(box):
    settings = played(
        box,
        mido.Message("note_on", note=99, velocity=90),
        mido.Message("control_change", control=99, value=3),
        mido.Message("pitchwheel"),
        mido.Message("clock"),
        mido.Message("program_change", program=100),
    )
    assert settings is START or settings == START


def test_own_controls_are_added(box):
    settings = played(box, mido.Message("note_on", note=60, velocity=9), note_60="mirror")
    assert settings.mirror
    mixed = mido.Message("control_change", control=20, value=64)
    assert played(box, mixed, control_20="smoothing").smoothing == pytest.approx(0.504)


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"note 128": "next"}, "up to 127"),
        ({"pad 3": "next"}, "note N or control N"),
        ({"note 3": "nxt"}, "did you mean 'next'"),
        ({"control 3": "strenght"}, "did you mean 'strength'"),
        ({"control 3": "mirror"}, "unknown setting"),
    ],
)
def test_a_wrong_control_is_refused_by_the_config(own, reason):
    with pytest.raises(UsageError, match=reason):
        overridden(Config(), {"remote.midi_map": own}, {})


def test_the_docs_name_every_usual_control():
    docs = (Path(__file__).parents[4] / "docs" / "controls.md").read_text()
    section = docs[docs.index("- **MIDI**") : docs.index("- **OSC**")]
    for control, name in USUAL.items():
        kind, number = control.split()
        assert f"{number} {name}" in section if kind == "control" else name in section


def test_an_unknown_port_is_told_with_those_that_exist(box):
    with pytest.raises(UsageError, match=r"^midi: .*(no port is called|cannot be opened)"):
        MidiInput(box, "no such port", USUAL, say=print).start()


def test_a_virtual_port_is_heard(box):
    port = MidiInput(box, "virtual", USUAL, say=print)
    try:
        port.start()
    except UsageError as error:
        pytest.skip(f"no virtual MIDI port here: {error}")
    try:
        [name] = [name for name in mido.get_output_names() if "stylecam" in name]
        with mido.open_output(name) as out:
            time.sleep(0.1)
            out.send(mido.Message("note_on", note=37, velocity=90))
            wait_until(lambda: box.current.style == "two")
    finally:
        port.stop()


@pytest.mark.parametrize("package", ["mido", "rtmidi"])
def test_without_the_extra_one_line_says_what_to_install(box, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=r"not installed; pip install 'stylecam\[midi\]'"):
        MidiInput(box, "any", USUAL, say=print).start()
