"""Style pictures drawn by program: free of copyright, of any size, reproducible from a seed.

Each has shapes of 5 to 20 % of its width for the loss network's deep layers and detail of 6 to 14
points for its shallow ones, clear darks and lights, and the same make-up in every quarter.
"""

from collections.abc import Callable
from itertools import cycle

import cv2
import numpy as np
from numpy.typing import NDArray

from training.data.drawing_primitives import (
    WIDTH,
    Colours,
    Field,
    Picture,
    Points,
    Sheet,
    borders,
    contour_points,
    dab,
    drawn,
    mix,
    palette,
    ramp,
    relief,
)


def _triangles(points: Points) -> NDArray[np.float32]:
    """(M, 3, 2) corners of the points' Delaunay triangles."""
    low, high = int(points.min()) - 2, int(points.max() - points.min()) + 4
    mesh = cv2.Subdiv2D((low, low, high, high))
    mesh.insert(points.tolist())
    triangles = np.asarray(mesh.getTriangleList(), np.float32).reshape(-1, 3, 2)
    # the mesh's own far-off corners are no points of ours
    return triangles[(np.abs(triangles - WIDTH / 2) < WIDTH).all((1, 2))]


def _shards(triangle: NDArray, random: np.random.Generator) -> list[NDArray]:
    """A triangle whole, halved from a corner, or cut in three about a point within."""
    a, b, c = np.roll(triangle, random.integers(3), axis=0)
    match random.choice(3, p=[0.35, 0.3, 0.35]):
        case 0:
            return [triangle]
        case 1:
            middle = b + (c - b) * random.uniform(0.3, 0.7)
            return [np.array([a, b, middle]), np.array([a, middle, c])]
        case _:
            middle = random.dirichlet([4, 4, 4]) @ triangle
            return [np.array(pair) for pair in ((a, b, middle), (b, c, middle), (c, a, middle))]


@drawn
def low_poly(sheet: Sheet) -> Colours:
    """Cut crystal: sharp facets in teal, navy, coral, peach and cream, some split into shards."""
    random = sheet.random
    colours = palette("10243f", "14506b", "1f9e9a", "7fd1c4", "fff3dc", "ffc79a", "f2695c")
    hue = sheet.noise(34)
    picture = np.zeros((sheet.side, sheet.side, 3), np.float32)
    edges: list[NDArray] = []
    for triangle in _triangles(sheet.scatter(74, 0.75, margin=80)):
        place = sheet.sample(hue, triangle.mean(0, keepdims=True).astype(np.float32))[0]
        family = int(np.clip(3.5 + 2.1 * place + random.normal(0, 0.8), 0, len(colours) - 1))
        for shard in _shards(triangle, random):
            facing = shard.mean(0) - triangle.mean(0)  # a shard to the upper left catches the light
            tone = random.normal(1, 0.09) - 0.012 * facing.sum()
            sheet.fill(picture, shard, colours[family] * np.clip(tone, 0.6, 1.3))
            edges.append(shard)
    glint = np.zeros((sheet.side, sheet.side), np.float32)
    for shard in edges:
        corners = np.round(shard * sheet.scale).astype(np.int32)
        cv2.polylines(glint, [corners], True, float(random.uniform(0, 0.9)), 2, cv2.LINE_AA)
    gloss = 1 + 0.05 * sheet.noise(16)
    return mix(picture * gloss[..., None], palette("fffaf0")[0], 0.4 * glint)


@drawn
def stained_glass(sheet: Sheet) -> Colours:
    """Jewel-coloured antique glass, lit from behind, between bent lead cames; a few roundels."""
    random = sheet.random
    colours = palette(
        "0a2a8c", "1463d8", "35b6e8", "b80f2e", "ef3b24", "ff9a1f", "ffd75e", "fff2c4", "0f7a4d",
        "5fc06a", "5b1f9e",
    )  # fmt: skip
    panes = sheet.bend(sheet.cells(sheet.scatter(78, 0.8)), 9, 40)
    xs, ys = sheet.grid()
    for x, y in sheet.scatter(330, 0.3):
        radius = random.uniform(25, 38)
        near = sheet.window(x, y, 2 * radius)
        dx, dy = xs[near] - x, ys[near] - y
        away = np.hypot(dx, dy)
        petal = ((np.arctan2(dy, dx) / (2 * np.pi) + 0.5) * 9).astype(np.int32) % 9
        first = panes.max() + 1
        panes[near] = np.where(away < 1.9 * radius, first + 1 + petal, panes[near])
        panes[near] = np.where(away < radius, first, panes[near])
    gap = sheet.distance(borders(panes))
    count = panes.max() + 1
    tone = random.uniform(0.8, 1.12, count).astype(np.float32)
    glass = colours[random.integers(len(colours), size=count)][panes]
    light = 0.66 + 0.5 * ramp(gap, 0, 22) + 0.10 * sheet.noise(18)
    streak = sheet.streaks(2.4, (0, 13))
    hammered = relief(sheet.noise(4.5)) * sheet.scale
    light = light * tone[panes] * (1 + 0.14 * streak + 0.035 * hammered)
    pane = glass * light[..., None] + 90 * ramp(light, 1.0, 1.5)[..., None]
    lead = palette("15141a")[0] + 40 * ramp(-gap, -1.6, -0.2)[..., None]
    window = mix(lead, pane, ramp(gap, 4.2, 5.4))
    return window + np.float32(0.18) * sheet.blur(window, 8)  # bright glass shines over its lead


