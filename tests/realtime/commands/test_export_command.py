"""`stylecam export` as a user calls it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from models.card import StyleCard, load_card
from models.errors import UsageError
from realtime.commands.export import export


def test_it_writes_the_file_and_says_so(brush: StyleCard, tmp_path: Path):
    out = tmp_path / "half.onnx"
    words = [str(brush.path), "--half", "-o", str(out), "--name", "my-style"]
    done = CliRunner().invoke(export, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert done.output.startswith(f"wrote {out} (")
    assert "PSNR" in done.output
    assert load_card(out).name == "my-style"


def test_a_missing_source_is_a_usage_error(tmp_path: Path):
    with pytest.raises(UsageError, match="no such model file"):
        CliRunner().invoke(
            export, ["missing.onnx", "-o", str(tmp_path / "x.onnx")], catch_exceptions=False
        )


def test_the_output_must_be_named(brush: StyleCard):
    done = CliRunner().invoke(export, [str(brush.path)])
    assert done.exit_code == 2
    assert "--output" in done.output


def test_int8_weights_are_asked_for_by_a_word(brush: StyleCard, tmp_path: Path):
    out = tmp_path / "small.onnx"
    words = [str(brush.path), "--int8", "weights", "-o", str(out)]
    done = CliRunner().invoke(export, words, catch_exceptions=False)
    assert done.exit_code == 0
    assert "int8 weights against full" in done.output
    assert load_card(out).precision == "int8 weights"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--half", "--int8", "weights"], "--half and --int8: choose one"),
        (["--calibrate", "."], "--calibrate only goes with --int8"),
        (["--int8"], "give --calibrate DIR"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    brush: StyleCard, tmp_path: Path, words: list[str], message: str
):
    out = tmp_path / "x.onnx"
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(
            export, [str(brush.path), "-o", str(out), *words], catch_exceptions=False
        )
    assert not out.exists()


@pytest.mark.parametrize("suffix", [".onnx", ".yaml", ".jpg"])
def test_what_has_the_name_of_the_model_its_card_or_its_picture_is_not_lost(
    brush: StyleCard, tmp_path: Path, suffix: str
):
    mine = tmp_path / f"my-painting{suffix}"
    mine.write_text("precious")
    words = [str(brush.path), "-o", str(tmp_path / "my-painting.onnx")]
    with pytest.raises(UsageError, match=rf"my-painting\{suffix}: exists already"):
        CliRunner().invoke(export, words, catch_exceptions=False)
    assert mine.read_text() == "precious"
    done = CliRunner().invoke(export, [*words, "--force"], catch_exceptions=False)
    assert done.exit_code == 0
