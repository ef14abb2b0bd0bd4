"""The command line: one group, whose commands each half registers by entry point.

Errors of ours become one line and their exit code; no traceback reaches a user.
"""

import logging
import os
import sys
import tempfile
import traceback
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path

import click

from models.errors import StylecamError, UsageError, lookup

ENTRY_POINTS = "stylecam.commands"
ORDER = ("run", "stylize", "styles", "train", "export", "bench", "doctor")
INTERRUPTED = 130


class Commands(click.Group):
    """Finds its commands among the entry points, and loads one only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = set(_found())
        return [n for n in ORDER if n in names] + sorted(names - set(ORDER))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        try:
            command = lookup("command", cmd_name, _found()).load()
        except ImportError as error:
            raise StylecamError(
                f"{cmd_name}: cannot be loaded ({error}); `stylecam doctor` tells what is missing"
            ) from None
        assert isinstance(command, click.Command)
        return command


def _found() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _version() -> str:
    try:
        return version("stylecam")
    except PackageNotFoundError:
        return "not installed"


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="stylecam")
def stylecam() -> None:
    """Turn a webcam into a living painting.

    Example: stylecam run
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its code: 0, 1 (failed), 2 (wrong usage), 130 (^C)."""
    logging.basicConfig(format="stylecam: %(message)s", level=logging.WARNING)
    sys.exit(_run(arguments))


def _run(arguments: list[str] | None) -> int:
    try:
        result = stylecam.main(args=arguments, prog_name="stylecam", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        text, code = _explain(error)
        for line in text.splitlines():
            click.echo(f"stylecam: {line}", err=True)
        return code


def _explain(error: BaseException) -> tuple[str, int]:
    """What the user is told, and the exit code."""
    if isinstance(error, StylecamError):
        return str(error), error.exit_code
    if isinstance(error, click.UsageError):
        hint = f" (see `{error.ctx.command_path} --help`)" if error.ctx else ""
        return f"{error.format_message()}{hint}", UsageError.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), UsageError.exit_code
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted", INTERRUPTED
    return _unexpected(error), 1


def _unexpected(error: BaseException) -> str:
    """Keep the traceback where a report can take it from; one line for the user."""
    handle, name = tempfile.mkstemp(prefix="stylecam-", suffix=".log", text=True)
    os.close(handle)
    Path(name).write_text("".join(traceback.format_exception(error)))
    reason = (str(error).splitlines() or [""])[0]
    return f"unexpected: {type(error).__name__}: {reason}; please report it with {name}"