@drawn
def mosaic(sheet: Sheet) -> Colours:
    """Roman tesserae laid in rows along the figures' outlines, dark grout between."""
    random = sheet.random
    tile = 12.5
    figure = sheet.noise(33)
    levels = np.digitize(figure, [-0.7, 0.1, 0.75])
    away = sheet.distance(borders(levels))
    rows = int(away.max() / tile)
    outlines = [contour_points(away > (k + 0.5) * tile, sheet.scale, tile) for k in range(rows + 1)]
    points = np.concatenate([line for row in outlines for line in row])
    tiles = sheet.cells(points)
    count = tiles.max() + 1
    # a tile's figure and row: the average over its pixels
    size = np.bincount(tiles.ravel(), minlength=count)
    level = np.bincount(tiles.ravel(), levels.ravel(), count) / size
    row = np.bincount(tiles.ravel(), away.ravel(), count) / size / tile
    ground = palette("f1e4c6", "c8502b", "e0a33a", "1f3f9a")
    second = palette("d9c08e", "8f2f1c", "f4cf74", "4f86d6")
    which = np.clip(np.round(level).astype(int), 0, 3)
    colour = np.where((row % 3 > 2)[:, None], second[which], ground[which])
    colour = np.where(((row < 1) & (which % 3 == 0))[:, None], palette("1b1a1e"), colour)
    colour = colour * random.normal(1, 0.11, (count, 1)) + random.normal(0, 7, (count, 3))
    gap = sheet.blur(sheet.distance(borders(tiles)), 0.9)
    light = 1.02 + 0.2 * relief(ramp(gap, 0.5, 4)) * sheet.scale + 0.03 * sheet.noise(1.2)
    stone = colour.astype(np.float32)[tiles] * light[..., None]
    grout = palette("6b5f52")[0] * (1 + 0.1 * sheet.noise(1))[..., None]
    return mix(grout, stone, ramp(gap, 1.1, 1.9))


def _dots(sheet: Sheet, angle: float, pitch: float, tone: Field) -> Field:
    """A halftone screen: coverage 0..1 by round dots whose area grows with the tone, 0..1."""
    xs, ys = sheet.grid()
    u = (xs * np.cos(angle) + ys * np.sin(angle)) / pitch
    v = (ys * np.cos(angle) - xs * np.sin(angle)) / pitch
    away = np.hypot(u - np.round(u), v - np.round(v)) * pitch
    radius = np.sqrt(np.clip(tone, 0, 1)) * pitch * 0.56
    return ramp(radius - away, -0.4, 0.4)


def _bursts(sheet: Sheet, labels: NDArray) -> NDArray:
    """The labels with explosion stars laid over them, each star within a star."""
    labels = labels.copy()
    for centre in sheet.scatter(230, 0.4):
        radius = sheet.random.uniform(46, 66)
        for share in (1.0, 0.62):
            spikes = np.linspace(0, 2 * np.pi, 22, endpoint=False) + sheet.random.uniform(0, 1)
            reach = radius * share * np.where(np.arange(22) % 2, 0.6, 1.0)
            reach = reach * sheet.random.uniform(0.85, 1.2, 22)
            star = centre + reach[:, None] * np.stack([np.cos(spikes), np.sin(spikes)], -1)
            corners = np.round(star * sheet.scale).astype(np.int32)
            cv2.fillPoly(labels, [corners], int(labels.max()) + 1)
    return labels


