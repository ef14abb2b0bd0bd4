"""Every `stylecam run` and `stylecam service install` in the docs has options that exist.

tests/test_documented_commands_end_to_end.py runs those of some pages."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from realtime.commands.service import check_options
from realtime.config.schema import Config
from tests.documented import blocks, commands

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def last_commands(page: Path) -> list[str]:
    """What stands last in each line, without the folder of stylecam."""
    lines = [command.line.split("&&")[-1].strip() for command in commands(page)]
    return [re.sub(r"^\S*/stylecam", "stylecam", line) for line in lines]


RUNS = [
    pytest.param(line, id=f"{page.name}: {line}")
    for page in PAGES
    for line in last_commands(page)
    if re.match(r"stylecam (run|service install)\b", line)
]


def test_there_are_such_commands():
    assert len(RUNS) > 5


@pytest.mark.parametrize("line", RUNS)
def test_its_options_are_those_of_run(line, monkeypatch, tmp_path):
    words = shlex.split(re.sub(r"^stylecam (run|service install)", "", line))
    if "--config" in words:
        place = words.index("--config") + 1
        (tmp_path / "kiosk.yaml").write_text("")
        words[place] = str(tmp_path / "kiosk.yaml")
    check_options(words)


@pytest.mark.parametrize("page", ["kiosk.md", "recording.md", "config.md"])
def test_every_example_of_a_config_is_one(page):
    examples = blocks(ROOT / "docs" / page, "yaml")
    assert examples
    for block in examples:
        Config.model_validate(yaml.safe_load(block))
