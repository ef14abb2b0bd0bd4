"""The commands that a page of the docs gives, and those of which it says that no test runs them."""

import re
from pathlib import Path
from typing import NamedTuple

MARK = "not run by our tests"
"""Behind a command in its comment, as the first line of its block, or in its paragraph."""
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
COMMENT = re.compile(r"(?:^|\s+)#\s.*$")
SETTING = re.compile(r"^(--?[a-z]|[a-z_.]+: )")
"""Code of several words that is no command: an option, or a line of a config."""


class Command(NamedTuple):
    """A line as a user types it; `marked` if the page says that no test runs it."""

    line: str
    marked: bool


def blocks(page: Path, kind: str) -> list[str]:
    """The fenced blocks of that kind: "sh", "yaml"."""
    return [block for found, block in FENCE.findall(page.read_text()) if found == kind]


def commands(page: Path) -> list[Command]:
    """Those of fenced blocks, and code of several words in the text that is no setting.

    A mark in a paragraph, item or row of a table counts for the page.
    """
    found = [command for block in blocks(page, "sh") for command in _fenced(block)]
    text = FENCE.sub("\n\n", page.read_text())
    parts = [part for part in re.split(r"\n\s*\n|\n(?=\s*[-|] )", text) if MARK in _flowing(part)]
    marked = {code for part in parts for code in CODE.findall(part)}
    inline = [c for c in CODE.findall(text) if " " in c and not SETTING.match(c)]
    return found + [Command(code, code in marked) for code in dict.fromkeys(inline)]


def _flowing(part: str) -> str:
    return " ".join(part.split())


def _fenced(block: str) -> list[Command]:
    lines = [line.strip() for line in block.splitlines()]
    whole = MARK in lines[0] and lines[0].startswith("#")
    pairs = ((COMMENT.sub("", line), whole or MARK in line) for line in lines)
    return [Command(line, marked) for line, marked in pairs if line]
