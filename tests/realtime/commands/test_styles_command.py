import json
import shutil

import pytest
from click.testing import CliRunner

from models.card import write_card
from models.catalogue import SHIPPED, user_folder
from models.default_style import DEFAULT_STYLE
from models.errors import StylecamError, UsageError
from realtime.commands.styles import styles
from tests.fakes import write_style


def rows():
    result = CliRunner().invoke(styles, ["--json"], catch_exceptions=False)
    return {row["name"]: row for row in json.loads(result.output)}


def test_the_default_style_is_shipped_and_comes_first():
    found = rows()
    assert next(iter(found)) == DEFAULT_STYLE
    assert len(found) >= 2
    for row in found.values():
        assert row["shipped"]
        assert not row["problem"]
        assert row["credit"]
        assert 0 < row["kilobytes"] < 1500


@pytest.fixture
def own_folder():
    folder = user_folder()
    folder.mkdir(parents=True)
    return folder


def test_own_styles_are_listed_and_damaged_ones_say_why(own_folder):
    for suffix in (".onnx", ".yaml"):
        shutil.copy(SHIPPED / f"{DEFAULT_STYLE}{suffix}", own_folder / f"mine{suffix}")
    (own_folder / "broken.onnx").write_bytes(b"junk")
    found = rows()
    assert not found["mine"]["shipped"]
    assert not found["mine"]["problem"]
    assert "broken.onnx: not an ONNX file" in found["broken"]["problem"]


def test_a_lighter_generator_is_marked(own_folder):
    big = write_style(own_folder / "big.onnx")
    write_style(own_folder / "big-light.onnx")
    write_card(big.model_copy(update={"lighter": "big-light"}), big.path)
    found = rows()
    assert found["big-light"]["lighter_of"] == "big"
    assert {row["lighter_of"] for name, row in found.items() if "light" not in name} == {""}
    wide = {"COLUMNS": "160"}
    table = CliRunner(env=wide).invoke(styles, [], catch_exceptions=False).output
    assert "in place of big" in table
    assert "in place of starry-night" in table


def test_people_get_a_table():
    result = CliRunner().invoke(styles, [], catch_exceptions=False)
    assert DEFAULT_STYLE in result.output
    assert "KB" in result.output


def test_odd_files_of_ones_own_do_not_hide_the_others(own_folder):
    (own_folder / "gone.onnx").symlink_to(own_folder / "nowhere.onnx")
    card = write_style(own_folder / "mine.onnx")
    write_card(card.model_copy(update={"title": "Mine [/b]", "credit": "[public]"}), card.path)
    assert "no such model file" in rows()["gone"]["problem"]
    table = CliRunner(env={"COLUMNS": "160"}).invoke(styles, [], catch_exceptions=False).output
    assert "Mine [/b]" in table and "[public]" in table


def call(*words: object) -> str:
    """What the command prints; an error is raised."""
    result = CliRunner().invoke(styles, [str(word) for word in words], catch_exceptions=False)
    return result.output


def test_a_model_is_added_renamed_ordered_and_removed(tmp_path):
    model = write_style(tmp_path / "swap.onnx").path
    assert call("add", model) == "added: swap\n"
    assert list(rows())[-1] == "swap"
    with pytest.raises(UsageError, match="--force"):
        call("add", model)
    call("add", model, "--force")
    call("rename", "swap", "blue-night")
    assert "swap" not in rows()
    assert rows()["blue-night"]["title"] == "Blue Night"
    assert not rows()["blue-night"]["problem"]
    call("order", "blue-night", "mosaic")
    assert list(rows())[:3] == ["blue-night", "mosaic", DEFAULT_STYLE]
    call("rename", "blue-night", "dusk")
    assert list(rows())[:2] == ["dusk", "mosaic"]
    call("add", model, "--name", "another")
    assert list(rows())[-1] == "another"
    call("remove", "dusk")
    assert next(iter(rows())) == "mosaic"
    assert not list(user_folder().glob("dusk*"))


def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path):
    before = rows()
    model = write_style(tmp_path / "swap.onnx").path
    junk = tmp_path / "junk.onnx"
    junk.write_bytes(b"junk")
    for words, reason in (
        (("add", junk), "not an ONNX file"),
        (("add", tmp_path / "none.onnx"), "no such model file"),
        (("add", model, "--name", "../evil"), "small letters"),
        (("add", model, "--name", DEFAULT_STYLE), "is shipped"),
        (("add", model, "--name", DEFAULT_STYLE, "--force"), "is shipped"),
        (("remove", DEFAULT_STYLE), "comes with stylecam"),
        (("remove", "mosaix"), "did you mean 'mosaic'"),
        (("rename", DEFAULT_STYLE, "mine"), "comes with stylecam"),
        (("order", "mosaix"), "did you mean 'mosaic'"),
    ):
        with pytest.raises(StylecamError, match=reason):
            call(*words)
    assert rows() == before
