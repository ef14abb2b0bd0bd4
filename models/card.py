"""The style card: metadata of a model file. Needs no torch.

A style is two files side by side: NAME.onnx and its card NAME.yaml. The graph also carries a
card in its metadata, so that a lone .onnx still describes itself.

The graph's contract, format 1: inputs `frame` (H, W, 3) uint8 RGB, H and W at least
MINIMUM_SIDE, and `strength` (1,) float32, default 1; output `painted` (H, W, 3) uint8 RGB.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.errors import ModelError, StylecamError, UsageError
from models.system.atomic_file import write_bytes_atomically
from models.system.printable import printable

if TYPE_CHECKING:
    from models.preparation import Preparation

FORMAT = 1
METADATA_KEY = "stylecam"
ARCHITECTURE_KEY = "architecture"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where there is one: PyYAML's own takes four times as long, and a run reads all cards.
It refuses to nest deeper than 1000 levels (since 0.2.5, which PyYAML's wheels bring)."""
MINIMUM_SIDE = 48
LARGEST_CARD = 200_000
"""Bytes; a real card has a hundredth of that."""


NAME = r"^[a-z0-9][a-z0-9_-]*$"
Precision = Literal["fp32", "fp16", "int8", "int8 weights"]
"""What a graph computes in; "int8 weights" stores its kernels as int8 but computes in fp32."""


class StyleCard(BaseModel):
    """Metadata of a style, read by `load_card` or written by an export.

    `path` is the .onnx file. `stride` is the pitch of the generator's coarsest grid in pixels,
    `alpha` its width multiplier. `metrics` are figures of the quality report, `training` is the
    recipe that made the style. `lighter` names a generator of the same look with a smaller
    alpha, in the same folder, for machines that are too slow for this one. `exposure` says that
    the generator expects pictures of normalised exposure (exposure.py), `grain` how strong a
    texture it expects on them (grain.py).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    name: str = Field(pattern=NAME)
    title: str
    credit: str = ""
    licence: str = "MIT"
    architecture: str
    alpha: float = Field(gt=0, le=1)
    stride: int = Field(ge=1)
    parameters: int = Field(ge=1)
    precision: Precision = "fp32"
    sha256: str = ""
    lighter: str | None = Field(default=None, pattern=NAME)
    exposure: bool = False
    grain: float = Field(default=0.0, ge=0, le=0.25)
    metrics: dict[str, float] = {}
    training: dict[str, Any] = {}
    path: Path = Field(default=Path(), exclude=True)

    @property
    def preparation(self) -> "Preparation":
        # OpenCV would make every `--help` slow.
        from models.preparation import Preparation

        return Preparation(self.exposure, self.grain)

    @field_validator("title", "credit", "licence", mode="before")
    @classmethod
    def _printable(cls, text: object) -> object:
        """A card comes from anybody, and these are shown: none may steer the terminal."""
        return printable(text) if isinstance(text, str) else text

    @property
    def preview(self) -> Path:
        """Path of a small picture of the style; the file may be missing for a user's own style."""
        return self.path.with_suffix(".jpg")


def check_name(name: str) -> None:
    """Raise UsageError if `name` is not a valid style name."""
    if not re.fullmatch(NAME, name):
        raise UsageError(
            f"style name {name!r}: use small letters, digits, - and _ only, or give --name"
        )


def file_sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_card(card: StyleCard, path: Path) -> None:
    """Write the card beside its graph, with the graph's checksum.

    Raises StylecamError if it cannot be written.
    """
    fields = card.model_dump(mode="json") | {"sha256": file_sha256(path)}
    text = yaml.safe_dump(fields, sort_keys=False)
    write_bytes_atomically(path.with_suffix(".yaml"), text.encode(), error=StylecamError)


def load_card(path: Path) -> StyleCard:
    """The card of the graph at `path`.

    Raises UsageError if there is no such file, ModelError if it is not one of ours or is
    damaged.
    """
    if not path.is_file():
        raise UsageError(f"{path}: no such model file; `stylecam styles` lists the shipped ones")
    sidecar = path.with_suffix(".yaml")
    fields = _read_sidecar(sidecar) if sidecar.is_file() else _read_metadata(path)
    try:
        card = StyleCard(**{**fields, "path": path})
    except (ValidationError, TypeError) as error:
        raise ModelError(f"{path}: its style card is not valid: {_first_line(error)}") from None
    if card.format != FORMAT:
        raise ModelError(
            f"{path}: model format {card.format}, this stylecam reads {FORMAT}; export it again"
        )
    if card.sha256 and card.sha256 != file_sha256(path):
        raise ModelError(
            f"{path}: damaged (checksum mismatch with {sidecar.name}); install or export it again"
        )
    return card


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_CARD:
            raise ModelError(f"{path}: not a style card: larger than {LARGEST_CARD // 1000} KB")
        fields = _read_yaml(path.read_text())
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise ModelError(f"{path}: not a readable style card: {_first_line(error)}") from None
    if not isinstance(fields, dict):
        raise ModelError(f"{path}: not a style card; export the model again")
    return fields


def _read_yaml(text: str) -> Any:
    """YAML without aliases: a few lines of them could fill the memory."""
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, _LOADER)):
        raise yaml.YAMLError("it has aliases (*name)")
    return yaml.load(text, _LOADER)


def _read_metadata(path: Path) -> dict[str, Any]:
    import onnx

    try:
        graph = onnx.load(path, load_external_data=False)
    except Exception:  # onnx raises protobuf's own errors, which it does not export
        raise ModelError(f"{path}: not an ONNX file, or damaged") from None
    for entry in graph.metadata_props:
        if entry.key == METADATA_KEY:
            return _fields_of(entry.value, path)
    raise ModelError(f"{path}: an ONNX file, but not one written by `stylecam export`")


def _fields_of(text: str, path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ModelError(f"{path}: its style card is damaged; export the model again")
    return fields


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return str(error).splitlines()[0]