@drawn
def halftone_comic(sheet: Sheet) -> Colours:
    """Pop art: thick ink contours round flat colours, Ben-Day dots in a third of them."""
    random = sheet.random
    cream, yellow, red, cyan, black = palette("fff4dc", "ffd60a", "e5202b", "00a0dc", "14121a")
    areas = _bursts(sheet, sheet.bend(sheet.cells(sheet.scatter(92, 0.8)), 21, 44))
    fills = ((yellow, yellow), (cream, cream), (cyan, cyan), (red, red), (black, black),
             (cream, cyan), (cream, red), (yellow, red), (cyan, black))  # fmt: skip
    likely = [0.06, 0.3, 0.2, 0.07, 0.09, 0.15, 0.08, 0.02, 0.03]
    choice = random.choice(len(fills), areas.max() + 1, p=likely)
    large = np.bincount(areas.ravel()) > (60 * sheet.scale) ** 2
    choice[large & (choice == 4)] = 0  # a large solid black would be a hole
    grounds, inks = (np.stack([pair[i] for pair in fills]) for i in (0, 1))
    tone = 0.42 + 0.24 * sheet.noise(24)
    steep = choice[areas] % 2 == 1
    screen = np.where(steep, _dots(sheet, 0.26, 10, tone), _dots(sheet, 1.1, 10, tone))
    picture = mix(grounds[choice][areas], inks[choice][areas], screen)
    thickness = np.clip(3.6 + 1.8 * sheet.noise(24), 1.8, 7)
    return mix(black, picture, ramp(sheet.distance(borders(areas)) - thickness, 0, 0.8))


@drawn
def woodcut(sheet: Sheet) -> Colours:
    """A Japanese wave print: heaped crests of carved lines that swell and taper, two tints."""
    random = sheet.random
    ink, paper, blue, red = palette("12131c", "f4e8cf", "1c4a8a", "d8432a")
    xs, ys = sheet.grid()
    xs = xs + 15 * sheet.noise(44)
    ys = ys + 15 * sheet.noise(38)
    wave = np.zeros(xs.shape, np.int32)
    depth = np.zeros(xs.shape, np.float32)
    turned = np.zeros(xs.shape, np.float32)
    centres = sheet.scatter(77, 0.7, margin=120)
    for i, (x, y) in enumerate(centres[np.argsort(centres[:, 1])], start=1):
        near = sheet.window(x, y, 190)
        dx, dy = (xs[near] - x) * 0.85, ys[near] - y
        angle = np.arctan2(dy, dx)
        below = random.uniform(70, 104) - np.hypot(dx, dy)
        covered = below + 1.6 * np.cos(16 * angle) > 0
        wave[near][covered] = i
        depth[near][covered] = below[covered]
        turned[near][covered] = angle[covered]
    line = np.abs((depth / 11 + 0.16 * sheet.noise(22)) % 1 - 0.5) * 2
    lit = 0.54 + 0.27 * np.cos(turned + 2.0) + 0.16 * sheet.noise(24)
    carved = ramp(lit - line, -0.09, 0.09)
    tint = random.choice(3, len(centres) + 1, p=[0.3, 0.38, 0.32])[wave]
    grain = 1 + 0.03 * sheet.streaks(0.8, (18, 0))
    ground = np.stack([paper, blue, red])[tint] * grain[..., None]
    picture = mix(np.broadcast_to(ink, ground.shape), ground, carved)
    # foam runs down the tinted waves
    fingers = np.asarray(9.5 + 3.5 * np.cos(26 * turned) * (tint > 0), np.float32)
    picture = mix(picture, paper, ramp(fingers - depth, -0.4, 0.4))
    return mix(ink, picture, ramp(sheet.distance(borders(wave)), 1.6, 2.6))


@drawn
def watercolour(sheet: Sheet) -> Colours:
    """Broad washes, dry ones with darkened rims, wet ones without edges, white paper between."""
    random = sheet.random
    washes = zip(
        palette("a5dcdc", "f7bcc4", "f3d08a", "35aaa6", "e77f9b", "e8a63c", "5866a8", "2b3a72"),
        (0.15, 0.45, 0.7, 0.8, 0.85, 1.0, 0.9, 1.2),  # the paler a wash, the more it covers
        strict=True,
    )
    tooth = sheet.noise(1.1) + 0.7 * sheet.noise(2.4)
    density = np.zeros((sheet.side, sheet.side, 3), np.float32)
    for (pigment, dry), edge in zip(washes, cycle((22.0, 0.9)), strict=False):
        inside = sheet.distance(sheet.rough_noise(random.uniform(52, 76), 4) < dry)
        rim = 0.5 * np.exp(-inside / 1.6) + 0.3 * np.exp(-inside / 9)
        back_run = sheet.rough_noise(38)
        bloom = np.exp(-np.abs(back_run - 0.8) / 0.06) - 0.9 * ramp(back_run, 0.8, 1.1)
        amount = 0.6 + 0.42 * sheet.noise(34) + rim + 0.4 * bloom + 0.08 * tooth
        amount = np.clip(amount, 0.08, 2) * ramp(inside, 0, edge)  # on wet paper none is seen
        density -= amount[..., None] * np.log((pigment + 4) / 259)
    density = 2.6 * (1 - np.exp(-density / 2.6))  # washes over washes stay transparent
    paper = palette("fdf9f0")[0] * (1 + 0.006 * relief(tooth))[..., None]
    return np.asarray(paper * np.exp(-density), np.float32)


