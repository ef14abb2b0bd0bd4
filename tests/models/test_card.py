import onnx
import pytest

from models.card import METADATA_KEY, load_card, write_card
from models.catalogue import find_style, lighter_styles, style_paths
from models.default_style import DEFAULT_STYLE
from models.errors import ModelError, UsageError
from models.generator import architecture as arch
from models.generator.parameters import random_weights
from models.onnx.graph import build_graph
from tests.fakes import write_style


@pytest.fixture
def style(tmp_path, card_of):
    architecture = arch.folded(arch.fast(0.25))
    card = card_of(architecture)
    path = tmp_path / "test.onnx"
    model = build_graph(architecture, random_weights(architecture), card)
    path.write_bytes(model.SerializeToString())
    write_card(card, path)
    return path


def test_a_card_comes_back_as_written(style):
    card = load_card(style)
    assert (card.name, card.architecture, card.alpha, card.stride) == ("test", "fast", 0.25, 4)
    assert card.path == style


def test_no_card_steers_the_terminal(style):
    sidecar = style.with_suffix(".yaml")
    text = sidecar.read_text()
    title = next(line for line in text.splitlines() if line.startswith("title:"))
    sidecar.write_text(text.replace(title, 'title: "a\\e]0;evil\\ab"'))
    assert load_card(style).title == "a ]0;evil b"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &a [x, x, x]\nb: &b [*a, *a, *a]\nc: [*b, *b, *b]\n", "aliases"),
        ("[" * 50_000, "not a readable style card"),
        ("a: " + "x" * 300_000, "larger than"),
    ],
    ids=["aliases", "deep", "large"],
)
def test_a_card_that_would_fill_the_memory_is_refused(style, text, reason):
    style.with_suffix(".yaml").write_text(text)
    with pytest.raises(ModelError, match=reason):
        load_card(style)


def test_a_lone_graph_explains_itself(style):
    expected = load_card(style)
    style.with_suffix(".yaml").unlink()
    assert load_card(style).model_copy(update={"sha256": expected.sha256}) == expected


def test_damaged_weights_are_refused_by_name(style):
    data = bytearray(style.read_bytes())
    data[len(data) // 2] ^= 0xFF
    style.write_bytes(bytes(data))
    with pytest.raises(ModelError, match=r"test\.onnx: damaged"):
        load_card(style)


@pytest.mark.parametrize("content", [b"", b"not an onnx file", b"\x08\x08\x12\x04junk"])
def test_what_is_not_a_graph_is_refused(tmp_path, content):
    path = tmp_path / "other.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"other\.onnx: "):
        load_card(path)


@pytest.mark.parametrize(
    "text", ["- a list", "name: [", "name: test\nalpha: 7\n", "made: 2024-99-99"]
)
def test_a_card_that_is_not_one_is_refused(style, text):
    style.with_suffix(".yaml").write_text(text)
    with pytest.raises(ModelError, match=r"test\.(onnx|yaml): "):
        load_card(style)


def test_a_card_of_another_format_says_so(style):
    sidecar = style.with_suffix(".yaml")
    sidecar.write_text(sidecar.read_text().replace("format: 1", "format: 9"))
    with pytest.raises(ModelError, match="model format 9"):
        load_card(style)


def test_a_style_is_found_by_name_or_path(style, tmp_path):
    assert find_style("test", [tmp_path]) == find_style(str(style))


def test_an_unknown_style_gives_the_nearest_name(style, tmp_path):
    with pytest.raises(UsageError, match=r"unknown style 'tset'; did you mean 'test'"):
        find_style("tset", [tmp_path])


def test_a_missing_model_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"gone\.onnx: no such model file"):
        find_style(str(tmp_path / "gone.onnx"))


def test_the_default_style_comes_first_and_own_styles_win(tmp_path):
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    for folder, names in ((shipped, ["aaa", DEFAULT_STYLE, "zzz"]), (own, ["zzz", "mine"])):
        folder.mkdir()
        for name in names:
            (folder / f"{name}.onnx").touch()
    found = style_paths([shipped, own])
    assert list(found) == [DEFAULT_STYLE, "aaa", "mine", "zzz"]
    assert found["zzz"].parent == own


def test_a_lighter_generator_is_found_by_the_card_that_names_it(tmp_path):
    big = write_style(tmp_path / "big.onnx")
    write_style(tmp_path / "big-light.onnx")
    (tmp_path / "broken.onnx").write_bytes(b"junk")
    paths = style_paths([tmp_path])
    assert lighter_styles(paths) == {}
    write_card(big.model_copy(update={"lighter": "big-light"}), big.path)
    assert lighter_styles(paths) == {"big-light": "big"}
    write_card(big.model_copy(update={"lighter": "elsewhere"}), big.path)
    assert lighter_styles(paths) == {}


@pytest.mark.parametrize("text", ["{not json", "[]", "7"])
def test_a_lone_graph_whose_card_is_damaged_is_refused(style, text):
    style.with_suffix(".yaml").unlink()
    graph = onnx.load(style)
    next(x for x in graph.metadata_props if x.key == METADATA_KEY).value = text
    onnx.save(graph, style)
    with pytest.raises(ModelError, match=r"test\.onnx: its style card is damaged"):
        load_card(style)
