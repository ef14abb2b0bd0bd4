"""What the trainings of one process have in common: photographs and loss networks."""

from training.config.recipe import Recipe
from training.data.photographs import SHORT_SIDE, Photographs
from training.loop import train
from training.losses.vgg import LossNetwork
from training.runtime.memory_budget import UNLIMITED, MemoryBudget


class Materials:
    """Makes each of them once, and keeps it for the next training that needs the same.

    Neither is changed by a training: batches are functions of seed and step, weights are frozen.
    """

    def __init__(self) -> None:
        self._photographs: dict[tuple[object, ...], Photographs] = {}
        self._networks: dict[tuple[object, ...], LossNetwork] = {}

    def photographs(self, recipe: Recipe, limit: MemoryBudget = UNLIMITED) -> Photographs:
        """The photographs of the recipe, kept large enough for its crops. Raises what
        `Photographs` raises."""
        short_side = max(SHORT_SIDE, *recipe.image_size)
        faces = recipe.face_weight > 0
        key = (recipe.images, short_side, faces)
        if key not in self._photographs:
            self._photographs[key] = Photographs(
                *recipe.images, short_side=short_side, memory_budget=limit, faces=faces
            )
        return self._photographs[key]

    def network(self, recipe: Recipe, photographs: Photographs) -> LossNetwork:
        """See `prepare_network`. A slim network also depends on what it was made slim by."""
        key: tuple[object, ...] = (recipe.loss_network, recipe.pooling)
        if recipe.slim:
            deepest = max(recipe.content_layers + recipe.style_layers)
            key = (*key, deepest, recipe.seed, id(photographs))
        if key not in self._networks:
            self._networks[key] = train.prepare_network(recipe, photographs)
        return self._networks[key]