def _arcs(sheet: Sheet, areas: NDArray, pitch: float) -> Field:
    """Pen lines along arcs, a direction to each area: 0 on a line's middle, 1 halfway between."""
    count = areas.max() + 1
    angle = sheet.random.uniform(0, 2 * np.pi, count)
    far = sheet.random.uniform(600, 900, count)  # beyond the sheet: no bull's-eyes
    xs, ys = sheet.grid()
    centre_x = (WIDTH / 2 + far * np.cos(angle)).astype(np.float32)[areas]
    centre_y = (WIDTH / 2 + far * np.sin(angle)).astype(np.float32)[areas]
    away = np.hypot(xs - centre_x, ys - centre_y) + 1.6 * sheet.noise(12)
    return np.asarray(1 - np.abs(away / pitch % 1 - 0.5) * 2, np.float32)


@drawn
def ink_hatching(sheet: Sheet) -> Colours:
    """Pen drawing of heaped stones: hatching, crossed where it darkens, over a sepia wash."""
    areas = sheet.bend(sheet.cells(sheet.scatter(92, 0.8)), 15, 40)
    gap = sheet.distance(borders(areas))
    xs, ys = sheet.grid()
    count = areas.max() + 1
    size = np.bincount(areas.ravel(), minlength=count)
    middle_x = np.bincount(areas.ravel(), xs.ravel(), count) / size
    middle_y = np.bincount(areas.ravel(), ys.ravel(), count) / size
    # each stone is lit from the upper left
    lean = ((xs - middle_x[areas]) * 0.6 + (ys - middle_y[areas]) * 0.8) / 38
    dark = (lean + 0.35 * sheet.noise(22) + sheet.random.normal(0, 0.3, count)[areas]).astype(
        np.float32
    )
    ink = np.zeros(areas.shape, np.float32)
    for threshold in (-1.2, 0.0, 0.8):
        width = np.clip((dark - threshold) * 0.35, 0, 0.42) * (1 + 0.15 * sheet.noise(5))
        ink = np.maximum(ink, ramp(width - _arcs(sheet, areas, 7.5), 0, 0.14))
    outline = np.clip(1.6 + 0.9 * sheet.noise(18), 0.5, 4)
    ink = np.maximum(ink, ramp(outline - gap, -0.4, 0.4))
    tooth = sheet.noise(1.3)
    paper = palette("f6ead0")[0] * (1 + 0.02 * tooth)[..., None]
    shade = dark + 0.4 * sheet.rough_noise(24, 4)
    wash = 0.45 * ramp(shade, 0.1, 0.18) + 0.4 * ramp(shade, 1.1, 1.18)
    paper = mix(paper, palette("b9783a")[0], wash * (0.9 + 0.08 * tooth))
    return mix(paper, palette("1d1a26")[0], ink * np.float32(0.95))


@drawn
def marbling(sheet: Sheet) -> Colours:
    """Ebru paper: fine bands of ink drawn to and fro by a comb, veined with cream."""
    random = sheet.random
    xs, ys = sheet.grid()
    for x, y in sheet.scatter(170, 0.7):  # eddies
        turn = random.choice([-1, 1]) * random.uniform(0.9, 2.0)
        dx, dy = xs - x, ys - y
        angle = (turn * np.exp(-(dx**2 + dy**2) / (2 * 52**2))).astype(np.float32)
        xs = x + dx * np.cos(angle) - dy * np.sin(angle)
        ys = y + dx * np.sin(angle) + dy * np.cos(angle)
    # a comb drags the ink near each tooth along, neighbours to opposite sides
    tooth = 46
    away = np.abs(xs / tooth % 1 - 0.5) * 2
    side = np.where(np.floor(xs / tooth) % 2, 1, -1)
    ys = ys + side * 36 * (np.exp(-away * 3) - np.exp(-3)) + 5 * sheet.noise(26)
    colours = palette("14213d", "f6ecd2", "a51931", "e9b949", "1d3f72", "8fb0c0", "0e1a33")
    # every colour once before any comes again: no quarter has a colour of its own
    order = np.concatenate([random.permutation(len(colours)) for _ in range(60)])
    stops = np.cumsum(random.choice([7.0, 9, 12, 15], len(order))) - 1000
    band = order[np.searchsorted(stops, ys.ravel()).reshape(ys.shape)]
    picture = colours[band] * (1 + 0.03 * sheet.noise(1.5))[..., None]
    return mix(palette("f6ecd2")[0], picture, ramp(sheet.distance(borders(band)), 0.3, 0.9))


