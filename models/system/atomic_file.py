"""Writes files whole or not at all: a temporary file beside the path takes its place at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from models.errors import StylecamError, TrainingError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; what is written there becomes `path` at the end.

    If the block raises, `path` stays as it was and the temporary file is removed. The name
    contains the process, so that two programs may write the same file.
    """
    partial = path.with_name(f".{os.getpid()}.{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def write_bytes_atomically(
    path: Path,
    data: bytes,
    *,
    durable: bool = True,
    error: type[StylecamError] = TrainingError,
) -> None:
    """Write a whole file, or keep the old one. Raises `error`, which names the path.

    `durable` waits until the data has reached the disk, so that not even a power cut loses both.
    """
    try:
        with replacing(path) as partial, partial.open("wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
    except OSError as reason:
        raise error(f"{path}: cannot be written: {reason.strerror}") from None
