"""Where the picture stands still the painting does, too; where it moves nothing old is left."""

from collections.abc import Iterator
from itertools import pairwise

import cv2
import numpy as np
import pytest

from models.pictures import RGB
from models.steadiness.hold import PaintingHold

HEIGHT, WIDTH = 180, 320
FPS = 30
RADIUS = 24


def background(seed: int = 0) -> np.ndarray:
    """A room of soft shapes and hard edges, (HEIGHT, WIDTH, 3) float 0..255."""
    random = np.random.default_rng(seed)
    soft = cv2.GaussianBlur(random.uniform(0, 255, (HEIGHT, WIDTH, 3)), (0, 0), 12)
    room = np.asarray(cv2.normalize(soft, np.empty_like(soft), 60, 170, cv2.NORM_MINMAX))
    room[HEIGHT // 2 :, ::16] = 40
    return room


def with_ball(room: np.ndarray, x: float) -> np.ndarray:
    return np.asarray(cv2.circle(room.copy(), (round(x), HEIGHT // 2), RADIUS, (210, 90, 30), -1))


def seen(picture: np.ndarray, noise: float = 0.0, seed: int = 0) -> RGB:
    """What a camera with that noise (standard deviation in levels) gives."""
    grain = np.random.default_rng(seed).normal(0, noise, picture.shape) if noise else 0.0
    return np.clip(picture + grain, 0, 255).round().astype(np.uint8)


def paint(frame: RGB) -> RGB:
    """A painter that makes much of every small difference: inverted, with edges fourfold."""
    floats = 255 - frame.astype(np.float32)
    return np.clip(4 * floats - 3 * cv2.blur(floats, (5, 5)), 0, 255).astype(np.uint8)


def shown(
    frames: list[RGB], smoothing: float = 1.0, *, hold: PaintingHold | None = None
) -> Iterator[RGB]:
    hold = hold or PaintingHold()
    for index, frame in enumerate(frames):
        yield hold.blend(frame, paint(frame), index / FPS, smoothing)


def off(a: RGB, b: RGB) -> np.ndarray:
    """How far two pictures differ at each pixel, in levels."""
    return np.abs(a.astype(int) - b).mean(axis=2)


def change(pictures: list[RGB]) -> float:
    return float(np.mean([off(a, b).mean() for a, b in pairwise(pictures)]))


def passing_by(noise: float) -> tuple[list[RGB], list[np.ndarray]]:
    """A ball rolls in from the left, waits, and rolls out on the right; and where it is."""
    room = background()
    places = [-40 + 8 * i for i in range(26)] + [160] * 15 + [160 + 8 * i for i in range(26)]
    frames = [seen(with_ball(room, x), noise, i) for i, x in enumerate(places)]
    balls = [with_ball(np.zeros((HEIGHT, WIDTH, 3)), x).any(axis=2) for x in places]
    return frames, balls


@pytest.mark.parametrize("noise", [2, 5, 10])
def test_noise_does_not_make_a_still_painting_flicker(noise):
    frames = [seen(background(), noise, i) for i in range(60)]
    smooth, plain = list(shown(frames)), [paint(frame) for frame in frames]
    assert change(plain[20:]) > 2
    assert change(smooth[20:]) < change(plain[20:]) / 8


def test_less_smoothing_lets_more_through():
    frames = [seen(background(), 4, i) for i in range(40)]
    changes = [change(list(shown(frames, smoothing))[10:]) for smoothing in (0.2, 0.5, 1.0)]
    assert changes[0] > 1.5 * changes[1] > 2 * changes[2]


def while_it_rolls(balls: list[np.ndarray]) -> list[int]:
    return [
        index
        for index in range(1, len(balls))
        if balls[index].sum() > 200 and not (balls[index] == balls[index - 1]).all()
    ]


def test_what_moves_is_painted_where_it_is_at_once():
    frames, balls = passing_by(0)
    pictures = list(shown(frames))
    for index in while_it_rolls(balls):
        assert off(pictures[index], paint(frames[index]))[balls[index]].mean() < 3


def test_what_moves_is_calmer_than_it_is_painted():
    """In noise, it is nearer to the painting without noise than each new painting is."""
    frames, balls = passing_by(4)
    calm = [paint(frame) for frame in passing_by(0)[0]]
    pictures = list(shown(frames))
    near, plain = (
        np.mean([off(picture[i], calm[i])[balls[i]].mean() for i in while_it_rolls(balls)])
        for picture in (pictures, [paint(frame) for frame in frames])
    )
    assert near < 0.8 * plain


def test_strokes_that_dance_on_what_moves_are_calmed():
    """A painter whose strokes are elsewhere in each frame; still it must not smear the ball."""
    frames, balls = passing_by(0)
    random, hold = np.random.default_rng(5), PaintingHold()
    dancing = [
        np.clip(f + random.normal(0, 20, f.shape), 0, 255).round().astype(np.uint8) for f in frames
    ]
    pictures = [
        hold.blend(frame, painted, i / FPS, 0.7)
        for i, (frame, painted) in enumerate(zip(frames, dancing, strict=True))
    ]
    rolling = while_it_rolls(balls)[8:]
    inside = [cv2.erode(ball.astype(np.uint8), np.ones((9, 9))).astype(bool) for ball in balls]
    shimmer = [off(pictures[i], frames[i])[inside[i]].mean() for i in rolling]
    assert np.mean(shimmer) < 0.8 * off(dancing[30], frames[30]).mean()


def test_nothing_is_left_behind_where_something_was():
    frames, balls = passing_by(0)
    was = np.any(balls, axis=0)
    pictures = list(shown(frames))
    for index in range(2, len(frames)):
        behind = np.any(balls[:index], axis=0) & ~balls[index]
        if behind.any():
            assert off(pictures[index], paint(frames[index]))[behind].mean() < 2, index
    empty = seen(background())
    *_, last = shown([*frames, *[empty] * 10])
    assert off(last, paint(empty))[was].max() < 3


def test_the_rest_of_the_room_stands_still_meanwhile():
    frames, balls = passing_by(4)
    far = ~cv2.dilate(np.any(balls, axis=0).astype(np.uint8), np.ones((61, 61))).astype(bool)
    pictures = list(shown(frames))
    smooth = np.mean([off(a, b)[far].mean() for a, b in pairwise(pictures)])
    plain = np.mean([off(paint(a), paint(b))[far].mean() for a, b in pairwise(frames)])
    assert smooth < plain / 8


def test_a_cut_is_taken_over_at_once():
    frames = [seen(background(), 3, i) for i in range(10)]
    after = seen(background(seed=9), 3, 10)
    *_, last = shown([*frames, after])
    assert np.array_equal(last, paint(after))


def test_a_moving_camera_is_not_smoothed():
    wide = np.hstack([background(), background(seed=1)])
    frames = [seen(wide[:, 6 * i : 6 * i + WIDTH], 2, i) for i in range(20)]
    for frame, picture in list(zip(frames, shown(frames), strict=True))[3:]:
        assert off(picture, paint(frame)).mean() < 1


def test_nothing_still_is_older_than_two_seconds():
    """The painter changes its mind, of which the frame shows nothing."""
    frame, hold = seen(background()), PaintingHold()
    hold.blend(frame, np.full_like(frame, 40), 0.0, 1.0)
    pictures = [
        hold.blend(frame, np.full_like(frame, 140), i / FPS, 1.0).mean() for i in range(1, 61)
    ]
    assert pictures[0] < 46
    assert pictures[-1] > 134
    assert (np.diff(pictures) >= 0).all()


def test_how_long_it_remembers_does_not_depend_on_the_frame_rate():
    frame, means = seen(background()), []
    for fps in (10, 60):
        hold = PaintingHold()
        hold.blend(frame, np.full_like(frame, 40), 0.0, 1.0)
        for i in range(1, fps + 1):
            out = hold.blend(frame, np.full_like(frame, 140), i / fps, 1.0)
        means.append(out.mean())
    assert means[0] == pytest.approx(means[1], abs=1)


def test_a_slow_change_of_exposure_is_no_motion():
    room = background()
    frames = [seen(room * (1 - 0.004 * i), 3, i) for i in range(40)]
    smooth, plain = list(shown(frames)), [paint(frame) for frame in frames]
    assert change(smooth) < change(plain) / 4
    assert off(smooth[-1], plain[-1]).mean() < 12, "and yet it is followed"


def test_a_faint_thing_that_moves_slowly_is_not_frozen():
    room = background()
    frames = []
    for i in range(120):
        moved = room.copy()
        cv2.circle(moved, (100 + i // 2, 60), 20, (118, 118, 118), -1)
        frames.append(seen(0.85 * room + 0.15 * moved, 2, i))
    *_, last = shown(frames)
    calm = np.mean([paint(frame).astype(float) for frame in frames[-6:]], axis=0)
    assert np.abs(last - calm)[40:80, 140:180].mean() < 6


def test_sizes_may_change():
    hold = PaintingHold()
    list(shown([seen(background())] * 3, hold=hold))
    small = np.ascontiguousarray(seen(background())[:100, :90])
    assert np.array_equal(hold.blend(small, paint(small), 1.0, 1.0), paint(small))


def test_after_a_reset_the_next_painting_is_shown_as_it_is():
    hold, frame = PaintingHold(), seen(background())
    hold.blend(frame, np.zeros_like(frame), 0.0, 1.0)
    hold.reset()
    white = np.full_like(frame, 255)
    assert np.array_equal(hold.blend(frame, white, 0.1, 1.0), white)


def test_a_shown_painting_is_never_written_again():
    frames = [seen(background(), 5, i) for i in range(3)]
    hold = PaintingHold()
    first, *others = [hold.blend(f, paint(f), i / FPS, 1.0) for i, f in enumerate(frames)]
    kept = [first.copy(), others[0].copy()]
    list(shown(frames, hold=hold))
    assert np.array_equal(first, kept[0])
    assert np.array_equal(others[0], kept[1])


def test_it_says_whether_anything_may_be_old():
    room, hold = background(), PaintingHold()
    list(shown([seen(room, 3, i) for i in range(20)], hold=hold))
    assert hold.settled
    frame = seen(with_ball(room, 100))
    hold.blend(frame, paint(frame), 1.0, 1.0)
    assert not hold.settled
    for i in range(1, 70):
        hold.blend(frame, paint(frame), 1 + i / FPS, 1.0)
    assert hold.settled
