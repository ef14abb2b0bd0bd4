"""`stylecam sweep`: short trainings over lists of options, and one sheet of all results."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from models.errors import TrainingError, UsageError
from training.commands.new_style.recipe import load_styles, parse_shares
from training.commands.train import train
from training.commands.training_extra import require_training_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from training.config.recipe import Recipe
    from training.data.tensors import Picture
    from training.experiments.sweep import Trial
    from training.experiments.sweep_report import TrialEvaluator, TrialResult
    from training.experiments.workers import Train
    from training.losses.style_target import StyleTarget

SHORT = 800
"""Default of --num-images per trial: from the base, enough to see how the style will look."""
MANY = 12
"""Most trials that are started without --yes."""
OWN = {"name", "title", "credit", "output", "install", "force", "repair"}
"""Options of `train` that `sweep` does not offer: it sets or leaves them itself."""


class ValueList(click.ParamType):
    """ "0.5,1,2" as a tuple, each value converted by the type `inner` of `train`'s option."""

    name = "list"

    def __init__(self, inner: click.ParamType) -> None:
        self.inner = inner

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(self.inner.convert(x.strip(), param, ctx) for x in value.split(","))


def listed(option: click.Parameter) -> bool:
    """Whether an option of `train` is a number, a choice or --recipe, and so may be a list here."""
    kinds = (type(click.INT), type(click.FLOAT), click.Choice)
    if not isinstance(option, click.Option):
        return False
    return isinstance(option.type, kinds) or option.name == "recipe_name"


def _options() -> list[click.Parameter]:
    """The options of `train`: numbers and choices as lists, the others unchanged."""
    options: list[click.Parameter] = []
    for option in train.params:
        if option.name in OWN or not isinstance(option, click.Option):
            continue
        if not listed(option):
            options.append(option)
            continue
        several = ",".join(option.type.choices) if isinstance(option.type, click.Choice) else "V,V"
        kind, words = ValueList(option.type), [*option.opts, str(option.name)]
        options.append(click.Option(words, type=kind, metavar=several, help=option.help))
    return options


@click.command()
@click.argument("style", nargs=-1, required=True)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="Output folder: one subfolder per trial, sweep.png, sweep.csv and sweep.json. Running the "
    "same command again skips finished trials and resumes an interrupted one.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Trials to run in parallel; they share the cores.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="Run only N trials, evenly spaced among all combinations.",
)
@click.option("--yes", is_flag=True, help=f"Start more than {MANY} trials without confirmation.")
@click.option(
    "--judged-on",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Number of held-out photographs for the metrics.",
)
def sweep(
    style: tuple[str, ...],
    output: Path,
    jobs: int,
    limit: int | None,
    yes: bool,
    judged_on: int,
    **options: Any,
) -> None:
    """Train a style briefly with every combination of options, to compare the results by eye.

    Every number and choice of `stylecam train` may be a list here.

    Example: stylecam sweep my.jpg --images ~/Pictures --style-weight 10,20,40 --alpha 0.5,1 -o try
    """
    require_training_extra("sweep")
    from training.experiments.sweep import expected_minutes, plan_trials, prepare_folders, subsample

    lists = {
        option.opts[0].removeprefix("--"): options[str(option.name)]
        for option in train.params
        if listed(option) and options.get(str(option.name))
    }
    lists.setdefault("num-images", (SHORT,))
    trials = plan_trials(lists, [*style, *_passed_on(options)], output)
    chosen = subsample(trials, limit)
    shortest, longest = (pick(lists["num-images"]) for pick in (min, max))
    minutes = expected_minutes([(shortest + longest) // 2] * len(chosen))
    if len(chosen) > MANY and not yes:
        raise UsageError(
            f"{len(chosen)} combinations, about {minutes:.0f} minutes on two cores; "
            f"give --yes to run them all, or --limit {MANY}"
        )
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    pictures, photographs, judge = _prepare(style, options, judged_on)
    prepare_folders(chosen)
    findings = _run(chosen, jobs, judge)
    _report(findings, output, pictures[0], photographs)


def _passed_on(options: dict[str, Any]) -> list[str]:
    """The options that are not lists, as command-line words for `stylecam train`."""
    words: list[str] = []
    for option in train.params:
        value = options.get(str(option.name))
        if value in (None, "", ()) or listed(option) or not isinstance(option, click.Option):
            continue
        if option.is_flag:
            words += [option.opts[0]] if value else option.secondary_opts[:1]
        else:
            for each in value if option.multiple else [value]:
                words += [option.opts[0], str(each)]
    return words


def _prepare(
    style: tuple[str, ...], options: dict[str, Any], judged_on: int
) -> "tuple[list[Picture], list[Picture], TrialEvaluator]":
    """The style pictures, the photographs of the sheet, and the judge of the trials."""
    from training.data.photo_files import PACKAGED
    from training.data.photographs import Photographs
    from training.data.style_image import load_style_image
    from training.evaluation.metrics import style_target_of
    from training.experiments.sweep_report import TrialEvaluator
    from training.losses.vgg_weights import load_loss_network

    shares = parse_shares(options["style_weights"], len(style))
    pictures = [load_style_image(text).picture for text in style]
    held_out = Photographs(*(options["images"] or (PACKAGED,))).held_out
    network = load_loss_network((options["loss_network"] or ("vgg16",))[0])

    def target(recipe: "Recipe") -> "StyleTarget":
        fitted = load_styles(style, recipe)
        return style_target_of(network, [source.picture for source in fitted], shares)

    return pictures, held_out[:2], TrialEvaluator(held_out[:judged_on], network, target)


def trial_train() -> "Train":
    """`stylecam train` in this process, where trainings share photographs and loss networks."""
    from training.loop.materials import Materials

    materials = Materials()

    def run(arguments: "Sequence[str]") -> None:
        train.main(
            list(arguments), prog_name="stylecam train", standalone_mode=False, obj=materials
        )

    return run


def _run(trials: "list[Trial]", jobs: int, judge: "TrialEvaluator") -> "list[TrialResult]":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from training.experiments.sweep import run_trials
    from training.experiments.sweep_report import evaluate_trial

    found: dict[Trial, TrialResult] = {}
    columns = (BarColumn(bar_width=16), MofNCompleteColumn(), TimeElapsedColumn())
    text = TextColumn("{task.description}", markup=False)
    with Progress(*columns, text, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=len(trials))

        def show(running: "list[Trial]") -> None:
            doing = "; ".join(f"{x.name}: step {x.steps}" for x in running)
            bar.update(task, completed=len(found), description=doing)

        def end(trial: "Trial", failure: str | None) -> None:
            bar.update(task, description=f"judging {trial.name}")
            found[trial] = evaluate_trial(trial, failure, judge)
            if reason := found[trial].failure:
                bar.console.print(f"{trial.name}: failed: {reason}", markup=False, highlight=False)

        run_trials(trials, trial_train, jobs=jobs, on_poll=show, on_end=end)
        bar.update(task, completed=len(trials), description="")
    return [found[trial] for trial in trials]


def _report(
    findings: "list[TrialResult]", output: Path, style: "Picture", photographs: "list[Picture]"
) -> None:
    from training.experiments.sweep_report import TABLE, write_report

    sheet = write_report(findings, output, style=style, photographs=photographs)
    failed = [finding for finding in findings if finding.failure]
    done = len(findings) - len(failed)
    click.echo(f"{sheet}: {done} of {len(findings)} trials; figures in {TABLE} beside it")
    if len(failed) == len(findings):
        raise TrainingError(f"every trial failed; the first: {failed[0].failure}")


sweep.params += _options()
