"""`stylecam pace`: the speed-up per optimisation of the training loop on this machine."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from models.errors import UsageError
from training.commands.new_style.recipe import make_recipe, parse_image_size
from training.commands.shared_options import loss_network_option
from training.commands.training_extra import require_training_extra


@click.command()
@click.option("--seconds", type=click.FloatRange(1), default=60, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=8, show_default=True)
@click.option("--image-size", metavar="N|H,W", default="128", show_default=True)
@loss_network_option()
@click.option(
    "--json", "json_path", type=click.Path(path_type=Path), help="Write the results as JSON."
)
def pace(
    seconds: float, batch_size: int, image_size: str, loss_network: str, json_path: Path | None
) -> None:
    """Measure the training speed, and the speed-up over an unoptimised loop.

    The plain loop uses the unpruned loss network in fp32, contiguous memory, and content features
    recomputed at every step. Compare ratios within one run, not images/s between runs.

    \b
    stylecam pace
    """
    require_training_extra("pace")
    from rich.console import Console
    from rich.table import Table

    from training.experiments import throughput as measured

    sizes: dict[str, Any] = {"batch_size": batch_size, "image_size": parse_image_size(image_size)}
    recipe = make_recipe(("",), ("noise",), None, sizes | {"loss_network": loss_network})
    console = Console()
    with console.status("preparing the loss networks") as status:
        paces = measured.measure_throughput(recipe, seconds=seconds, on_turn=status.update)
    table = Table("training loop", "images/s", "ratio")
    for name, result in paces.items():
        table.add_row(name, f"{result.images_per_second:.2f}", f"{result.ratio:.2f}")
    console.print(measured.processor())
    console.print(table)
    if left_out := [name for name in measured.VARIANTS if name not in paces]:
        console.print(f"left out: {', '.join(left_out)}: this CPU would emulate bfloat16")
    if json_path is not None:
        about = recipe.model_dump(include={"batch_size", "image_size", "loss_network"})
        about["processor"] = measured.processor()
        loops = {name: asdict(result) for name, result in paces.items()}
        try:
            json_path.write_text(json.dumps(about | {"loops": loops}, indent=2))
        except OSError as error:
            raise UsageError(f"{json_path}: cannot be written: {error.strerror}") from None
