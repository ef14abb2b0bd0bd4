"""How local files are named to FFmpeg."""

from pathlib import Path


def file_address(path: Path) -> str:
    """What FFmpeg opens for a local file, whatever its name holds ("12:30 meeting.mp4")."""
    return f"file:{path}"
