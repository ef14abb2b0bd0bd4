"""The Python interface, and the examples of docs/python.md as they stand there."""

import re
import subprocess
import sys
import types
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.errors import UsageError
from realtime import Stylizer
from tests.fakes import write_style
from tests.realtime.fakes import red_blue

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)


@pytest.fixture
def swap(tmp_path: Path) -> str:
    return str(write_style(tmp_path / "swap.onnx").path)


def test_a_picture_is_painted_and_stays_as_it_is(swap: str):
    picture = red_blue()
    with Stylizer(swap) as stylizer:
        painted = stylizer(picture)
    assert np.abs(painted.astype(int) - picture[..., ::-1]).max() <= 1
    assert painted.dtype == np.uint8
    assert np.array_equal(picture, red_blue())
    painted[:] = 0  # it belongs to the caller


def test_strength_and_style_can_be_set(swap: str):
    stylizer = Stylizer(swap, strength=0.0)
    picture = red_blue(100, 130)
    assert np.abs(stylizer(picture).astype(int) - picture).max() <= 1
    stylizer.strength = 1
    before = stylizer(picture)
    stylizer.style = "tiny"
    assert stylizer.style == "tiny"
    assert not np.array_equal(stylizer(picture), before)
    with pytest.raises(UsageError, match="did you mean 'mosaic'"):
        stylizer.style = "mosaix"
    with pytest.raises(UsageError, match="strength must be from 0 to 1"):
        stylizer.strength = 2
    assert stylizer.style == "tiny"
    stylizer.close()
    stylizer.close()


def test_colours_can_be_kept(swap: str):
    kept = Stylizer(swap, preserve_colours=True)(red_blue())
    assert kept[30, 10, 0] > kept[30, 10, 2] + 50
    assert kept[30, 70, 2] > kept[30, 70, 0] + 50


@pytest.mark.parametrize(
    "picture",
    [
        None,
        [[1]],
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_anything_but_a_picture_is_refused_in_words(swap: str, picture):
    with pytest.raises(UsageError, match="a frame must be"):
        Stylizer(swap)(picture)


def test_odd_pictures_are_painted_too(swap: str):
    with Stylizer(swap) as stylizer:
        for picture in (red_blue(7, 5), red_blue(101, 333)[:, ::-1], red_blue()[::2]):
            assert stylizer(picture).shape == picture.shape


def test_importing_realtime_loads_nothing():
    program = "import sys, realtime; assert 'cv2' not in sys.modules and 'onnx' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


class Gradio(types.ModuleType):
    """Keeps the function that an Interface is made of: the page itself needs gradio."""

    def Interface(self, paint, **_):  # noqa: N802  the name is Gradio's
        self.paint = paint
        return types.SimpleNamespace(launch=lambda: None)

    def __getattr__(self, name):
        return lambda *_, **__: None


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_the_examples_of_the_docs_run(number: int, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    cv2.imwrite("photo.jpg", picture)
    clip = cv2.VideoWriter("clip.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 25, (128, 96))
    for _ in range(3):
        clip.write(picture)
    clip.release()
    shown = []
    notebook = types.ModuleType("IPython.display")
    notebook.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    gradio = Gradio("gradio")
    monkeypatch.setitem(sys.modules, "gradio", gradio)
    source = EXAMPLES[number]
    exec(compile(source, "docs/python.md", "exec"), {"__name__": "example"})
    if "painted.png" in source:
        assert cv2.imread("painted.png").shape == (96, 128, 3)
    elif "painted.mp4" in source:
        assert cv2.VideoCapture("painted.mp4").get(cv2.CAP_PROP_FRAME_COUNT) == 3
    elif "gradio" in source:
        assert gradio.paint(picture, "tiny", 1.0).shape == picture.shape
    else:
        assert len(shown) == 3
