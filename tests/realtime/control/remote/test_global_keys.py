"""Keys of the whole desktop, pressed on a virtual screen where no window has the focus."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from models.errors import UsageError
from realtime.control.remote.global_keys import GlobalKeys, combinations
from realtime.control.state import Settings, SettingsStore
from tests.realtime.fakes import DEADLINE
from tests.screen import screen

START = Settings(("one", "two"), "one")
LISTEN = """
import time
from realtime.control.remote.global_keys import GlobalKeys
from realtime.control.state import Settings, SettingsStore
box = SettingsStore(Settings(("one", "two"), "one"))
keys = GlobalKeys(box)
keys.start()
print("ready", flush=True)
seen = box.current
while not box.current.quit:
    if box.current != seen:
        seen = box.current
        print(seen.style, seen.strength, flush=True)
    time.sleep(0.01)
keys.stop()
print("over", flush=True)
"""


@screen
def test_a_combination_works_whatever_has_the_focus(display, monkeypatch):
    if find_spec("pynput") is None:  # without a display, importing it would fail anyway
        pytest.skip("stylecam[hotkeys] is not installed")
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    # pynput picks its backend when it is imported, so in a process of its own
    listener = subprocess.Popen([sys.executable, "-c", LISTEN], stdout=subprocess.PIPE, text=True)
    try:
        assert listener.stdout.readline() == "ready\n"
        for combination, line in (
            ("ctrl+alt+n", "two 1.0\n"),
            ("ctrl+alt+minus", "two 0.9\n"),
            ("ctrl+alt+q", "over\n"),
        ):
            subprocess.run(["xdotool", "key", combination], check=True)
            assert listener.stdout.readline() == line
        assert listener.wait(DEADLINE) == 0
    finally:
        listener.kill()
        listener.wait()
        listener.stdout.close()


def test_each_combination_stands_for_one_key():
    found = combinations()
    assert found["<ctrl>+<alt>+n"] == "n"
    assert found["<ctrl>+<alt>+<space>"] == "space"
    assert len(set(found.values())) == len(found)


def test_wayland_is_told_what_works_there(monkeypatch):
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    with pytest.raises(UsageError, match=r"Wayland .* `stylecam ctl next`"):
        GlobalKeys(SettingsStore(START)).start()


def test_without_the_extra_one_line_says_what_to_install(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("XDG_SESSION_TYPE", raising=False)
    monkeypatch.setitem(sys.modules, "pynput", None)
    with pytest.raises(UsageError, match=r"not installed; pip install 'stylecam\[hotkeys\]'"):
        GlobalKeys(SettingsStore(START)).start()
