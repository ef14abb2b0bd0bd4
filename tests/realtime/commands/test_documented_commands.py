"""Every `stylecam run` and `stylecam service install` in the docs has options that exist."""

import re
import shlex
from pathlib import Path

import pytest
import yaml

from realtime.commands.service import check_options
from realtime.config.schema import Config

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Of fenced blocks and of text: whole command lines, without what follows them."""
    text = page.read_text()
    fenced = [line.strip() for kind, block in FENCE.findall(text) if kind == "sh"
              for line in block.splitlines()]  # fmt: skip
    inline = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    lines = [line.split("#")[0].split("&&")[-1].strip() for line in fenced + inline]
    return [re.sub(r"^\S*/stylecam", "stylecam", line) for line in lines]


RUNS = [
    pytest.param(line, id=f"{page.name}: {line}")
    for page in PAGES
    for line in commands(page)
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
    blocks = [block for kind, block in FENCE.findall((ROOT / "docs" / page).read_text())
              if kind == "yaml"]  # fmt: skip
    assert blocks
    for block in blocks:
        Config.model_validate(yaml.safe_load(block))
