"""Shipped styles and the test frame."""

import shutil
from pathlib import Path

import pytest

from models.card import StyleCard, load_card, write_card
from models.default_style import DEFAULT_STYLE
from realtime.doctor import styles


@pytest.fixture
def shipped(brush: StyleCard, tmp_path: Path) -> Path:
    """A folder with the default style in it."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    path = folder / f"{DEFAULT_STYLE}.onnx"
    shutil.copy(brush.path, path)
    write_card(load_card(path).model_copy(update={"name": DEFAULT_STYLE}), path)
    return folder


def test_whole_styles_are_counted(shipped: Path):
    (finding,) = styles.check_styles(shipped)
    assert (finding.status, finding.detail) == ("ok", f"1 intact: {DEFAULT_STYLE}")


def test_a_damaged_style_is_named(shipped: Path):
    path = shipped / f"{DEFAULT_STYLE}.onnx"
    path.write_bytes(path.read_bytes() + b"\0")
    (finding,) = styles.check_styles(shipped)
    assert finding.status == "fail"
    assert "checksum" in finding.detail


def test_a_missing_default_style_is_a_failure(tmp_path: Path):
    (finding,) = styles.check_styles(tmp_path)
    assert finding.status == "fail"
    assert DEFAULT_STYLE in finding.detail
    assert list(styles.check_painting(tmp_path)) == []


def test_the_test_frame_is_painted_and_timed(shipped: Path):
    (finding,) = styles.check_painting(shipped)
    assert finding.status == "ok"
    assert "640×480 in" in finding.detail
    assert "ONNX Runtime" in finding.detail


def test_a_style_that_cannot_paint_is_a_failure(shipped: Path):
    path = shipped / f"{DEFAULT_STYLE}.onnx"
    path.write_bytes(b"nothing")
    (finding,) = styles.check_painting(shipped)
    assert finding.status == "fail"
