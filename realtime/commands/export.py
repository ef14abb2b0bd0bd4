"""`stylecam export`."""

from pathlib import Path

import click

from models.card import Precision
from models.errors import UsageError


@click.command()
@click.argument("source", metavar="STYLE|FILE.onnx|CHECKPOINT")
@click.option(
    "-o",
    "--output",
    "out",
    required=True,
    type=click.Path(path_type=Path),
    help="The model file to write: NAME.onnx. Its card NAME.yaml comes beside it.",
)
@click.option("--half", is_flag=True, help="Half precision: half the size, faster on a GPU.")
@click.option(
    "--int8",
    is_flag=False,
    flag_value="full",
    type=click.Choice(["full", "weights"]),
    help="Eight bits: everything that convolves (full, fitted to --calibrate), or only as the "
    "weights are stored (a quarter of the size, same speed). [full where none is named]",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Photographs that int8 is fitted to and, others of them, judged by; 32 are good.",
)
@click.option("--name", help="The style's name [as the file].")
@click.option("--force", is_flag=True, help="Replace the file if it is there already.")
def export(
    source: str,
    out: Path,
    half: bool,
    int8: str | None,
    calibrate: Path | None,
    name: str | None,
    force: bool,
) -> None:
    """Write a style as an ONNX model file with its card.

    SOURCE is a style's name, a model file, or a training checkpoint or folder (which needs
    stylecam[train]). Lower precision is compared with full precision, and refused if it is off.

    \b
    stylecam export starry-night --half -o starry-half.onnx
    stylecam export starry-night --int8 --calibrate ~/Pictures -o starry-int8.onnx
    stylecam export runs/my-style --int8 weights -o my-style.onnx
    """
    from realtime.convert import write_style as exporting

    if half and int8:
        raise UsageError("--half and --int8: choose one")
    if calibrate and not int8:
        raise UsageError("--calibrate is for --int8; leave it out, or say --int8")
    if int8:
        precision: Precision = "int8" if int8 == "full" else "int8 weights"
    else:
        precision = "fp16" if half else "fp32"
    exported = exporting.export(
        source, out, precision=precision, photographs=calibrate, name=name, force=force
    )
    click.echo(str(exported))
