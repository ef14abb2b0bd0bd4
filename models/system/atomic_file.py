"""Writes files whole or not at all."""

import os
from pathlib import Path

from models.errors import TrainingError


def write_bytes_atomically(path: Path, data: bytes) -> None:
    """Write a file whole or leave the old one. Raises TrainingError naming the path."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TrainingError(f"{path}: cannot be written: {error.strerror}") from None
