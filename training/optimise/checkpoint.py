"""The state of a painting that was broken off, beside its picture."""

import hashlib
import io
import json
import pickle
import struct
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from models.system.atomic_file import write_bytes_atomically
from training.optimise.settings import PaintSettings

FORMAT = 2
NOT_READABLE = (
    *(OSError, RuntimeError, EOFError, pickle.UnpicklingError, struct.error),
    *(KeyError, IndexError, TypeError, ValueError, AttributeError),
)
"""What torch raises for files that are missing, damaged or not its own."""


def checkpoint_path(picture: Path) -> Path:
    """painted.png.checkpoint for painted.png."""
    return picture.with_name(picture.name + ".checkpoint")


def digest_of(settings: PaintSettings, pictures: list[Tensor | None], network: str) -> str:
    """Identifies everything that decides how a painting goes on."""
    known = hashlib.sha256(json.dumps([network, settings.model_dump()], sort_keys=True).encode())
    for picture in pictures:
        if picture is None:
            known.update(b"none")
        else:
            known.update(str(tuple(picture.shape)).encode())
            known.update(picture.contiguous().cpu().numpy().tobytes())
    return known.hexdigest()


def write_checkpoint(path: Path, digest: str, state: dict[str, Any]) -> None:
    """Write the state atomically. Raises TrainingError naming the path."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "digest": digest, "state": state}, buffer)
    write_bytes_atomically(path, buffer.getvalue())


def read_checkpoint(path: Path, digest: str, device: torch.device) -> dict[str, Any] | None:
    """The state of the same painting; None without a file, or if it is another one's or damaged."""
    try:
        stored = torch.load(path, map_location=device, weights_only=True)
        same = stored["format"] == FORMAT and stored["digest"] == digest
    except NOT_READABLE:
        return None
    return stored["state"] if same else None
