"""How local files are named to FFmpeg."""

from pathlib import Path

FILE_SCHEME = "file:"


def file_address(path: Path) -> str:
    """What FFmpeg opens for a local file, whatever its name holds ("12:30 meeting.mp4")."""
    return f"{FILE_SCHEME}{path}"
