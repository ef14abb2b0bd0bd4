"""`stylecam blend`: interpolates styles into a new one."""

from pathlib import Path

import click

from models.card import write_card
from models.catalogue import find_style
from models.errors import StylecamError, UsageError


@click.command()
@click.argument("parts", nargs=-1, required=True, metavar="STYLE=SHARE...")
@click.option(
    "-o",
    "--output",
    "out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE.onnx",
    help="Model file to write; its card NAME.yaml is written beside it.",
)
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def blend(parts: tuple[str, ...], out: Path, force: bool) -> None:
    """Interpolate two or more styles into a new one, which is as fast as each of them.

    Only styles trained from the same base can be blended; all shipped `fast` styles can.

    Example: stylecam blend starry-night=0.5 ink-hatching=0.5 -o between.onnx
    """
    from models.blend import blend as blend_styles
    from models.system.atomic_file import write_bytes_atomically
    from realtime.convert.write_style import check_destination

    if len(parts) < 2:
        raise UsageError("blend: give two or more styles as NAME=SHARE")
    name = out.stem.lower()
    check_destination(out, name, force=force)
    names, shares = zip(*(_part(text) for text in parts), strict=True)
    model, card = blend_styles([find_style(n) for n in names], list(shares), name)
    write_bytes_atomically(out, model.SerializeToString(), error=StylecamError)
    write_card(card, out)
    click.echo(f"{out}: {card.credit}; try: stylecam run --style {out}")


def _part(text: str) -> tuple[str, float]:
    name, found, share = text.rpartition("=")
    try:
        if not found:
            raise ValueError
        return name, float(share)
    except ValueError:
        raise UsageError(f"{text!r}: write NAME=SHARE, like starry-night=0.5") from None
