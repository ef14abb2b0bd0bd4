"""One painting from start to end: memory planned, time estimated, broken off and resumed."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import TrainingError, UsageError
from models.system.stop_signals import stopping
from training.commands.painting.inputs import Inputs

if TYPE_CHECKING:
    from training.data.tensors import Levels
    from training.optimise.memory import Plan
    from training.optimise.objective.features import PaintFeatures
    from training.optimise.paint import Painting, PaintProgress
    from training.optimise.settings import PaintSettings


SMALLEST_SIZE = 64
"""Of --size."""
MEASURED_SIDE = 192
"""Of the small painting that the time is estimated from: a pixel of 128x128 takes a quarter less
time than one of 512x512, which fits no cache."""
MEASURED_ITERATIONS = 4
TWICE_FORWARD = 4 / 3
"""Time of a part that is measured forward for the sums, then forward and back for the gradient; by
that of one that goes forward and back once. Going back takes about twice as long as forward."""


@dataclass(frozen=True)
class Job:
    """What is painted with what. `network` is the loss network's name."""

    inputs: Inputs
    settings: "PaintSettings"
    features: "PaintFeatures"
    network: str
    plan: "Plan"

    def painting(self) -> "Painting":
        """The painting, not begun."""
        return make_painting(self.inputs, self.settings, self.features, tile=self.plan.tile)

    def digest(self) -> str:
        """Identifies a painting that a checkpoint can go on with."""
        from training.optimise.checkpoint import digest_of

        return digest_of(self.settings, self.inputs.pictures(), self.network)


def make_painting(
    inputs: Inputs, settings: "PaintSettings", features: "PaintFeatures", *, tile: int | None
) -> "Painting":
    """A painting of these inputs. Raises UsageError for what does not fit together."""
    from training.optimise.paint import Painting

    return Painting(
        inputs.photo,
        inputs.styles,
        features,
        settings,
        regions=inputs.regions,
        start=inputs.initial,
        tile=tile,
    )


