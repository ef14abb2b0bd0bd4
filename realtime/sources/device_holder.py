"""Who holds a device open, as far as this user may see it. Linux only."""

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def holder_of(device: Path) -> str | None:
    """In words which other process has `device` open; None if none is known."""
    target = os.path.realpath(device)
    for process in PROC.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with suppress(OSError):  # it has ended, or is another user's
            for handle in (process / "fd").iterdir():
                if os.path.realpath(handle) == target:
                    return f"{_name(process)}, process {process.name}"
    return None


def _name(process: Path) -> str:
    words = (process / "cmdline").read_bytes().split(b"\0")
    if any(Path(word.decode(errors="replace")).name == "stylecam" for word in words[:2]):
        return "another stylecam"
    return (process / "comm").read_text().strip()
