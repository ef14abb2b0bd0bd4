"""`stylecam service`: runs stylecam at every login, restarted when it fails."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from models.errors import StylecamError
from realtime.service import Supervisor


def supervisor() -> Supervisor:
    """That of this system."""
    if sys.platform == "darwin":
        from realtime.service.launchd import Launchd

        return Launchd()
    if sys.platform == "win32":
        from realtime.service.windows_task import WindowsTask

        return WindowsTask()
    from realtime.service.systemd import Systemd

    return Systemd()


@click.group()
def service() -> None:
    """Run stylecam at every login, restarted when it fails.

    Example: stylecam service install --sink web --style the-scream
    """


@service.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def install(options: Sequence[str]) -> None:
    """Install and start it; OPTIONS are those of `stylecam run`.

    Example: stylecam service install --config kiosk.yaml
    """
    check_options(options)
    click.echo(supervisor().install([*program(), "run", *options]))


@service.command()
def status() -> None:
    """Say whether it runs; the exit code is 1 if it does not.

    Example: stylecam service status
    """
    runs, line = supervisor().status()
    click.echo(line)
    sys.exit(0 if runs else 1)


@service.command()
def remove() -> None:
    """Stop it and remove it.

    Example: stylecam service remove
    """
    click.echo(supervisor().remove())


def check_options(options: Sequence[str]) -> None:
    """Raise what `stylecam run` would raise for these options, before anything is installed."""
    from realtime.commands.run import read_config, run

    with run.make_context("run", list(options)) as context:
        given = dict(context.params)
        path = given.pop("config_path")
        if path is not None and not path.is_absolute():
            raise StylecamError(f"--config {path}: give the whole path; a service has no folder")
        read_config(path, given)


def program() -> list[str]:
    """What starts this very stylecam, wherever the service runs."""
    name = "stylecam.exe" if sys.platform == "win32" else "stylecam"
    script = Path(sys.executable).with_name(name)
    if script.is_file():
        return [str(script)]
    return [sys.executable, "-P", "-c", "from realtime.cli import main; main()"]
