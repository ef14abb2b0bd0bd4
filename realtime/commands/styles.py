"""`stylecam styles`: lists the installed styles."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from models.card import load_card
from models.catalogue import SHIPPED, lighter_styles, style_paths
from models.errors import StylecamError


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


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def styles(as_json: bool) -> None:
    """List the styles: the shipped ones and your own.

    Example: stylecam styles --json
    """
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
