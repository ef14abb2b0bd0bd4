"""docs/commands.md says what the commands say of themselves today."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PRINT = f"import runpy; print(runpy.run_path({str(DOCS / 'commands.py')!r})['page'](), end='')"


def test_the_page_is_what_the_script_writes():
    pytest.importorskip("torch", reason="needs the train extra")
    written = (DOCS / "commands.md").read_text()
    assert "--target-fps" in written
    assert "--content-weight" in written
    # In a process of its own: click keeps a command's help option as it was first made.
    found = subprocess.run(
        [sys.executable, "-c", PRINT], capture_output=True, text=True, check=True
    )
    assert found.stdout == written, "run: python docs/commands.py"
