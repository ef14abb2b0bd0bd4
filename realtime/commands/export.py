"""`stylecam export`: writes a style as an ONNX model file."""

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
    help="Model file to write: NAME.onnx. Its card NAME.yaml is written beside it.",
)
@click.option("--half", is_flag=True, help="Half precision (fp16): half the size, faster on a GPU.")
@click.option(
    "--int8",
    is_flag=False,
    flag_value="full",
    type=click.Choice(["full", "weights"]),
    help="Quantize to int8: convolutions too (full, needs --calibrate), or only the stored weights "
    "(a quarter of the size, same speed).  [full]",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Photographs for int8 calibration and validation; 32 are enough.",
)
@click.option("--name", help="Name of the style.  [the file's]")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
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
    stylecam[train]). Reduced precision is compared with fp32, and refused if it differs too much.

    \b
    stylecam export starry-night --half -o starry-half.onnx
    stylecam export starry-night --int8 --calibrate ~/Pictures -o starry-int8.onnx
    stylecam export runs/my-style --int8 weights -o my-style.onnx
    """
    from realtime.convert import write_style as exporting

    if half and int8:
        raise UsageError("--half and --int8: choose one")
    if calibrate and not int8:
        raise UsageError("--calibrate only goes with --int8")
    if int8:
        precision: Precision = "int8" if int8 == "full" else "int8 weights"
    else:
        precision = "fp16" if half else "fp32"
    exported = exporting.export(
        source, out, precision=precision, photographs=calibrate, name=name, force=force
    )
    click.echo(str(exported))
