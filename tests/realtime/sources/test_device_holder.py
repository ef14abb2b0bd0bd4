"""Who holds a device."""

import subprocess
import sys
from pathlib import Path

import pytest

from realtime.sources.device_holder import holder_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_another_process_that_has_it_open_is_named(tmp_path: Path):
    device = tmp_path / "video0"
    device.touch()
    link = tmp_path / "by-id"
    link.symlink_to(device)
    assert holder_of(device) is None
    program = f"f = open({str(device)!r}); print('ready', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        for path in (device, link):
            assert holder_of(path).endswith(f", process {process.pid}")
        process.communicate("\n")
    assert holder_of(device) is None


def test_this_process_itself_does_not_count(tmp_path: Path):
    device = tmp_path / "video0"
    with device.open("w"):
        assert holder_of(device) is None
