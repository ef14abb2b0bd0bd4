"""What the container AVI does not tell through FFmpeg."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def is_whole(path: Path) -> bool:
    """Whether the chunks of the AVI at `path` follow each other to its end, as they say themselves.

    The number of frames cannot tell: those that repeat the last picture are empty, and FFmpeg
    gives no packets for them. An AVI whose size was never written (its recorder was killed) is not
    whole.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        for kind, begin, end in _chunks(file, 0, size):
            if kind != b"RIFF":
                return begin > 0  # something else was appended
            if end > size or end - begin <= 4:
                return False
            for inner, _, inner_end in _chunks(file, begin + 4, end):
                if not inner.isalnum() or inner_end > end:
                    return False
    return True


def _chunks(file: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, begin and end of the contents of each chunk between `begin` and `end`."""
    while begin + 8 <= end:
        file.seek(begin)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        yield header[:4], begin + 8, begin + 8 + length
        begin += 8 + length + length % 2
