"""Writes docs/commands.md, what every command says of itself: `python docs/commands.py`."""

from collections.abc import Iterator
from pathlib import Path

import click

from realtime.cli import stylecam

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 100
INTRODUCTION = """# Commands and their options

What `--help` says of every command, on one page. Written by [commands.py](commands.py).
"""


def commands(
    command: click.Command, parent: click.Context | None = None
) -> Iterator[click.Context]:
    """The context of a command, and those of the commands below it."""
    settings = {"max_content_width": WIDTH, "terminal_width": WIDTH} | stylecam.context_settings
    ctx = click.Context(command, parent=parent, info_name=command.name, **settings)
    yield ctx
    if isinstance(command, click.Group):
        for below in command.list_commands(ctx):
            found = command.get_command(ctx, below)
            assert found is not None, below
            yield from commands(found, ctx)


def page() -> str:
    """The whole page."""
    sections = [
        f"## {ctx.command_path}\n\n```text\n{ctx.command.get_help(ctx)}\n```\n"
        for ctx in commands(stylecam)
    ]
    return "\n".join([INTRODUCTION, *sections])


if __name__ == "__main__":
    PAGE.write_text(page())
