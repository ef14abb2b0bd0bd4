"""`stylecam ctl`: steers a run from another terminal, a script or a desktop shortcut."""

import json
from typing import Any

import click

from models.errors import StylecamError, UsageError
from realtime.control.monitor import Effort
from realtime.control.values import VALUES
from realtime.control.verbs import ACTIONS, VERBS


def _table() -> str:
    """The verbs and the settings, for the help."""
    verbs = ", ".join(a.name for a in ACTIONS if not a.name.startswith("style-"))
    values = "\n".join(f"  {v.name:16} {v.label}: {v.accepts}" for v in VALUES.values())
    return f"Verbs: {verbs}, style-1 to style-9.\n\n\b\nSettings of `set`:\n{values}"


@click.command(
    help=f"""Steer a run that is going on.

\b
stylecam ctl status
stylecam ctl style the-scream
stylecam ctl set strength 70%
stylecam ctl snapshot
stylecam ctl quit

{_table()}"""
)
@click.argument("verb", metavar="VERB")
@click.argument("words", metavar="[VALUE]...", nargs=-1)
@click.option("--run", "process", type=int, help="Process number, where several are running.")
@click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
def ctl(verb: str, words: tuple[str, ...], process: int | None, as_json: bool) -> None:
    from realtime.control.local.client import ask, find_run

    message = message_of(verb, words)
    run = find_run(process)
    try:
        answer = ask(run, message)
    except (OSError, ValueError) as error:
        raise StylecamError(f"the run does not answer ({error})") from None
    path = answer.get("path")
    fields = answer.get("status") or answer["state"]
    if as_json:
        click.echo(json.dumps(fields if path is None else fields | {"path": path}))
    elif "status" in answer:
        for line in status_lines(fields):
            click.echo(line)
    else:
        click.echo(state_line(fields) if path is None else path)


def message_of(verb: str, words: tuple[str, ...]) -> dict[str, object]:
    """The request for words of a command line. Raises UsageError for words that mean nothing."""
    from realtime.control.values import value_from_text

    match (verb, *words):
        case ("status",):
            return {"get": "status"}
        case ("style", name):
            return {"style": name}
        case ("set", name, text):
            return {name: value_from_text(name, text)}
        case ("style", *_):
            raise UsageError("ctl style: name one style, such as `stylecam ctl style the-scream`")
        case ("set", *_):
            raise UsageError(f"ctl set: name a setting ({', '.join(VALUES)}) and its value")
        case (name,) if name in VERBS:
            return {"verb": name}
        case (name, *_) if name in VERBS or name == "status":
            raise UsageError(f"ctl {name} takes no value")
    from models.errors import lookup

    return {"verb": lookup("verb", verb, dict.fromkeys(["status", "style", "set", *VERBS], verb))}


def state_line(state: dict[str, Any]) -> str:
    """The settings in one line."""
    marks = [str(state["style"]), f"{state['strength'] * 100:.0f} %", *state["on"]]
    return "quitting" if state["quit"] else "  ".join(marks)


def effort_line(told: dict[str, Any]) -> str:
    """With how much work the run paints; empty if nothing limits it."""
    effort = Effort(**told)
    if effort.target_fps is None and effort.cpu_budget is None:
        return ""
    words = [effort.words() or "nothing spared"]
    words += [f"for {effort.target_fps:g} frames/s"] if effort.target_fps is not None else []
    if effort.cpu_budget is not None:
        words.append(f"within {effort.cpu_budget:.0%} of the CPU")
        words += [f"{effort.cpu:.0%} used"] if effort.cpu is not None else []
    return ", ".join(words)


def status_lines(status: dict[str, Any]) -> list[str]:
    """What the run says of itself, in lines for people."""
    lost = status["lost_for"]
    source = status["source"] if lost is None else f"{status['source']} (lost for {lost:.0f} s)"
    lines = [
        f"process: {status['process']}",
        f"source: {source}",
        f"style: {state_line(status['state'])}",
        f"frames: {status['frames_out']} painted, {status['fps']:.1f} frames/s, "
        f"{status['dropped']} dropped",
    ]
    lines += [f"effort: {line}"] if (line := effort_line(status["effort"])) else []
    return lines + [f"page: {url}" for url in status["pages"]]
