"""From the coarse picture to the finished one, beside what the whole graph paints."""

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.catalogue import SHIPPED, find_style, style_paths
from models.generator.architecture import fast, folded
from models.generator.parameters import random_weights
from models.onnx.graph import WHOLE, CoarseCoding
from realtime.frames.size import Size
from realtime.inference.backends.onnx_runtime import OnnxRuntimeBackend
from realtime.inference.upsample import Upsampler, enlarged_crisply
from realtime.sources.demo import Demo

INSIDE = np.s_[2:-2, 2:-2]
"""Where the enlargement knows all four neighbours: beyond the edge it repeats the last."""
HALF_DETAIL = CoarseCoding(step=1.5, zero=85, detail=0.5, pitch=2)


def demo_picture(width: int, height: int) -> np.ndarray:
    demo = Demo(width=width, height=height, fps=30, paced=False)
    demo.open()
    return demo.read().rgb


def whole_graph(path, picture, strength):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options)
    scale = np.array([strength], np.float32)
    return session.run(None, {"frame": picture, "strength": scale})[0].astype(int)


@pytest.mark.parametrize("detail", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("strength", [1.0, 0.4])
def test_both_ways_paint_the_same_picture(make_style, picture, detail, residual, strength):
    architecture = folded(fast(0.25, detail=detail, residual=residual))
    weights = random_weights(architecture, seed=1)
    last = [name for name in weights if name.endswith("conv.weight")][-1]
    bias = last.replace("weight", "bias")
    lift = 0.0 if residual else (1 - detail) / 2  # else half of it is darker than black
    small = {last: weights[last] * 0.02, bias: weights[bias] + lift}
    card = make_style(architecture, weights | small)
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    backend.load(card)
    even = picture[:120, :172]
    painted = backend.stylize(even, strength).astype(int)
    expected = whole_graph(card.path, even, strength)
    assert detail == 1 or np.abs(painted - even).mean() > 2, "nothing was painted"
    assert np.percentile(np.abs(painted - expected)[INSIDE], 90) <= 3


@pytest.mark.parametrize("name", sorted(style_paths([SHIPPED])))
def test_a_shipped_style_loses_nothing_by_the_bytes(name):
    card = find_style(name, [SHIPPED])
    if onnx.load(card.path).graph.output[0].name != "painted":
        pytest.fail("not a generator of ours")
    picture = demo_picture(320, 240)
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    backend.load(card)
    off = np.abs(backend.stylize(picture).astype(int) - whole_graph(card.path, picture, 1.0))
    assert off.mean() < 1
    # The few that saturate do so before they are enlarged, not after.
    assert np.percentile(off[INSIDE], 99) <= 4


@pytest.mark.parametrize("coding", [HALF_DETAIL, WHOLE])
@given(frame=arrays(np.uint8, (6, 8, 3)), coarse=arrays(np.uint8, (3, 4, 3)))
def test_strength_zero_gives_the_frame(coding, frame, coarse):
    assert np.array_equal(Upsampler(coding).compose(frame, coarse, 0.0), frame)


@given(level=st.integers(0, 255), byte=st.integers(0, 255), strength=st.floats(0, 1))
def test_a_flat_picture_is_the_weighted_sum(level, byte, strength):
    frame = np.full((6, 8, 3), level, np.uint8)
    coarse = np.full((3, 4, 3), byte, np.uint8)
    painted = Upsampler(HALF_DETAIL).compose(frame, coarse, strength)
    whole = 0.5 * level + 1.5 * (byte - 85)
    expected = np.clip(level + strength * (whole - level), 0, 255)
    assert np.abs(painted - expected).max() <= 0.51


def test_a_finished_picture_is_never_written_again():
    enlarger = Upsampler(HALF_DETAIL)
    frame = np.full((6, 8, 3), 90, np.uint8)
    first = enlarger.compose(frame, np.full((3, 4, 3), 100, np.uint8), 1.0)
    kept = first.copy()
    enlarger.compose(frame, np.full((3, 4, 3), 200, np.uint8), 1.0)
    assert np.array_equal(first, kept)


def test_edges_of_the_frame_stay_sharp_however_small_the_generator_saw_it(make_style):
    architecture = folded(fast(0.25, detail=0.5, residual=True))
    weights = {k: v * 0 for k, v in random_weights(architecture).items()}
    backend = OnnxRuntimeBackend(device="cpu", threads=1)
    backend.load(make_style(architecture, weights))
    frame = np.zeros((240, 320, 3), np.uint8)
    frame[:, 160:] = 200
    painted = backend.stylize(frame, at=Size(80, 60)).astype(int)
    step = painted[120, 160] - painted[120, 159]
    assert (step >= 95).all()
    assert (np.abs(painted[120, [20, 300]] - frame[120, [20, 300]]) <= 2).all()


def strokes(height: int = 240, width: int = 320) -> np.ndarray:
    """A picture with structures of a few pixels, as brush strokes are."""
    noise = np.random.default_rng(0).uniform(0, 255, (height, width, 3)).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.asarray(cv2.normalize(soft, np.empty_like(soft), 20, 235, cv2.NORM_MINMAX), np.uint8)


def gradients(rgb: np.ndarray) -> float:
    return float(np.abs(np.diff(rgb.astype(int), axis=1)).mean())


def test_a_finished_picture_is_enlarged_crisply():
    large = strokes()
    small = cv2.resize(large, (160, 120), interpolation=cv2.INTER_AREA)
    crisp = Upsampler(WHOLE).compose(np.zeros_like(large), small, 1.0)
    soft = cv2.resize(small, (320, 240), interpolation=cv2.INTER_LINEAR)
    assert cv2.PSNR(crisp, large) > cv2.PSNR(soft, large) + 3
    assert 0.93 < gradients(crisp) / gradients(large) < 1.06
    assert gradients(soft) / gradients(large) < 0.9


def test_crisp_edges_have_hardly_a_rim_and_flat_colours_stay():
    small = np.full((60, 80, 3), 60, np.uint8)
    small[:, 40:] = 180
    large = enlarged_crisply(small, 160, 120)
    assert 60 - 22 <= large.min() <= large.max() <= 180 + 22
    assert (large[:, :70] == 60).all()
    assert (large[:, 90:] == 180).all()


def test_a_finished_picture_of_the_frames_size_is_left_as_it_is():
    painted = strokes()
    assert np.shares_memory(Upsampler(WHOLE).compose(np.zeros_like(painted), painted, 1.0), painted)


def test_strength_blends_a_finished_picture_that_was_painted_smaller():
    frame = np.full((240, 320, 3), 200, np.uint8)
    painted = Upsampler(WHOLE).compose(frame, np.full((120, 160, 3), 100, np.uint8), 0.25)
    assert (painted == 175).all()
