"""The command line: one group, whose commands both halves register as entry points.

Our own errors become a message and an exit code; users never see a traceback.
"""

import contextlib
import logging
import math
import os
import sys
import tempfile
import threading
import traceback
from collections import Counter
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path

import click

from models.errors import StylecamError, UsageError, lookup
from models.system.printable import printable

ENTRY_POINTS = "stylecam.commands"
ORDER = ("run", "ctl", "stylize", "styles", "train", "export", "bench", "doctor")
INTERRUPTED = 130


class CommandGroup(click.Group):
    """Finds its commands among the entry points, and loads each only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        names = set(_entry_points())
        return [n for n in ORDER if n in names] + sorted(names - set(ORDER))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        point = lookup("command", cmd_name, _entry_points())
        try:
            command = point.load()
        except (ImportError, AttributeError) as error:
            return UnavailableCommand(cmd_name, str(error))
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None:
            _check_options(command, rest, ctx)
        return name, command, rest


def _check_options(command: click.Command, arguments: list[str], parent: click.Context) -> None:
    """Raise UsageError for what click lets pass: an option of one value that is given twice, of
    which it takes the last, and nan or an infinite number where a range has an open end."""
    ctx = click.Context(command, info_name=command.name, parent=parent)
    try:
        values, _, order = command.make_parser(ctx).parse_args(list(arguments))
    except click.UsageError:
        return  # the command itself reports it, with its own hint
    for param, times in Counter(order).items():
        if times > 1 and isinstance(param, click.Option) and not (param.multiple or param.is_flag):
            raise UsageError(f"{param.opts[0]}: takes one value, but is given {times} times")
        if isinstance(param.type, click.FloatRange) and not _is_finite(values[str(param.name)]):
            raise UsageError(f"{param.opts[0]}: must be a finite number")


def _is_finite(text: str) -> bool:
    """False for nan and infinity; True also for what is no number, which click reports."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return True


class UnavailableCommand(click.Command):
    """Stands in for a command that cannot be loaded, so that the others can still be listed."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            name,
            help=f"Not available: {reason}.",
            params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
            context_settings={"ignore_unknown_options": True},
        )
        self._reason = reason

    def invoke(self, ctx: click.Context) -> None:
        remedy = "`stylecam doctor` shows what is missing"
        raise StylecamError(f"{self.name}: cannot be loaded ({self._reason}); {remedy}")


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _version() -> str:
    try:
        return version("stylecam")
    except PackageNotFoundError:
        return "not installed"


@click.command(
    cls=CommandGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(_version(), prog_name="stylecam")
@click.pass_context
def stylecam(ctx: click.Context) -> None:
    """Turn a webcam into a living painting.

    Example: stylecam run
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # What OpenCV has to say of a damaged file, our own line says; it reads this when it is loaded.
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    code = run_cli(None)
    _exit_despite_hung_threads(code)
    sys.exit(code)


def _exit_despite_hung_threads(code: int) -> None:
    """End the process at once if a thread still hangs in a device.

    A normal exit shuts the interpreter down around that thread, which crashes when it returns.
    """
    if any(thread.daemon for thread in threading.enumerate()):
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def run_cli(arguments: list[str] | None) -> int:
    """Run `arguments` (None: the process's own); return the exit code.

    0 is success, 1 a failure, 2 wrong usage, 130 an interrupt (Ctrl-C).
    """
    logging.basicConfig(format="stylecam: %(message)s", level=logging.WARNING)
    try:
        result = stylecam.main(args=arguments, prog_name="stylecam", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except BrokenPipeError:
        # The reader of our output has gone; Python would complain again when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (Exception, KeyboardInterrupt) as error:
        text, code = _message_and_code(error)
        for line in printable(text).splitlines():
            # An indented line is a command to copy: no prefix.
            with contextlib.suppress(OSError):  # the terminal is gone; the exit code stays
                click.echo(line if line.startswith(" ") else f"stylecam: {line}", err=True)
        return code


def _message_and_code(error: BaseException) -> tuple[str, int]:
    """The message for the user, and the exit code."""
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
    """Write the traceback to a file for a bug report; return one line for the user."""
    handle, name = tempfile.mkstemp(prefix="stylecam-", suffix=".log", text=True)
    os.close(handle)
    Path(name).write_text("".join(traceback.format_exception(error)))
    reason = (str(error).splitlines() or [""])[0]
    return f"unexpected error: {type(error).__name__}: {reason}; please report it and attach {name}"
