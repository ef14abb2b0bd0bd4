"""docs/commands.md says what the commands say of themselves today."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "docs" / "commands.py"


def test_the_page_is_what_the_script_writes():
    pytest.importorskip("torch", reason="needs the train extra")
    spec = importlib.util.spec_from_file_location("commands", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = script.PAGE.read_text()
    assert "--target-fps" in written
    assert "--content-weight" in written
    assert script.page() == written, "run: python docs/commands.py"
