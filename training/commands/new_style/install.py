"""Exports a finished training as a style, and installs it for the user."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from models.catalogue import user_folder
from models.errors import StylecamError

if TYPE_CHECKING:
    from training.data.tensors import Picture


def export_and_install(
    folder: Path,
    name: str,
    photographs: "list[Picture]",
    style_pictures: "list[Picture]",
    shares: list[float],
    *,
    title: str | None,
    credit: str,
    install: bool,
) -> None:
    """Export the run in `folder` as NAME.onnx with card and preview, judge it on photographs that
    it was not trained on, and, if `install`, install it."""
    from training.evaluation.card_report import JUDGED, judge_new_style
    from training.export import export_checkpoint, write_preview
    from training.losses.vgg_weights import load_loss_network

    out = folder / f"{name}.onnx"
    export_checkpoint(folder, out, name=name, title=title, credit=credit)
    write_preview(out, photographs[0], out.with_suffix(".jpg"))
    network = load_loss_network("vgg16")
    quality = judge_new_style(out, photographs, style_pictures, shares, network)
    click.echo(
        f"judged on {min(len(photographs), JUDGED)} other photographs: likeness "
        f"{quality.likeness:.2f}, content {quality.content:.2f} (0 is best; those of the shipped "
        "styles: docs/styles.md)"
    )
    if install:
        _install(out)
    click.echo(f"{out}: ready; try: stylecam run --style {name if install else out}")


def _install(model: Path) -> None:
    """Copy the three files of a style to the user's folder, the model last: a style exists only
    once its model does."""
    from models.system.atomic_file import write_bytes_atomically

    target = user_folder()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for suffix in (".jpg", ".yaml", ".onnx"):
            file = model.with_suffix(suffix)
            write_bytes_atomically(target / file.name, file.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
        raise StylecamError(f"{target}: cannot be written: {reason}; {model} is ready") from None
