import re
from pathlib import Path

import pytest

from models.errors import UsageError
from training.config.presets import CLASSIC, preset

DOCS = Path(__file__).parents[3] / "docs" / "training.md"


def test_our_defaults_lie_between_print_and_brushwork():
    from training.config.recipe import Recipe

    default = Recipe(style="s", images="photos")
    print_, brushwork = preset("print"), preset("brushwork")
    assert print_["style_weight"] < default.style_weight < brushwork["style_weight"]
    assert print_["content_weight"] == default.content_weight == brushwork["content_weight"]
    assert print_["tv_weight"] == default.tv_weight == brushwork["tv_weight"]


def test_weights_grow_with_the_classic_ones():
    assert preset("brushwork")["style_weight"] == 6 * preset("geometric")["style_weight"]


def test_an_unknown_preset_is_named_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'geometric'"):
        preset("geometrik")


def test_the_docs_have_every_preset_as_it_is():
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|", DOCS.read_text(), re.M)
    for name in CLASSIC:
        (row,) = (r for r in rows if r[0] == name)
        pairs = [[float(x) for x in cell.split("→")] for cell in row[1:]]
        assert tuple(classic for classic, _ in pairs) == CLASSIC[name]
        assert [ours for _, ours in pairs] == list(preset(name).values())
