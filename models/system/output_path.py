"""Checks before the work starts whether a file can be written where the user wants it."""

from pathlib import Path

from models.errors import UsageError


def check_writable(path: Path) -> None:
    """Raise UsageError with the reason if `path` cannot be created or overwritten.

    An existing file is left unchanged, and no new file is left behind.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; create it first")
    if path.is_fifo():  # opening it would wait for its reader, and closing would end it
        return
    existed = path.exists()
    file = path.resolve()  # a link without a target must stay a link
    try:
        # Permissions alone do not tell: the file system may be read-only or full.
        with file.open("ab"):
            pass
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    if not existed:
        file.unlink()
