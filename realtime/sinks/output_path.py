"""Whether a file can be written where the user wants it, found out before the work starts."""

from pathlib import Path

from models.errors import UsageError


def check_writable(path: Path) -> None:
    """Raise UsageError with the reason where `path` cannot be created or overwritten.

    An existing file is left as it is, and none is left behind.
    """
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; give the name of a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; create it first")
    existed = path.exists()
    file = path.resolve()  # a link that leads nowhere yet must stay a link
    try:
        # Permissions alone do not tell: the file system may be read-only or full.
        with file.open("ab"):
            pass
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from None
    if not existed:
        file.unlink()
