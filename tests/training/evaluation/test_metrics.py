import cv2
import numpy as np
import pytest

from models.errors import UsageError
from models.exposure import normalised
from models.preparation import Preparation

pytest.importorskip("torch", reason="needs the train extra")

from training.data.tensors import to_frame, to_square
from training.evaluation import metrics as ev
from training.evaluation.as_shown import as_shown


@pytest.fixture
def pictures(photographs):
    return photographs.training


def test_a_picture_is_at_no_distance_from_itself(loss_network, pictures):
    target = ev.style_target_of(loss_network, [to_frame(pictures[0])])
    quality = ev.evaluate(lambda x: x, pictures[:1], loss_network, target)
    assert quality.style == pytest.approx(0, abs=1e-6)
    assert quality.content == 0
    assert np.isnan(quality.warping_clip)
    assert np.isnan(quality.warping_shown)


def test_other_pictures_are_farther_in_style_and_changed_ones_in_content(loss_network, pictures):
    target = ev.style_target_of(loss_network, [to_square(pictures[0])])
    same = ev.evaluate(lambda x: x, pictures[1:3], loss_network, target)
    inverted = ev.evaluate(lambda x: 255 - x, pictures[1:3], loss_network, target)
    assert same.style > 0.01
    assert inverted.content > 0.05 > same.content


def test_motion_that_is_undone_costs_little_and_flicker_costs(pictures):
    frames = [np.ascontiguousarray(np.roll(pictures[0], 2 * i, axis=1)) for i in range(4)]
    steady = ev.clip_warping_error(lambda x: x, frames)
    turn = iter(range(100))
    flicker = ev.clip_warping_error(
        lambda x: np.clip(x.astype(int) + 12 * (next(turn) % 2), 0, 255).astype(np.uint8), frames
    )
    assert steady < 0.02
    assert flicker > steady + 0.02


def test_a_painter_that_moves_with_its_picture_is_steadier_than_noise(pictures):
    sources = [to_square(p) for p in pictures[:2]]
    steady = ev.synthetic_warping_error(lambda x: x, sources)
    random = np.random.default_rng(0)
    noisy = ev.synthetic_warping_error(
        lambda x: random.integers(0, 256, x.shape, dtype=np.uint8), sources
    )
    assert steady < 0.05 < noisy


def test_a_file_that_is_no_video_is_named(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"junk")
    with pytest.raises(UsageError, match=r"clip\.mp4: not a video"):
        ev.read_clip(path, 3)


def test_a_clip_of_one_picture_is_refused_by_name(tmp_path):
    path = tmp_path / "still.png"
    cv2.imwrite(str(path), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(UsageError, match=r"still\.png: one picture does not move"):
        ev.read_clip(path, 24)


def noisy_clip(picture, brightness=1.0):
    random = np.random.default_rng(0)
    noisy = (picture * brightness + random.normal(0, 4, picture.shape) for _ in range(8))
    return [np.clip(frame, 0, 255).astype(np.uint8) for frame in noisy]


def test_what_the_viewer_sees_is_steadier_than_the_generator_alone(pictures):
    frames = noisy_clip(pictures[0])

    def generator(picture):
        soft = cv2.blur(picture, (3, 3)).astype(int)
        return np.clip(soft + 3 * (picture - soft), 0, 255).astype(np.uint8)

    alone = ev.clip_warping_error(generator, frames)
    assert ev.clip_warping_error(as_shown(generator), frames) < 0.6 * alone


def test_a_generator_that_expects_normalised_exposure_is_shown_with_it(pictures):
    dark = noisy_clip(pictures[0], brightness=0.25)
    painter = as_shown(lambda picture: picture, Preparation(exposure=True))
    assert np.abs(painter(dark[0]).astype(int) - normalised(dark[0])).max() <= 3
