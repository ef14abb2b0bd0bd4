from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from models.catalogue import SHIPPED  # noqa: E402
from models.generator.network import load_generator  # noqa: E402
from models.pictures import read_picture  # noqa: E402
from models.preparation import AS_IT_IS  # noqa: E402
from training.data.photographs import Photographs  # noqa: E402
from training.loop.checkpoint import load_checkpoint  # noqa: E402
from training.reporting.preview import PREVIEW_SIDE, paint_preview  # noqa: E402

PORTRAIT = Path(__file__).parents[3] / "realtime" / "sources" / "astronaut.jpg"


@pytest.fixture
def style():
    noise = np.random.default_rng(2).normal(0, 90, (192, 192, 3)).astype(np.float32)
    return (130 + cv2.GaussianBlur(noise, (0, 0), 1.5)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def portrait(tmp_path):
    """Held out: a third of the demo's picture."""
    (tmp_path / "photos").mkdir()
    picture = cv2.imread(str(PORTRAIT))
    for number in range(3):
        cv2.imwrite(str(tmp_path / "photos" / f"{number}.png"), picture)
    return Photographs(tmp_path / "photos")


@pytest.fixture
def base():
    checkpoint = load_checkpoint(SHIPPED / "base.pt")
    return load_generator(checkpoint.architecture, checkpoint.average)


class Holed(torch.nn.Module):
    """A generator in whose paintings the brightest share of the source is black."""

    def __init__(self, generator, share):
        super().__init__()
        self.generator, self.share = generator, share

    def forward(self, x):
        light = torch.nn.functional.avg_pool2d(x.mean(1, keepdim=True), 9, 1, padding=4)
        return self.generator(x) * (light < light.quantile(1 - self.share))


def test_one_that_paints_holes_is_found_and_a_healthy_generator_is_not(base, portrait, style):
    assert paint_preview(base, portrait, AS_IT_IS).find_defects([style]).description is None
    checkup = paint_preview(Holed(base, 0.03), portrait, AS_IT_IS).find_defects([style])
    assert "spots on" in checkup.description
    assert "(1 of 1 paintings)" in checkup.description
    assert 0 < checkup.severity < 1


def test_the_sheet_has_the_photographs_above_and_the_paintings_below(tmp_path, base, portrait):
    preview = paint_preview(base, portrait, AS_IT_IS)
    preview = replace(preview, photographs=preview.photographs * 2, paintings=preview.paintings * 2)
    preview.write(tmp_path / "preview.png")
    sheet = read_picture(tmp_path / "preview.png")
    assert sheet.shape == (2 * PREVIEW_SIDE, 2 * PREVIEW_SIDE, 3)
    assert (sheet[:PREVIEW_SIDE, PREVIEW_SIDE:] == preview.photographs[1]).all()
    assert (sheet[PREVIEW_SIDE:, :PREVIEW_SIDE] == preview.paintings[0]).all()
