"""A sweep: one short training for each combination of lists of options.

A trial is a `stylecam train` with its own options and folder; a worker process trains one after
another. If one fails, or is killed for its memory, the others go on; an interrupted trial
continues from its last checkpoint; a finished one is not repeated. Knows no command line and
draws nothing.
"""

import itertools
import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import UsageError
from models.system.atomic_file import write_bytes_atomically
from models.system.cpu import physical_cores
from training.experiments.workers import MakeTrain, Worker, ready
from training.reporting.loss_log import make_folder, read_losses

ARGUMENTS, LOG, RESULT, MODEL = "arguments.json", "train.log", "result.json", "style.onnx"
POLL_SECONDS = 0.5
PACE = 14.0
"""Assumed crops per second, for time estimates: two cores with AVX-512, `fast` at alpha 1."""
OVERHEAD_SECONDS = 15.0
"""Per trial: export and judgement."""


@dataclass(frozen=True)
class Trial:
    """One training of a sweep.

    `values`: flag and value of the options that vary. `arguments`: all arguments of
    `stylecam train` but the folder and those that every trial gets."""

    values: tuple[tuple[str, str], ...]
    arguments: tuple[str, ...]
    folder: Path

    @property
    def name(self) -> str:
        return ", ".join(f"{flag} {value}" for flag, value in self.values) or "as given"

    @property
    def result(self) -> Path:
        """The file that marks the trial as finished and holds its figures; the judge writes it."""
        return self.folder / RESULT

    @property
    def trained(self) -> bool:
        return (self.folder / MODEL).is_file()

    @property
    def steps(self) -> int:
        """Training steps taken so far."""
        rows = read_losses(self.folder / "losses.csv")
        return int(rows[-1]["step"]) if rows else 0


def plan_trials(
    lists: Mapping[str, Sequence[object]], fixed: Sequence[str], folder: Path
) -> list[Trial]:
    """The trials of all combinations; the last list varies fastest, equal values count once.

    lists: flag ("alpha") to its values; fixed: further arguments of every trial.
    """
    unique = {flag: list(dict.fromkeys(map(_text, values))) for flag, values in lists.items()}
    trials = []
    for combination in itertools.product(*unique.values()):
        every = list(zip(unique, combination, strict=True))
        varied = tuple(pair for pair in every if len(unique[pair[0]]) > 1)
        flags = [word for flag, value in every for word in (f"--{flag}", value)]
        name = "_".join(f"{flag}-{value}" for flag, value in varied) or "single"
        trials.append(Trial(varied, (*fixed, *flags), folder / name))
    return trials


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def subsample(trials: list[Trial], limit: int | None) -> list[Trial]:
    """At most `limit` of the trials, evenly spread over the plan, in its order."""
    if limit is None or limit >= len(trials):
        return trials
    return [trials[i * len(trials) // limit] for i in range(limit)]


def expected_minutes(crops: Sequence[int]) -> float:
    """Estimated minutes of trials with these numbers of crops, run one after another.

    Trials side by side share the cores."""
    return sum(count / PACE + OVERHEAD_SECONDS for count in crops) / 60


def prepare_folders(trials: Sequence[Trial]) -> None:
    """Make the trials' folders and write their arguments there.

    Raises UsageError for a folder of another sweep, and if one cannot be made."""
    for trial in trials:
        path = trial.folder / ARGUMENTS
        if path.is_file() and json.loads(path.read_text()) != list(trial.arguments):
            raise UsageError(
                f"{trial.folder}: a sweep with other options; give the same, or another -o"
            )
    for trial in trials:
        make_folder(trial.folder)
        data = json.dumps(list(trial.arguments), indent=1).encode()
        write_bytes_atomically(trial.folder / ARGUMENTS, data)


def run_trials(
    trials: Sequence[Trial],
    make_train: MakeTrain,
    *,
    jobs: int = 1,
    on_poll: Callable[[list[Trial]], None] = lambda _: None,
    on_end: Callable[[Trial, str | None], None] = lambda *_: None,
) -> None:
    """Train the trials that are not trained yet, `jobs` at once, each with its share of the cores.

    make_train: see workers.py. on_poll gets the running trials, twice a second. on_end gets each
    trial as it ends, and the reason if it failed. If this function ends early, it also ends the
    running trainings.
    """
    threads = max(1, physical_cores() // jobs)
    waiting, idle, busy = deque(trials), list[Worker](), dict[Worker, Trial]()
    try:
        while waiting or busy:
            while waiting and len(busy) < jobs:
                trial = waiting.popleft()
                if trial.trained:
                    on_end(trial, None)
                    continue
                worker = idle.pop() if idle else Worker(make_train, threads)
                worker.begin(_arguments(trial), trial.folder / LOG)
                busy[worker] = trial
            on_poll(list(busy.values()))
            for worker in ready(busy, POLL_SECONDS):
                trial, failure = busy.pop(worker), worker.result()
                (idle.append if worker.usable else Worker.stop)(worker)
                on_end(trial, failure or (None if trial.trained else "it made no model"))
    finally:
        for worker in (*idle, *busy):
            worker.stop()


def _arguments(trial: Trial) -> list[str]:
    where = ["--output", str(trial.folder), "--name", Path(MODEL).stem]
    return [*trial.arguments, *where, "--no-install"]
