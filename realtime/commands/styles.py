"""`stylecam styles`: lists the installed styles, and adds, removes, renames and orders them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from models.card import load_card
from models.catalogue import SHIPPED, lighter_styles, style_paths
from models.errors import ModelError, StylecamError


@dataclass(frozen=True)
class StyleRow:
    """One row. `problem` says why the style cannot be used; it is empty if it can.

    `lighter_of` names the style that this one replaces on slow machines; mostly empty.
    """

    name: str
    title: str
    credit: str
    kilobytes: int
    shipped: bool
    path: str
    problem: str
    lighter_of: str


def style_row(name: str, path: Path, lighter_of: str = "") -> StyleRow:
    title = credit = problem = ""
    try:
        card = load_card(path)
        title, credit = card.title, card.credit
    except StylecamError as error:
        problem = str(error)
    size = round(path.stat().st_size / 1024) if path.is_file() else 0
    shipped = path.parent == SHIPPED
    return StyleRow(name, title, credit, size, shipped, str(path), problem, lighter_of)


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_context
def styles(ctx: click.Context, as_json: bool) -> None:
    """List the styles: the shipped ones and your own. A running stylecam sees changes at once.

    \b
    stylecam styles --json
    stylecam styles add blue-night.onnx
    stylecam styles rename blue-night winter
    stylecam styles order winter mosaic
    stylecam styles remove winter
    """
    if ctx.invoked_subcommand is None:
        list_styles(as_json=as_json)


@styles.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="FILE.onnx")
@click.option("--name", help="Another name than the card says.")
@click.option("--force", is_flag=True, help="Replace one of your own of that name.")
def add(model: Path, name: str | None, force: bool) -> None:
    """Copy a model, its card and its preview to your styles; it is tried first."""
    from models.user_styles import add_style

    _try_to_paint(model)
    click.echo(f"added: {add_style(model, name, force=force)}")


@styles.command()
@click.argument("name")
def remove(name: str) -> None:
    """Delete one of your own styles."""
    from models.user_styles import remove_style

    remove_style(name)
    click.echo(f"removed: {name}")


@styles.command()
@click.argument("old")
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Give one of your own styles another name."""
    from models.user_styles import rename_style

    rename_style(old, new)
    click.echo(f"renamed: {old} is {new} now")


@styles.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def order(names: tuple[str, ...]) -> None:
    """List these styles first, in this order: for the list, the page and the number keys."""
    from models.user_styles import order_styles, ordered_names

    order_styles(list(names))
    click.echo("order: " + " ".join(ordered_names()))


def _try_to_paint(model: Path) -> None:
    """Raise a StylecamError if the model cannot be loaded and paint a small picture."""
    import numpy as np

    from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend

    card, backend = load_card(model), OnnxRuntimeBackend(device="cpu", threads=1)
    try:
        backend.load(card)
        backend.stylize(np.zeros((64, 64, 3), np.uint8))
    except StylecamError:
        raise
    except Exception as error:  # runtimes raise what they like
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{model}: cannot paint ({reason}); nothing was added") from None
    finally:
        backend.close()


def list_styles(*, as_json: bool) -> None:
    """Print the table, or the same as JSON."""
    paths = style_paths()
    lighter_of = lighter_styles(paths)
    rows = [style_row(name, path, lighter_of.get(name, "")) for name, path in paths.items()]
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "title", "after", "size"):
        table.add_column(heading, justify="right" if heading == "size" else "left")
    for row in rows:
        about = Text(row.problem, style="red") if row.problem else Text(row.credit)
        own = "" if row.shipped else " (yours)"
        lighter = f" (for slow machines, in place of {row.lighter_of})" if row.lighter_of else ""
        table.add_row(row.name, Text(row.title + own + lighter), about, f"{row.kilobytes} KB")
    Console().print(table)
