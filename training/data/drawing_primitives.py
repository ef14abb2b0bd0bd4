"""What the drawn style pictures share: a sheet with its noise, cells, lines and colours.

Lengths are in points. A picture is 768 points wide whatever its size in pixels, so that a style
keeps its proportions at any size; the sheet it is cut from is a margin larger on every side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(side, side, 3) uint8 RGB."""
Field = NDArray[np.float32]
"""(side, side) float32: one value a pixel."""
Colours = NDArray[np.float32]
"""(..., 3) float32 RGB, 0..255."""
Points = NDArray[np.float32]
"""(N, 2) float32, x and y in points."""
Labels = NDArray[np.int32]
"""(side, side) int32: which cell a pixel belongs to."""

PICTURE = 768
"""Points across a picture."""
MARGIN = 32
"""Points of the sheet cut off on every side: cells and warps go wrong at a border."""
WIDTH = PICTURE + 2 * MARGIN
"""Points across a sheet."""
OVERSAMPLING = 2
"""A sheet is drawn this many times larger and shrunk: smooth edges for every style alike."""
_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Sheet:
    """A square to draw on: its side in pixels and its source of chance."""

    side: int
    random: np.random.Generator

    @property
    def scale(self) -> float:
        """Pixels a point."""
        return self.side / WIDTH

    def grid(self) -> tuple[Field, Field]:
        """Every pixel's x and y, in points."""
        ys, xs = np.mgrid[0 : self.side, 0 : self.side].astype(np.float32) / np.float32(self.scale)
        return xs, ys

    def window(self, x: float, y: float, reach: float) -> tuple[slice, slice]:
        """Rows and columns of the square that reaches so far around (x, y), within the sheet."""
        low = [max(0, int((middle - reach) * self.scale)) for middle in (y, x)]
        high = [max(0, int((middle + reach) * self.scale)) for middle in (y, x)]
        return slice(low[0], high[0]), slice(low[1], high[1])

    def noise(self, size: float) -> Field:
        """Smooth noise of mean 0 and deviation 1 whose blobs measure about `size` points."""
        sigma = size * self.scale
        step = max(1, int(sigma / 4))  # large blobs are as smooth when drawn small and enlarged
        small = -(-self.side // step)
        field = self._white(small)
        field = np.asarray(cv2.GaussianBlur(field, (0, 0), max(sigma / step, 0.3)), np.float32)
        if step > 1:
            enlarged = cv2.resize(field, (self.side, self.side), interpolation=cv2.INTER_CUBIC)
            # the slope of the enlarged field would show the small one's pixels
            field = np.asarray(cv2.blur(enlarged, (2 * step + 1, 2 * step + 1)), np.float32)
        return np.asarray((field - field.mean()) / field.std(), np.float32)

    def _white(self, side: int) -> Field:
        return self.random.standard_normal((side, side), dtype=np.float32)

    def rough_noise(self, size: float, octaves: int = 3) -> Field:
        """Noise with detail at every scale: blobs of `size` points, then halves of halves."""
        return np.asarray(sum(self.noise(size / 2**i) / 2**i for i in range(octaves)), np.float32)

    def streaks(self, across: float, along: tuple[float, float]) -> Field:
        """Noise of mean 0 and deviation 1 drawn out by `along` points in x and in y."""
        spread = [max(0.3, np.hypot(across, length) * self.scale) for length in along]
        field = cv2.GaussianBlur(self._white(self.side), (0, 0), spread[0], sigmaY=spread[1])
        return np.asarray(field / np.std(field), np.float32)

    def blur(self, image: NDArray[np.float32], size: float) -> NDArray[np.float32]:
        """Gaussian blur with a deviation of `size` points."""
        return np.asarray(cv2.GaussianBlur(image, (0, 0), size * self.scale), np.float32)

    def scatter(self, spacing: float, jitter: float = 0.35, margin: float = 0.0) -> Points:
        """Points about `spacing` apart: a hexagonal lattice, each moved by `jitter` spacings."""
        rows = np.arange(-margin, WIDTH + margin, spacing * 0.866, dtype=float)
        columns = np.arange(-margin, WIDTH + margin, spacing, dtype=float)
        xs, ys = np.meshgrid(columns, rows)
        xs[1::2] += spacing / 2
        points = np.stack([xs.ravel(), ys.ravel()], -1)
        points += self.random.normal(0, jitter * spacing / 2, points.shape)
        return np.asarray(points, np.float32)

    def sample(self, field: Field, points: Points) -> NDArray[np.float32]:
        """(N,) values of a field at points; outside the sheet, those of its border."""
        columns, rows = np.clip(points * self.scale, 0, self.side - 1).astype(int).T
        return np.asarray(field[rows, columns], np.float32)

    def cells(self, points: Points) -> Labels:
        """Voronoi cells of the points that lie on the sheet, numbered from 0 without gaps."""
        inside = points[((points >= 0) & (points < WIDTH)).all(-1)]
        columns, rows = (inside * self.scale).astype(int).T
        seeds = np.full((self.side, self.side), 255, np.uint8)
        seeds[rows, columns] = 0
        _, labels = cv2.distanceTransformWithLabels(
            seeds, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
        )
        return np.asarray(labels - 1, np.int32)

    def bend(self, image: NDArray, amount: float, size: float) -> NDArray:
        """The image displaced by about `amount` points, by noise of `size`; labels stay labels."""
        xs, ys = self.grid()
        xs = (xs + amount * self.noise(size)) * np.float32(self.scale)
        ys = (ys + amount * self.noise(size)) * np.float32(self.scale)
        # float32 holds cell numbers exactly; `nearest` keeps them from being mixed
        bent = cv2.remap(
            image.astype(np.float32), xs, ys, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT
        )
        return np.asarray(bent, image.dtype)

    def distance(self, lines: NDArray[np.bool_]) -> Field:
        """Each pixel's distance, in points, from the nearest pixel of the lines."""
        paper = np.where(lines, 0, 255).astype(np.uint8)
        away = cv2.distanceTransform(paper, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        return np.asarray(away / self.scale, np.float32)

    def fill(self, picture: Colours, outline: Points, colour: NDArray) -> None:
        """Fills a convex outline, in place."""
        corners = np.round(outline * self.scale * 2**_SUBPIXEL_BITS).astype(np.int32)
        cv2.fillConvexPoly(picture, corners, colour.tolist(), cv2.LINE_AA, _SUBPIXEL_BITS)


def borders(labels: NDArray) -> NDArray[np.bool_]:
    """(side, side): the pixels whose right or lower neighbour has another label."""
    edge = np.zeros(labels.shape, bool)
    edge[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edge[:-1] |= labels[:-1] != labels[1:]
    return edge


def palette(*colours: str) -> Colours:
    """Hexadecimal RRGGBB to (N, 3)."""
    return np.array([list(bytes.fromhex(colour)) for colour in colours], np.float32)


def ramp(field: Field, low: float, high: float) -> Field:
    """0 up to `low`, 1 from `high` on, smooth between: an edge of chosen softness."""
    share = np.clip((field - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def mix(below: Colours, above: Colours, share: Field) -> Colours:
    """`above` painted over `below` where share is 1."""
    return np.asarray(below + (above - below) * share[..., None], np.float32)


def relief(height: Field) -> Field:
    """Light falling on a surface from the upper left: 0 where it is flat, positive where lit."""
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3)
    return np.asarray(slope_x + slope_y, np.float32)


def dab(centre: Points, angle: float, length: float, width: float) -> Points:
    """(12, 2) outline of one touch of a round brush, drawn out along an angle."""
    around = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    x, y = length / 2 * np.cos(around), width / 2 * np.sin(around)
    turned = [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)]
    return np.asarray(centre + np.stack(turned, -1), np.float32)


def contour_points(inside: NDArray[np.bool_], scale: float, spacing: float) -> Iterator[Points]:
    """Points `spacing` apart along each outline of a mask, but for the sheet's own border."""
    outlines, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for outline in outlines:
        chain = outline[:, 0].astype(np.float32)
        if len(chain) < spacing * scale:
            continue
        chain = cv2.blur(chain, (1, 5)) / np.float32(scale)  # pixel stairs would lengthen it
        steps = np.hypot(*np.diff(chain, axis=0).T)
        place = np.concatenate([[0], np.cumsum(steps)])
        stops = np.arange(0, place[-1], place[-1] / max(1, round(place[-1] / spacing)))
        points = np.stack([np.interp(stops, place, chain[:, i]) for i in (0, 1)], -1)
        edge = spacing / 4
        yield points[((points > edge) & (points < WIDTH - edge)).all(-1)].astype(np.float32)


def drawn(draw: Callable[[Sheet], Colours]) -> Callable[[int, int], Picture]:
    """Makes a style of a function that colours a sheet: `style(side, seed)`, in smooth edges."""

    @wraps(draw)
    def picture(side: int = PICTURE, seed: int = 0) -> Picture:
        margin = OVERSAMPLING * round(side * MARGIN / PICTURE)
        whole = OVERSAMPLING * side + 2 * margin
        colours = draw(Sheet(whole, np.random.default_rng(seed)))[margin:-margin, margin:-margin]
        small = cv2.resize(colours, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(small.clip(0, 255), np.uint8)

    return picture
