"""The command line as a whole: how commands are found, how every ending looks."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import click
import pytest

from models.errors import ModelError, StylecamError, UsageError
from realtime import cli


@pytest.fixture
def with_command(monkeypatch: pytest.MonkeyPatch):
    """Adds a command `trial` that does what it is given."""

    def add(action) -> None:
        def trial(number: int) -> None:
            action()

        command = click.Command(
            "trial",
            callback=trial,
            params=[
                click.Option(["--number"], type=int),
                click.Option(["--share"], type=click.FloatRange(0), expose_value=False),
            ],
        )
        module = type(sys)("trial_commands")
        module.trial = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "trial_commands", module)
        point = EntryPoint("trial", "trial_commands:trial", cli.ENTRY_POINTS)
        monkeypatch.setattr(cli, "entry_points", lambda group: [point])

    return add


def raiser(error: BaseException):
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (UsageError("x: wrong"), 2, "stylecam: x: wrong"),
        (ModelError("x: damaged"), 1, "stylecam: x: damaged"),
        (StylecamError("one\ntwo"), 1, "stylecam: one\nstylecam: two"),
        (StylecamError("one; do:\n  sudo this"), 1, "stylecam: one; do:\n  sudo this"),
        (KeyboardInterrupt(), 130, "stylecam: interrupted"),
        (click.UsageError("no"), 2, "stylecam: no (see `stylecam trial --help`)"),
        (click.ClickException("no"), 2, "stylecam: no"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_is_a_line_and_an_exit_code(with_command, capsys, error, code, line):
    with_command(raiser(error))
    assert cli.run_cli(["trial"]) == code
    assert capsys.readouterr().err.strip() == line


def test_what_nobody_expected_is_one_line_and_a_file_with_the_traceback(with_command, capsys):
    with_command(raiser(ZeroDivisionError("one by nothing\nand more")))
    assert cli.run_cli(["trial"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("stylecam: unexpected error: ZeroDivisionError: one by nothing; ")
    kept = Path(line.split()[-1])
    assert "Traceback" in kept.read_text()
    kept.unlink()


def test_a_command_that_ends_well_is_0_and_one_that_exits_keeps_its_code(with_command):
    with_command(lambda: None)
    assert cli.run_cli(["trial"]) == 0
    with_command(raiser(click.exceptions.Exit(130)))
    assert cli.run_cli(["trial"]) == 130


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trail"], "unknown command 'trail'; did you mean 'trial'?"),
        (["trial", "--numbr", "1"], "(see `stylecam trial --help`)"),
        (["trial", "--number", "x"], "Invalid value for '--number'"),
        (["--nope"], "(see `stylecam --help`)"),
    ],
)
def test_wrong_words_are_refused_in_one_line(with_command, capsys, words, message):
    with_command(lambda: None)
    assert cli.run_cli(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_command_that_cannot_be_loaded_leaves_the_others_alone(monkeypatch, capsys):
    good = EntryPoint("styles", "realtime.commands.styles:styles", cli.ENTRY_POINTS)
    broken = EntryPoint("broken", "no_such_module:broken", cli.ENTRY_POINTS)
    monkeypatch.setattr(cli, "entry_points", lambda group: [good, broken])
    assert cli.run_cli(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "List the styles" in shown
    assert "broken  Not available" in shown
    assert cli.run_cli(["broken", "--anything", "x"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "broken: cannot be loaded (No module named 'no_such_module')" in line


def test_every_command_is_there_with_an_example_in_its_help(capsys):
    assert cli.run_cli([]) == 0
    names = [
        line.split()[0]
        for line in capsys.readouterr().out.partition("Commands:")[2].splitlines()
        if line.strip()
    ]
    first = ["run", "ctl", "stylize", "styles", "train", "export", "bench", "doctor"]
    assert names[: len(first)] == first
    for name in names:
        assert cli.run_cli([name, "--help"]) == 0
        text = capsys.readouterr().out
        assert "Not available" not in text, name
        assert f"stylecam {name}" in text.partition("Options:")[0].partition("\n")[2], name


def test_the_version_is_told(capsys):
    assert cli.run_cli(["--version"]) == 0
    assert capsys.readouterr().out.startswith("stylecam, version 0.")


def test_a_reader_that_goes_away_is_no_error():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", "from realtime.cli import main; main()"],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert done.stderr == ""


def test_a_thread_that_hangs_does_not_keep_the_process():
    program = (
        "import sys, threading\n"
        "from realtime import cli\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "sys.argv = ['stylecam', '--version']\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("stylecam, version")


def test_an_option_of_one_value_that_is_given_twice_is_refused(with_command, capsys):
    with_command(lambda: None)
    assert cli.run_cli(["trial", "--number", "1"]) == 0
    assert cli.run_cli(["trial", "--number", "1", "--number", "2"]) == 2
    assert capsys.readouterr().err == (
        "stylecam: --number: takes one value, but is given 2 times\n"
    )


@pytest.mark.parametrize("value", ["nan", "inf", "1e999"])
def test_a_range_takes_finite_numbers_only(with_command, capsys, value):
    with_command(lambda: None)
    assert cli.run_cli(["trial", "--share", "0.5"]) == 0
    assert cli.run_cli(["trial", "--share", value]) == 2
    assert capsys.readouterr().err == "stylecam: --share: must be a finite number\n"
    assert cli.run_cli(["trial", "--share", "much"]) == 2
    assert "'much' is not a valid float" in capsys.readouterr().err
