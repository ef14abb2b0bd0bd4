import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import UsageError
from training.config.classic_recipes import CLASSIC
from training.optimise.presets import LOOKS, painting_preset, preset_names
from training.optimise.settings import PaintSettings


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_is_a_valid_setting_that_is_not_the_default(name):
    assert PaintSettings(**painting_preset(name)) != PaintSettings()


def test_there_are_five_looks_of_our_own_and_they_differ():
    assert len({PaintSettings(**fields).model_dump_json() for fields in LOOKS.values()}) == 5


def test_classic_rows_keep_their_order_of_style_against_content():
    def ratio(name):
        return CLASSIC[name][1] / CLASSIC[name][0]

    names = sorted(CLASSIC, key=ratio)
    weights = [painting_preset(name)["style_weight"] for name in names]
    assert weights == sorted(weights)
    assert painting_preset("femmes")["style_weight"] == 40
    assert painting_preset("starry_night")["style_weight"] == pytest.approx(66.7)
    assert {painting_preset(name)["tv_weight"] for name in names} == {2}


def test_another_name_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'starry_night'"):
        painting_preset("stary_night")
