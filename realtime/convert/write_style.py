"""Writes a style as a model file: a copy under a new name, in lower precision if asked for.

A training checkpoint needs torch. The training half registers its exporter as an entry point, so
that this half need not import it.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx
from onnx import helper

from models.card import (
    METADATA_KEY,
    Precision,
    StyleCard,
    check_name,
    load_card,
    write_card,
)
from models.catalogue import find_style
from models.errors import ModelError, StylecamError, UsageError
from models.onnx.fp16 import (
    PictureDifference,
    is_half,
    picture_difference,
    probe_picture,
    run_reference,
    to_half,
)
from models.onnx.graph import read_architecture
from models.onnx.int8_weights import short_metadata
from models.onnx.model_file import read_model
from models.system.output_path import check_writable
from realtime.convert.calibration import calibration, demo_portrait
from realtime.convert.int8_static import checked_int8, checked_int8_weights
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend

EXPORTERS = "stylecam.exporters"


@dataclass(frozen=True)
class ExportResult:
    """What was written. `off` compares the lower precision with full; None in full precision."""

    card: StyleCard
    off: PictureDifference | None

    def __str__(self) -> str:
        size = self.card.path.stat().st_size / 1000
        line = f"wrote {self.card.path} ({size:.0f} kB) and its card"
        return line + (f"; {self.card.precision} against full: {self.off}" if self.off else "")


@dataclass(frozen=True)
class ExportOptions:
    """The style's new name, its precision, and the photographs that int8 is fitted to."""

    name: str
    precision: Precision = "fp32"
    photographs: Path | None = None


def export(
    source: str,
    out: Path,
    *,
    precision: Precision = "fp32",
    photographs: Path | None = None,
    name: str | None = None,
    force: bool = False,
) -> ExportResult:
    """Write the style `source` (name, .onnx, checkpoint or run folder) and its card to `out`.

    Everything is checked in a temporary folder first: on an error nothing is written or replaced.
    `photographs` is a folder of pictures; int8 is fitted to some of them and judged by others.
    Raises UsageError for wrong names and paths, ModelError for a model that is damaged or that
    lower precision changes too much, StylecamError if the files cannot be written.
    """
    name = name or out.stem
    check_destination(out, name, force=force)
    if precision == "int8" and photographs is None:
        raise UsageError("int8 is fitted to photographs: give --calibrate DIR, or --int8 weights")
    try:
        off = _export_checked(source, out, ExportOptions(name, precision, photographs))
    except OSError as error:
        raise StylecamError(f"{out}: cannot be written: {error.strerror}") from None
    return ExportResult(load_card(out), off)


def _export_checked(source: str, out: Path, target: ExportOptions) -> PictureDifference | None:
    """Make the files in a folder beside `out`, try them, then move them into place."""
    with TemporaryDirectory(prefix=".stylecam-export-", dir=out.parent) as folder:
        path = Path(folder) / out.name
        if is_checkpoint(source):
            card = checkpoint_exporter()(Path(source), path, name=target.name)
        else:
            card = find_style(source)
        off = write_model(card, path, target)
        OnnxRuntimeBackend(device="cpu").load(load_card(path))
        for written in (path, path.with_suffix(".yaml"), path.with_suffix(".jpg")):
            if written.exists():
                written.replace(out.parent / written.name)
    return off


def check_destination(out: Path, name: str, *, force: bool) -> None:
    """Raise UsageError for an unsuitable path or name, or if a file would be lost.

    The card and the picture are written beside the model under its name, so existing files of
    those names are protected too. `force` allows replacing them.
    """
    if out.suffix != ".onnx":
        raise UsageError(f"{out}: a model file must be called NAME.onnx")
    check_name(name)
    check_writable(out)
    written = [out, out.with_suffix(".yaml"), out.with_suffix(".jpg")]
    there = next((path for path in written if path.exists()), None)
    if there and not force:
        raise UsageError(f"{there}: exists already; --force replaces it")


def is_checkpoint(source: str) -> bool:
    return source.endswith(".pt") or Path(source).is_dir()


def checkpoint_exporter() -> Callable[..., StyleCard]:
    """The training half's exporter. Raises UsageError that says what to install without it."""
    for entry in entry_points(group=EXPORTERS, name="checkpoint"):
        try:
            exporter: Callable[..., StyleCard] = entry.load()
        except ImportError as error:
            raise UsageError(
                f"exporting a checkpoint needs {error.name}; pip install 'stylecam[train]'"
            ) from None
        return exporter
    raise UsageError("this installation exports no checkpoints; pip install 'stylecam[train]'")


def write_model(card: StyleCard, path: Path, target: ExportOptions) -> PictureDifference | None:
    """Write the graph of `card` to `path` with a new card; return how far precision is off."""
    original = read_model(card.path)
    model, off = original, None
    about = {entry.key: entry.value for entry in original.metadata_props}
    preview, title = card.preview, card.title
    if target.precision != "fp32":
        model, off = at_precision(model, card, target)
        card = card.model_copy(update={"precision": target.precision})
    if target.name != card.name:
        title = target.name.replace("-", " ").title()
    # A graph cannot hold its own checksum; only the card beside it does.
    card = card.model_copy(update={"name": target.name, "title": title, "path": path, "sha256": ""})
    about |= {METADATA_KEY: card.model_dump_json()}
    if card.precision == "int8 weights":
        about = short_metadata(card, read_architecture(original))
    helper.set_model_props(model, about)
    path.write_bytes(model.SerializeToString())
    write_card(card, path)
    if preview.is_file() and preview != path.with_suffix(".jpg"):
        shutil.copyfile(preview, path.with_suffix(".jpg"))
    return off


def at_precision(
    model: onnx.ModelProto, card: StyleCard, target: ExportOptions
) -> tuple[onnx.ModelProto, PictureDifference]:
    """The model in the target's precision, and how far its pictures are off.

    Raises UsageError for a model in lower precision already, ModelError if it is too far off.
    """
    if is_half(model) or card.precision != "fp32":
        precision = "half precision" if is_half(model) else card.precision
        raise UsageError(f"{card.path}: is in {precision} already; export the full one")
    if target.precision == "fp16":
        return checked_half(model, card.path)
    photographs = calibration(target.photographs) if target.photographs else demo_portrait()
    photographs = photographs.prepared(card.preparation)
    checked = checked_int8 if target.precision == "int8" else checked_int8_weights
    return checked(model, card.path, photographs)


def checked_half(model: onnx.ModelProto, path: Path) -> tuple[onnx.ModelProto, PictureDifference]:
    """The model in half precision, and how far its picture is off.

    Both models run operator by operator in their own precision. Raises ModelError if the
    difference is more than rounding.
    """
    picture = probe_picture()
    try:
        half = to_half(model)
        off = picture_difference(run_reference(model, picture), run_reference(half, picture))
    except ModelError as error:
        raise ModelError(f"{path}: half precision does not fit, nothing written: {error}") from None
    if not off.acceptable:
        raise ModelError(f"{path}: half precision is off, nothing written: {off}")
    return half, off
