import pytest

pytest.importorskip("torch", reason="needs the train extra")

from training.config.recipe import Recipe
from training.loop.materials import Materials


@pytest.fixture
def recipe(photo_folder):
    def make(**changes):
        return Recipe(**({"style": "marbling", "images": (str(photo_folder),)} | changes))

    return make


def test_photographs_are_read_once_for_crops_of_one_size(recipe):
    materials = Materials()
    first = materials.photographs(recipe())
    assert materials.photographs(recipe(style_weight=3, image_size=(128, 128))) is first
    assert materials.photographs(recipe(image_size=(512, 512))) is not first


def test_a_loss_network_is_made_once_for_what_decides_it(recipe, monkeypatch):
    monkeypatch.setattr("training.loop.train.prepare_network", lambda *_: object())
    materials = Materials()
    photographs = materials.photographs(recipe())
    first = materials.network(recipe(), photographs)
    assert materials.network(recipe(content_weight=3, lr=0.1), photographs) is first
    others = [
        {"pooling": "avg"},
        {"loss_network": "vgg19"},
        {"slim": False},
        {"seed": 3},
        {"content_layers": ("relu4_3",)},
    ]
    for other in others:
        assert materials.network(recipe(**other), photographs) is not first, other
    full = materials.network(recipe(slim=False), photographs)
    assert materials.network(recipe(slim=False, seed=3), photographs) is full
