"""The architecture search: variants of `fast`, and Johnson's network beside them, each trained
alike, evaluated alike and timed in turns.

    python -m training.experiments.architecture_search \\
        --style PICTURE --images DIR --clip VIDEO -o runs/search

writes search.json and pareto.png (docs/generator.md shows ours). Finished
parts are skipped and an interrupted training is resumed; delete the folder to start over.
"""

import json
import logging
import time
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnxruntime as ort
from rich.console import Console

from models.card import StyleCard
from models.generator.architecture import Architecture, folded
from models.generator.network import load_generator
from models.generator.parameters import mac_count, parameter_count, random_weights
from models.onnx.graph import build_graph, frame_graph
from models.onnx.session import cpu_session
from training.config.recipe import Recipe
from training.data.photographs import Photographs
from training.data.style_image import load_style_image
from training.data.tensors import Picture, to_picture, to_tensor
from training.evaluation.metrics import evaluate, read_clip, style_target_of
from training.experiments.throughput import take_turns
from training.loop.checkpoint import load_checkpoint
from training.loop.train import CHECKPOINT, train
from training.losses.vgg_weights import load_loss_network

VARIANTS: dict[str, dict[str, Any]] = {
    "dense, 64 wide, 3 blocks and one at a quarter": {},
    "4 blocks, none at a quarter": {"options": {"blocks": 4, "quarter_blocks": 0}},
    "48 wide, 4 blocks": {"options": {"eighth": 48, "blocks": 4}},
    "head of 24": {"options": {"head_width": 24}},
    "alpha 0.5": {"alpha": 0.5},
    "the former generator": {"model_size": "fast"},
    "johnson at alpha 0.25": {"model_size": "full", "alpha": 0.25},
}
"""Fields of a recipe. What a name does not say is as in the default, the first."""

HEIGHT, WIDTH = 480, 640
JUDGED = 16
CLIP_FRAMES = 24
SECONDS_PER_VARIANT = 4.0
TICKS = (10, 20, 50, 100, 200)


@click.command()
@click.option("--style", required=True)
@click.option("--style-scale", default=1.7, show_default=True)
@click.option("--images", type=click.Path(path_type=Path), required=True)
@click.option("--clip", type=click.Path(path_type=Path), required=True)
@click.option("--num-images", default=3200, show_default=True)
@click.option("--loss-network", default="vgg16", show_default=True)
@click.option("--only", type=click.Choice(list(VARIANTS)), multiple=True, help="Again for more.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
def search(
    style: str,
    style_scale: float,
    images: Path,
    clip: Path,
    num_images: int,
    loss_network: str,
    only: tuple[str, ...],
    output: Path,
) -> None:
    """Train, judge and time the variants."""
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    photographs = Photographs(images)
    picture = load_style_image(style, scale=style_scale).picture
    frames = read_clip(clip, CLIP_FRAMES)
    results: dict[str, dict[str, Any]] = {}
    architectures: dict[str, Architecture] = {}
    for name in only or VARIANTS:
        recipe = variant_recipe(name, style, images, style_scale, num_images, loss_network)
        architectures[name] = recipe.architecture
        results[name] = _trained_and_judged(recipe, picture, photographs, frames, output / name)
        logging.info("%s %s", name, {k: round(v, 4) for k, v in results[name].items()})
    for name, ms in measure_ms(architectures).items():
        results[name]["ms"] = ms
    (output / "search.json").write_text(json.dumps(results, indent=2) + "\n")
    plot(results, output / "pareto.png")
    Console().print_json(data=results)


def variant_recipe(
    name: str, style: str, images: Path, style_scale: float, num_images: int, loss_network: str
) -> Recipe:
    """The same budget and weights for every variant, from scratch."""
    given = {
        "style": style,
        "images": images,
        "style_scale": style_scale,
        "num_images": num_images,
        "loss_network": loss_network,
    }
    return Recipe.model_validate(given | VARIANTS[name])


def _trained_and_judged(
    recipe: Recipe, style: Picture, photographs: Photographs, clip: list[Picture], folder: Path
) -> dict[str, Any]:
    figures = folder / "figures.json"
    if figures.is_file():
        return dict(json.loads(figures.read_text()))
    began = time.monotonic()
    train(recipe, [style], photographs, folder)
    checkpoint = load_checkpoint(folder / CHECKPOINT)
    generator = load_generator(checkpoint.architecture, checkpoint.average)
    network = load_loss_network(recipe.loss_network)
    quality = evaluate(
        lambda photo: to_picture(generator(to_tensor(photo[None]))[0]),
        photographs.held_out[:JUDGED],
        network,
        style_target_of(network, [style]),
        clip,
    )
    smaller = folded(checkpoint.architecture)
    result = quality.as_dict() | {
        "parameters": parameter_count(smaller),
        "megamacs": mac_count(smaller, HEIGHT, WIDTH) / 1e6,
        "minutes": (time.monotonic() - began) / 60,
    }
    figures.write_text(json.dumps(result) + "\n")
    return result


def measure_ms(architectures: dict[str, Architecture]) -> dict[str, float]:
    """Median ms at 640×480 of the graph that runs frame by frame, up to the coarse picture.

    With random weights: what they are changes nothing.
    """
    sessions = {name: _session(folded(x)) for name, x in architectures.items()}
    frame = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    steps = {name: partial(x.run, None, {"frame": frame}) for name, x in sessions.items()}
    times = take_turns(steps, seconds=SECONDS_PER_VARIANT * len(sessions))
    return {name: float(np.median(values)) * 1e3 for name, values in times.items()}


def _session(architecture: Architecture) -> ort.InferenceSession:
    card = StyleCard(
        name=architecture.name,
        title=architecture.name,
        architecture=architecture.name,
        alpha=architecture.alpha,
        stride=architecture.stride,
        parameters=parameter_count(architecture),
    )
    weights = random_weights(architecture)
    model, _ = frame_graph(build_graph(architecture, weights, card, with_strength=False))
    return cpu_session(model)


def plot(results: dict[str, dict[str, Any]], path: Path) -> None:
    """Milliseconds against style distance, content and warping error, a point a variant."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, key in zip(figure.subplots(1, 3), ("style", "content", "warping_clip"), strict=True):
        for number, (name, result) in enumerate(results.items()):
            axes.scatter(result["ms"], result[key], color=f"C{number}", label=name)
        front = pareto_front([(r["ms"], r[key]) for r in results.values()])
        axes.plot(*zip(*front, strict=True), color="0.7", zorder=0)
        axes.set(xlabel="ms at 640×480", ylabel=key.replace("_", " "), xscale="log")
        axes.minorticks_off()
        axes.set_xticks(TICKS, [str(ms) for ms in TICKS])
        axes.grid(alpha=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path)


def pareto_front(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those that no other point beats in both, in order of the first."""
    front: list[tuple[float, float]] = []
    for point in sorted(points):
        if not front or point[1] < front[-1][1]:
            front.append(point)
    return front


if __name__ == "__main__":
    search()
