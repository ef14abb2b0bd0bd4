"""The parts of a picture that is too large to be measured in one piece.

A part is seen with a margin, so that its features are those of the whole picture; sums over the
parts' own positions are then sums over the picture. All borders between parts lie on multiples
of 16 pixels, the coarsest grid of the features.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

GRID = 16


@dataclass(frozen=True)
class Part:
    """Rows and columns, in pixels, that count (`own`) and that are seen (`seen`)."""

    own: tuple[slice, slice]
    seen: tuple[slice, slice]

    def view(self, picture: Tensor) -> Tensor:
        """What is seen, of (..., H, W)."""
        return picture[..., self.seen[0], self.seen[1]]

    def own_of(self, features: Tensor, stride: int) -> Tensor:
        """Of features (..., h, w) of what is seen, those at the part's own positions."""
        rows, columns = (
            slice((own.start - seen.start) // stride, -((seen.start - own.stop) // stride))
            for own, seen in zip(self.own, self.seen, strict=True)
        )
        return features[..., rows, columns]

    def with_neighbours(self, view: Tensor) -> tuple[Tensor, int, int]:
        """Of what is seen, the part's own pixels and one more row and column, where there is one.

        Also returns how many rows and columns are its own."""
        top, left = (o.start - s.start for o, s in zip(self.own, self.seen, strict=True))
        rows, columns = (own.stop - own.start for own in self.own)
        return view[..., top : top + rows + 1, left : left + columns + 1], rows, columns


def parts_of(shape: tuple[int, ...], tile: int | None, margin: int) -> list[Part]:
    """The parts of a picture of `shape` (H, W), each at most `tile` pixels wide and high as seen.

    `tile` None: one part, the whole.
    """
    height, width = shape
    return [
        Part((rows, columns), (seen_rows, seen_columns))
        for rows, seen_rows in _spans(height, tile, margin)
        for columns, seen_columns in _spans(width, tile, margin)
    ]


def _spans(length: int, tile: int | None, margin: int) -> Iterator[tuple[slice, slice]]:
    """The own and the seen span of each part along one side."""
    if tile is None or length <= tile:
        yield slice(0, length), slice(0, length)
        return
    margin = -(-margin // GRID) * GRID
    step = max(GRID, (tile - 2 * margin) // GRID * GRID)
    starts = list(range(0, length, step))
    if len(starts) > 1 and length - starts[-1] < GRID:
        starts.pop()  # a sliver would have no position of its own in the deepest block
    for start, stop in zip(starts, [*starts[1:], length], strict=True):
        yield slice(start, stop), slice(max(0, start - margin), min(length, stop + margin))