def plan_job(
    inputs: Inputs,
    settings: "PaintSettings",
    features: "PaintFeatures",
    network: str,
    *,
    available: int | None,
    tile: int | None = None,
    whole: bool = False,
) -> Job:
    """The job, in parts if it would not fit into `available` bytes (None: not known) otherwise.

    `tile`: the size of the parts, if the user wants so; `whole`: never in parts. Raises UsageError,
    with the largest size that fits, if none does.
    """
    from training.optimise.memory import Plan, largest_side, painting_bytes, plan_memory
    from training.optimise.scales import plan_scales
    from training.runtime.memory_budget import format_bytes

    layers = make_painting(inputs, settings, features, tile=None).layers
    last = plan_scales(inputs.shape, settings)[-1]
    shape = last.painted
    channels, value_bytes = features.channels, features.value_bytes
    in_parts = not whole and settings.method == "gram" and settings.optimizer == "adam"
    if tile is not None and not in_parts:
        raise UsageError("--tile: only with --method gram and --optimizer adam")
    side = round(max(last.shape) * settings.style_scale)
    known = [x for x in inputs.styles if x is not None]
    pixels = max(side**2 * min(x.shape[2:]) // max(x.shape[2:]) for x in known)
    about = {"style_pixels": pixels, "value_bytes": value_bytes}
    if tile is not None:
        needed = painting_bytes(shape, channels, layers, tile=tile, **about)
        plan: Plan | None = Plan(tile, needed)
        if available is not None and needed > available:
            plan = None
    else:
        plan = plan_memory(shape, channels, layers, available=available, tiles=in_parts, **about)
    if plan is None:
        assert available is not None
        at_once = painting_bytes(shape, channels, layers, **about)
        fits = largest_side(shape, channels, layers, available=available, tiles=in_parts, **about)
        size = fits * settings.size // max(shape)
        enough = f"enough for --size {size}" if size >= SMALLEST_SIZE else "too little for any size"
        height, width = last.shape
        raise UsageError(
            f"a painting of {width}x{height} takes about {format_bytes(at_once)}"
            f"{', too much in parts as well' if in_parts else ''}; {format_bytes(available)} are "
            f"left for it, {enough}"
        )
    return Job(inputs, settings, features, network, plan)


def seconds_needed(job: Job) -> float:
    """How long the painting will take, from a few iterations on a small one of the same kind,
    beside whatever else the machine does at the moment."""
    from training.optimise.objective.layers import reach
    from training.optimise.scales import plan_scales

    side = min(MEASURED_SIDE, job.settings.size)
    like = {"size": side, "first_size": side, "initial_iterations": MEASURED_ITERATIONS + 1}
    small = job.settings.model_copy(update={**like, "enhance": False})
    ends: list[float] = []
    painting = make_painting(job.inputs, small, job.features, tile=None)
    painting.run(lambda _: ends.append(time.perf_counter()))
    # From the end of the first, which warms up.
    spent = (ends[-1] - ends[0]) / MEASURED_ITERATIONS
    height, width = painting.scales[-1].painted
    scales = plan_scales(job.inputs.shape, job.settings)
    margin = reach(painting.layers, job.features.layers)
    work = sum(x.work * times_longer(x.painted, job.plan.tile, margin) for x in scales)
    return spent / (height * width) * work


def times_longer(shape: tuple[int, int], tile: int | None, margin: int) -> float:
    """How much longer an iteration at `shape` (H, W) takes in parts of `tile` pixels than at once:

    what the parts see overlaps, and is measured once more."""
    from training.optimise.objective.tiles import parts_of

    parts = parts_of(shape, tile, margin)
    if len(parts) == 1:
        return 1.0
    sides = [[span.stop - span.start for span in part.seen] for part in parts]
    return TWICE_FORWARD * sum(h * w for h, w in sides) / (shape[0] * shape[1])


def run_job(
    job: Job,
    out: Path,
    *,
    on_start: "Callable[[Painting, int], None]" = lambda *_: None,
    on_progress: "Callable[[PaintProgress], None]" = lambda _: None,
) -> "Levels":
    """Paint to the end, from the checkpoint beside `out` if there is one of the same painting.

    The checkpoint is written when the painting is broken off (by Ctrl-C, SIGTERM or SIGHUP after
    the iteration, as KeyboardInterrupt), and removed when it is finished.
    `on_start` gets the painting and how many iterations it already had. Raises TrainingError in
    one line if memory runs out.
    """
    from training.optimise.checkpoint import checkpoint_path, read_checkpoint, write_checkpoint
    from training.runtime.memory_budget import out_of_memory

    painting, path, digest = job.painting(), checkpoint_path(out), job.digest()
    if (state := read_checkpoint(path, digest, job.features.devices[0])) is not None:
        painting.load_state(state)
    on_start(painting, painting.iteration)
    interrupted = threading.Event()

    def tell(progress: "PaintProgress") -> None:
        on_progress(progress)
        if interrupted.is_set():
            raise KeyboardInterrupt

    try:
        with stopping(interrupted.set):
            finished = painting.run(tell)
    except BaseException as error:
        if painting.iteration:
            _keep(lambda: write_checkpoint(path, digest, painting.state()))
        if isinstance(error, Exception) and out_of_memory(error):
            height, width = painting.size
            raise TrainingError(
                f"memory ran out at {width}x{height}; give a smaller --size, or --tile 512"
            ) from None
        raise
    path.unlink(missing_ok=True)
    return levels_of(finished)


def _keep(write: Callable[[], Any]) -> None:
    """Write, unless that fails as well: the first error is the one to tell."""
    from training.runtime.memory_budget import out_of_memory

    try:
        write()
    except (TrainingError, MemoryError, RuntimeError) as error:
        if not isinstance(error, TrainingError) and not out_of_memory(error):
            raise


def levels_of(picture: Any) -> "Levels":
    """(1, 3, H, W) float 0..1 to (H, W, 3) float32."""
    found: Levels = picture[0].permute(1, 2, 0).contiguous().float().cpu().numpy()
    return found