@drawn
def neon(sheet: Sheet) -> Colours:
    """Glowing tubes of magenta, cyan and amber before a dark violet brick wall."""
    xs, ys = sheet.grid()
    course = np.floor(ys / 15)
    bond = (xs / 34 + 0.5 * (course % 2)) % 1 * 34
    mortar = np.minimum(np.minimum(bond, 34 - bond), np.minimum(ys % 15, 15 - ys % 15))
    brick = ramp(mortar, 0.6, 2.2) * (1 + 0.1 * sheet.noise(2) + 0.15 * sheet.noise(9))
    nested, crossing = sheet.noise(36), sheet.noise(52)
    light = np.zeros((sheet.side, sheet.side, 3), np.float32)
    tubes = np.zeros_like(light)
    for colour, field, levels in (
        ("ff1fc8", nested, (-1.0, -0.1)), ("12dcff", nested, (0.25, 1.35)),
        ("ffa62b", nested, (0.85,)), ("9a4dff", nested, (-0.55,)), ("12dcff", crossing, (-0.8,)),
        ("ff1fc8", crossing, (0.9,)),
    ):  # fmt: skip
        away = sheet.distance(borders(np.digitize(field, levels)))
        tint = palette(colour)[0]
        light += tint * (0.8 * np.exp(-away / 5) + 0.32 * np.exp(-away / 18))[..., None]
        white = ramp(-away, -1.9, -0.8)[..., None]
        tube = ramp(-away, -3.2, -2.3)[..., None]
        tubes = np.maximum(tubes, tube * (tint + (255 - tint) * 0.85 * white))
    wall = palette("2c1458")[0] * (0.3 + 0.5 * brick)[..., None]
    wall = wall + light * (0.22 + 0.34 * brick)[..., None]
    return np.asarray(np.maximum(wall, tubes), np.float32)


@drawn
def pointillism(sheet: Sheet) -> Colours:
    """Dense touches of the brush: each area's colour broken with its complement."""
    random = sheet.random
    # dark, middle and light of each hue; the complement of hue i is hue i + 3
    hues = palette(
        "16326e", "2f7fd0", "a9d8f2",  # blue
        "1d5a45", "4aa866", "cfe8a0",  # green
        "b07a10", "f2c230", "fff0a8",  # yellow
        "9a3a14", "f0812e", "ffd09a",  # orange
        "8e1f42", "e2557a", "fbc4cf",  # rose
        "3b2168", "8a5fc0", "d8c4ee",  # violet
    ).reshape(6, 3, 3)  # fmt: skip
    hue, tone = sheet.noise(30), sheet.noise(26)
    flow = 1.6 * sheet.noise(60)
    picture = np.broadcast_to(palette("3a3c66")[0], (sheet.side, sheet.side, 3)).copy()
    for spacing in (9.0, 8.5, 8.0):
        places = sheet.scatter(spacing, 0.6, margin=8)
        random.shuffle(places)
        family = np.floor(3 + 1.9 * sheet.sample(hue, places) + random.normal(0, 0.35, len(places)))
        family += 3 * (random.random(len(places)) < 0.2)
        level = np.digitize(sheet.sample(tone, places) + random.normal(0, 0.3, len(places)),
                            [-0.5, 0.65])  # fmt: skip
        colours = hues[family.astype(int) % 6, level] + random.normal(0, 9, (len(places), 3))
        angles = sheet.sample(flow, places) + random.normal(0, 0.25, len(places))
        for place, angle, colour in zip(places, angles, colours, strict=True):
            touch = dab(place, angle, random.uniform(9, 14), random.uniform(6, 8.5))
            sheet.fill(picture, touch, colour)
    return picture


PROCEDURAL_STYLES: dict[str, Callable[[int, int], Picture]] = {
    "low-poly": low_poly,
    "stained-glass": stained_glass,
    "mosaic": mosaic,
    "halftone-comic": halftone_comic,
    "woodcut": woodcut,
    "watercolour": watercolour,
    "ink-hatching": ink_hatching,
    "marbling": marbling,
    "neon": neon,
    "pointillism": pointillism,
}
