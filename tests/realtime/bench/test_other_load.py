"""How busy other programs are."""

import time
from pathlib import Path

import pytest

from realtime.bench import other_load
from realtime.bench.other_load import OtherLoad


def test_a_system_without_proc_has_no_share(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(other_load, "STAT", Path("/nowhere"))
    assert OtherLoad().share() is None


def test_others_load_leaves_out_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """100 ticks busy in all, of which this process takes none while it sleeps."""
    stat = tmp_path / "stat"
    stat.write_text("cpu 100 0 0 500 0 0 0 0 0 0\ncpu0 1\n")
    monkeypatch.setattr(other_load, "STAT", stat)
    monkeypatch.setattr(other_load.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(other_load.os, "sysconf", lambda name: 1000)
    load = OtherLoad()
    stat.write_text("cpu 150 0 0 500 0 0 0 0 0 0\ncpu0 1\n")
    started = time.monotonic()
    time.sleep(0.1)
    share = load.share()
    elapsed = time.monotonic() - started
    assert share == pytest.approx(0.05 / elapsed, abs=0.2)
