import sys

import cv2
import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.pictures import read_picture
from training.reporting.contact_sheet import GAP, LABEL_HEIGHT
from training.reporting.preview import PREVIEW_SIDE
from training.reporting.run_plots import plot_losses, plot_previews, plot_run


def write_losses(folder, steps=300):
    lines = ["step,content,style,temporal"]
    lines += [f"{i},{2 / i**0.3},{'nan' if i == 40 else 9 / i**0.5},0" for i in range(1, steps)]
    (folder / "losses.csv").write_text("\n".join(lines))


def write_preview(folder, step, level):
    photo = np.full((PREVIEW_SIDE, 2 * PREVIEW_SIDE, 3), 200, np.uint8)
    painted = np.full_like(photo, level)
    cv2.imwrite(str(folder / f"preview_{step:06d}.png"), np.vstack([photo, painted]))


def test_losses_become_curves(tmp_path):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    write_losses(tmp_path)
    picture = read_picture(plot_losses(tmp_path))
    assert picture.shape == (500, 900, 3)
    blue, orange = (31, 119, 180), (255, 127, 14)
    for colour in (blue, orange):
        assert (picture == colour).all(axis=-1).sum() > 300


def test_without_matplotlib_it_is_said_and_skipped(tmp_path, monkeypatch, caplog):
    write_losses(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert plot_losses(tmp_path) is None
    assert "matplotlib is missing" in caplog.text
    assert not (tmp_path / "losses.png").exists()


def test_previews_stand_in_their_order_with_the_photograph_first(tmp_path):
    for number in range(20):
        write_preview(tmp_path, 100 * (number + 1), 5 * number)
    (tmp_path / "preview_best.png").write_bytes(b"the user's own")
    strip = read_picture(plot_previews(tmp_path))
    assert strip.shape[1] == 9 * (PREVIEW_SIDE + GAP) + GAP
    middle = strip[LABEL_HEIGHT + PREVIEW_SIDE // 2, GAP + PREVIEW_SIDE // 2 :, 0]
    levels = middle[:: PREVIEW_SIDE + GAP].tolist()
    assert levels[:2] == [200, 0]
    assert levels[-1] == 95
    assert levels[1:] == sorted(levels[1:])


def test_a_folder_without_a_run_gets_no_pictures(tmp_path):
    assert plot_losses(tmp_path) is None
    assert plot_previews(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_drawn_is_said_and_the_rest_is_drawn(tmp_path, caplog):
    pytest.importorskip("matplotlib", reason="needs matplotlib")
    write_losses(tmp_path)
    (tmp_path / "preview_000100.png").write_bytes(b"junk")
    plot_run(tmp_path)
    assert "preview_000100.png: not a picture" in caplog.text
    assert (tmp_path / "losses.png").is_file()
