import re
from pathlib import Path

import pytest

from models.errors import UsageError
from training.presets import CLASSIC, preset

DOCS = Path(__file__).parents[2] / "docs" / "training.md"


def test_brushwork_has_the_proportions_of_our_defaults():
    from training.recipe import Recipe

    default = Recipe(style="s", images="photos")
    brushwork = preset("brushwork")
    ours = default.style_weight / default.content_weight
    assert brushwork["style_weight"] / brushwork["content_weight"] == pytest.approx(ours, rel=0.05)
    assert brushwork["tv_weight"] == default.tv_weight


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
