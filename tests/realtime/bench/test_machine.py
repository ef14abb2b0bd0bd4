"""What a machine says of itself."""

import time
from pathlib import Path

import pytest

from realtime.bench import machine
from realtime.bench.machine import OtherLoad, this_machine


def test_the_processor_and_its_instruction_sets_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\nmodel name\t: Test CPU @ 2 GHz\nflags\t\t: fpu avx2 fma avx512f amx_tile\n"
        "\nprocessor\t: 1\nmodel name\t: another\n"
    )
    monkeypatch.setattr(machine, "CPUINFO", cpuinfo)
    found = this_machine()
    assert found.cpu == "Test CPU @ 2 GHz"
    assert found.instruction_sets == ("AVX2", "FMA", "AVX-512", "AMX")
    assert "Test CPU @ 2 GHz" in str(found)
    assert "AVX-512" in str(found)


def test_a_system_without_proc_leaves_fields_empty(monkeypatch: pytest.MonkeyPatch):
    for name in ("CPUINFO", "MEMINFO", "STAT"):
        monkeypatch.setattr(machine, name, Path("/nowhere"))
    found = this_machine()
    assert found.cpu
    assert found.instruction_sets == ()
    assert found.memory_mb is None
    assert OtherLoad().share() is None


def test_others_load_leaves_out_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """100 ticks busy in all, of which this process takes none while it sleeps."""
    stat = tmp_path / "stat"
    stat.write_text("cpu 100 0 0 500 0 0 0 0 0 0\ncpu0 1\n")
    monkeypatch.setattr(machine, "STAT", stat)
    monkeypatch.setattr(machine.os, "cpu_count", lambda: 1)
    monkeypatch.setattr(machine.os, "sysconf", lambda name: 1000)
    load = OtherLoad()
    stat.write_text("cpu 150 0 0 500 0 0 0 0 0 0\ncpu0 1\n")
    started = time.monotonic()
    time.sleep(0.1)
    share = load.share()
    elapsed = time.monotonic() - started
    assert share == pytest.approx(0.05 / elapsed, abs=0.2)
