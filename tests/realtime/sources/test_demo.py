import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from realtime.sources import EndOfSource
from realtime.sources.demo import Demo, camera_view
from tests.fakes import assert_close_wakes_a_reader


def frames_of(count, **options):
    source = Demo(paced=False, **options)
    source.open()
    return [source.read() for _ in range(count)]


def test_it_is_640_by_480_at_30_and_has_no_end():
    given_format = Demo(paced=False).open()
    assert (given_format.width, given_format.height, given_format.fps) == (640, 480, 30)
    assert given_format.frame_count is None
    assert not given_format.live
    assert Demo(paced=True).open().live


@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"width": 1280, "height": 720}, (1280, 720)),
        ({"width": 33, "height": 101}, (33, 101)),
        ({"width": 320}, (320, 240)),
        ({"height": 720}, (960, 720)),
    ],
)
def test_it_comes_in_any_size(asked, size):
    source = Demo(paced=False, **asked)
    opened = source.open()
    frame = source.read()
    assert (opened.width, opened.height) == size
    assert frame.rgb.shape == (size[1], size[0], 3)
    assert frame.rgb.dtype == np.uint8


def test_a_frame_is_determined_by_its_index():
    one, other = frames_of(20), frames_of(20)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a.rgb, b.rgb)
    assert [frame.index for frame in one] == list(range(20))
    assert one[15].timestamp == pytest.approx(0.5)


def test_it_moves_a_little_from_frame_to_frame_and_much_in_a_few_seconds():
    frames = [frame.rgb.astype(int) for frame in frames_of(91, width=320, height=240)]
    steps = [np.abs(b - a).mean() for a, b in itertools.pairwise(frames)]
    assert min(steps) > 0.2
    assert max(steps) < 12
    assert np.abs(frames[90] - frames[0]).mean() > 3 * np.median(steps)


@given(
    width=strategies.integers(16, 4000),
    height=strategies.integers(16, 4000),
    seconds=strategies.floats(0, 1e5),
)
@settings(max_examples=300)
def test_the_portrait_fills_the_frame_at_every_moment(width, height, seconds):
    side = 512
    view = camera_view(side, width, height, seconds)
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    seen = corners @ view.T
    assert seen.min() >= -1e-6
    assert seen.max() <= side + 1e-6


def test_the_face_is_in_the_picture():
    """The skin of the portrait's face lies at (225, 130) of 512, whatever the camera does."""
    for seconds in np.arange(0, 120, 0.7):
        inverse = np.vstack([camera_view(512, 1280, 720, seconds), [0, 0, 1]])
        x, y, _ = np.linalg.solve(inverse, [225, 130, 1])
        assert 0 < x < 1280
        assert 0 < y < 720


def test_paced_it_gives_no_frame_before_its_time():
    source = Demo(paced=True, width=64, height=48, fps=100)
    source.open()
    frames = [source.read() for _ in range(6)]
    source.close()
    for frame in frames:
        assert frame.captured - frames[0].captured >= frame.timestamp - 0.002


def test_close_wakes_a_reader_that_waits():
    source = Demo(paced=True, width=64, height=48, fps=0.001)
    source.open()
    source.read()
    assert_close_wakes_a_reader(source)


def test_opened_again_it_goes_on():
    source = Demo(paced=False, width=64, height=48)
    source.open()
    assert [source.read().index for _ in range(2)] == [0, 1]
    source.close()
    with pytest.raises(EndOfSource):
        source.read()
    source.open()
    assert source.read().index == 2
