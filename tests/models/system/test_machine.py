"""What a machine says of itself."""

from pathlib import Path

import pytest

from models.system import machine
from models.system.machine import this_machine


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
    for name in ("CPUINFO", "MEMINFO"):
        monkeypatch.setattr(machine, name, Path("/nowhere"))
    found = this_machine()
    assert found.cpu
    assert found.instruction_sets == ()
    assert found.memory_mb is None
