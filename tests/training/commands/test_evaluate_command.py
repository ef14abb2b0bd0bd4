import json

import pytest
from click.testing import CliRunner

from models.architecture import fast, folded
from models.catalogue import DEFAULT_STYLE, SHIPPED
from models.errors import UsageError
from models.parameters import parameter_count

pytest.importorskip("torch", reason="needs the train extra")

from training.commands.evaluate import evaluate


@pytest.fixture
def invoke(monkeypatch, loss_network, photo_folder):
    monkeypatch.setattr("training.vgg.load_loss_network", lambda *_: loss_network)

    def run(*arguments):
        words = [*map(str, arguments), "--images", str(photo_folder), "--style", "marbling"]
        result = CliRunner().invoke(evaluate, words, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


def test_the_report_stands_beside_the_unstylised_photographs(invoke):
    output = invoke(DEFAULT_STYLE, "--json")
    plain, style = json.loads(output[output.index("[") :])
    assert plain["name"] == "unstylised"
    assert plain["quality"]["content"] == 0
    assert style["name"] == DEFAULT_STYLE
    assert style["quality"]["content"] > 0
    assert style["parameters"] == parameter_count(folded(fast()))
    assert style["kilobytes"] == pytest.approx(
        (SHIPPED / f"{DEFAULT_STYLE}.onnx").stat().st_size / 1024
    )
    assert style["milliseconds"] > 0


def test_people_get_a_table(invoke):
    output = invoke(DEFAULT_STYLE)
    assert "unstylised" in output
    assert f"{parameter_count(folded(fast())):,}" in output


def test_optimisation_stands_beside_a_model_where_asked_for(invoke):
    wish = ("--baseline", "--baseline-count", 1, "--baseline-iterations", 4)
    output = invoke(DEFAULT_STYLE, "--json", *wish)
    plain, style = json.loads(output[output.index("[") :])
    assert "baseline" not in plain
    reached = style["baseline"]
    assert (reached["photographs"], reached["iterations"]) == (1, 4)
    assert reached["ratio"] == pytest.approx(reached["model_style"] / reached["style"])
    table = invoke(DEFAULT_STYLE, *wish)
    assert "4 iterations of optimisation at the same content distance" in table
    assert f"{reached['ratio']:.2f}" in table


def test_an_unknown_style_and_a_clip_that_is_none_are_named(invoke, tmp_path):
    with pytest.raises(UsageError, match="unknown style 'nope'"):
        invoke("nope")
    (tmp_path / "clip.mp4").write_bytes(b"junk")
    with pytest.raises(UsageError, match=r"clip\.mp4: not a video"):
        invoke(DEFAULT_STYLE, "--clip", tmp_path / "clip.mp4")
