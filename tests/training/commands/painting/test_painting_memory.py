"""A painting that is too large for the memory is refused, or ends in one line."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import StylecamError, UsageError
from models.pictures import read_picture
from training.optimise.paint import Painting

QUICK = ("--initial-iterations", "3", "--size", "96", "--precision", "fp32")
TO = ("--style", "marbling", "-o", "out.png")


def test_a_picture_too_large_for_the_memory_is_refused_before_it_is_painted(invoke, tmp_path):
    with pytest.raises(UsageError, match=r"a painting of 10000x8000 .* --size \d+"):
        invoke(*TO, "--size", "10000", "--max-memory", "2G")
    with pytest.raises(UsageError, match="0 MB are left for it, too little for any size"):
        invoke(*TO, *QUICK, "--max-memory", "1M")
    with pytest.raises(UsageError, match=r"a painting of 5000x4000 .* left for it, enough for"):
        invoke("-o", "out.png", "--inspect", "--size", "5000", "--max-memory", "3G")
    assert not (tmp_path / "out.png").exists()


def test_memory_that_runs_out_is_said_in_one_line(invoke, monkeypatch, tmp_path):
    whole = Painting.run

    def run(self, on_progress):
        def note(progress):
            on_progress(progress)
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")

        return whole(self, note)

    monkeypatch.setattr(Painting, "run", run)
    with pytest.raises(StylecamError, match=r"memory ran out at 96x77; give a smaller --size"):
        invoke(*TO, *QUICK)
    assert read_picture(tmp_path / "out.png").shape == (77, 96, 3)


@pytest.fixture
def memory_group():
    """A cgroup of our own that may take 500 MB; its file of processes."""
    one = Path("/sys/fs/cgroup/memory")
    root, limit = (one, "memory.limit_in_bytes") if one.is_dir() else (one.parent, "memory.max")
    group = root / f"stylecam-test-{os.getpid()}"
    try:
        group.mkdir()
        (group / limit).write_text("500000000")
        subprocess.run(["sh", "-c", f"echo $$ > {group}/cgroup.procs"], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no cgroup can be made here: {error}")
    else:
        yield group / "cgroup.procs"
    finally:
        if group.is_dir():
            group.rmdir()


def under_a_limit(limit, photo, folder):
    """The one line that `stylecam paint` says after the shell's command `limit`."""
    program = "from realtime.cli import main; main()"
    words = [photo, "--style", "marbling", "-o", folder / "a.png", "--size", "3000"]
    command = shlex.join(str(x) for x in [sys.executable, "-c", program, "paint", *words])
    done = subprocess.run(
        ["sh", "-c", f"{limit}; exec {command}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert not (folder / "a.png").exists()
    [line] = done.stderr.splitlines()
    return line


@pytest.mark.skipif(sys.platform != "linux", reason="limits addresses")
def test_too_few_addresses_for_torch_end_in_one_line(photo, tmp_path):
    line = under_a_limit("ulimit -v 1500000", photo, tmp_path)
    assert "torch cannot be loaded" in line
    assert "ulimit -v" in line


@pytest.mark.skipif(sys.platform != "linux", reason="limits addresses")
def test_too_few_addresses_beside_torch_end_in_one_line(photo, tmp_path):
    mapped = "import torch; print(open('/proc/self/statm').read())"
    told = subprocess.run(
        [sys.executable, "-c", mapped], capture_output=True, text=True, check=True
    )
    kilobytes = int(told.stdout.split()[0]) * os.sysconf("SC_PAGE_SIZE") // 1024
    line = under_a_limit(f"ulimit -v {kilobytes + 300_000}", photo, tmp_path)
    assert re.search(r"of addresses, and \d+ MB are left beside torch: raise `ulimit -v`", line)


def test_too_little_memory_in_a_cgroup_ends_in_one_line(photo, tmp_path, memory_group):
    line = under_a_limit(f"echo $$ > {memory_group}", photo, tmp_path)
    assert re.search(r"torch and a loss network take about 1\.0 GB, and 4\d\d MB are left", line)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /sys")
def test_what_a_cgroup_leaves_is_what_a_painting_may_take(invoke, monkeypatch, tmp_path):
    for folder, names in [
        ("", ("max", "current")),
        ("memory", ("limit_in_bytes", "usage_in_bytes")),
    ]:
        (tmp_path / "cgroup" / folder).mkdir(exist_ok=True)
        for name, text in zip(
            (*names, "stat"), ("9000000000", "8900000000", "anon 5"), strict=True
        ):
            (tmp_path / "cgroup" / folder / f"memory.{name}").write_text(text)
    monkeypatch.setattr("training.runtime.memory_budget.CGROUPS", tmp_path / "cgroup")
    with pytest.raises(UsageError, match=r"(80|7\d) MB are left for it, enough for --size"):
        invoke(*TO, "--size", "3000")


@pytest.mark.parametrize(
    "error", [MemoryError("Unable to allocate 75 MiB"), RuntimeError("can't allocate memory: 9")]
)
def test_memory_that_runs_out_before_the_first_iteration_is_told(invoke, monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr("training.commands.painting.inputs.load_inputs", fail)
    with pytest.raises(StylecamError, match=r"memory ran out \(.*allocate .*smaller --size"):
        invoke(*TO, *QUICK)


def test_what_addresses_are_left_is_what_a_painting_may_take(invoke, monkeypatch):
    monkeypatch.setattr("training.optimise.memory.address_space_left", lambda: 100_000_000)
    with pytest.raises(UsageError, match="100 MB are left for it, enough for --size"):
        invoke(*TO, "--size", "3000")
    monkeypatch.setattr("training.optimise.memory.address_space_left", lambda: 10)
    with pytest.raises(UsageError, match="too little for any size"):
        invoke(*TO, "--size", "3000")
