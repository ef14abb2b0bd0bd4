"""How many threads: real cores, affinity, quota."""

import os
from pathlib import Path

import pytest

from models.system import cpu


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A machine described in files: four CPUs, two to a core, no quota."""
    for number, siblings in enumerate(["0,2", "1,3", "0,2", "1,3"]):
        (tmp_path / f"cpu{number}").write_text(siblings + "\n")
    quota = tmp_path / "cpu.max"
    quota.write_text("max 100000\n")
    monkeypatch.setattr(cpu, "SIBLINGS", str(tmp_path / "cpu{}"))
    monkeypatch.setattr(cpu, "QUOTA", quota)
    monkeypatch.setattr(cpu, "allowed_cpus", lambda: [0, 1, 2, 3])
    return tmp_path


def test_two_threads_of_a_core_count_once(machine: Path):
    assert cpu.physical_cores() == 2


def test_affinity_limits(machine: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cpu, "allowed_cpus", lambda: [0, 2])
    assert cpu.physical_cores() == 1


@pytest.mark.parametrize(("quota", "expected"), [("150000 100000", 2), ("50000 100000", 1)])
def test_a_quota_limits_and_is_rounded_up(machine: Path, quota: str, expected: int):
    (machine / "cpu.max").write_text(quota)
    assert cpu.physical_cores() == expected


def test_a_system_without_these_files_counts_logical_cpus(
    machine: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(cpu, "SIBLINGS", "/nowhere/{}")
    monkeypatch.setattr(cpu, "QUOTA", Path("/nowhere"))
    assert cpu.physical_cores() == 4


def test_this_machine_has_at_least_one():
    assert 1 <= cpu.physical_cores() <= (os.cpu_count() or 1)
