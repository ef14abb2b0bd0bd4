"""`stylecam export`."""

from pathlib import Path

import click


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
@click.option("--name", help="The style's name [as the file].")
@click.option("--force", is_flag=True, help="Replace the file if it is there already.")
def export(source: str, out: Path, half: bool, name: str | None, force: bool) -> None:
    """Write a style as an ONNX model file with its card.

    SOURCE is a style's name, a model file, or a training's checkpoint or folder (that needs
    stylecam[train]). Half precision is compared with full precision, and refused when it is off.

    \b
    stylecam export starry-night --half -o starry-half.onnx
    stylecam export runs/my-style -o my-style.onnx
    """
    from realtime import export as exporting

    click.echo(str(exporting.export(source, out, half=half, name=name, force=force)))
