import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.errors import UsageError

pytest.importorskip("torch", reason="needs the train extra")

from stand_in_training import stand_in

from models.system.cpu import physical_cores
from training.commands.sweep import trial_train
from training.experiments.sweep import (
    MODEL,
    expected_minutes,
    plan_trials,
    prepare_folders,
    run_trials,
    subsample,
)


def planned(folder, *weights):
    trials = plan_trials({"style-weight": weights}, ["marbling"], folder)
    prepare_folders(trials)
    return trials


def run(trials, **options):
    """How each trial ended, by its folder's name."""
    ends = {}
    run_trials(
        trials,
        stand_in,
        on_end=lambda trial, failure: ends.setdefault(trial.folder.name, failure),
        **options,
    )
    return ends


def tries(trial):
    """Of each try: threads, the process, and how many it had with this one."""
    lines = (trial.folder / "tries").read_text().splitlines()
    return [tuple(int(word) for word in line.split()) for line in lines]


def test_a_plan_is_the_product_of_its_lists(tmp_path):
    lists = {"content-weight": (0.5, 1.0), "alpha": (1.0,), "gram": ("image", "batch", "image")}
    trials = plan_trials(lists, ["a.jpg", "--slim"], tmp_path)
    assert [x.name for x in trials] == [
        "content-weight 0.5, gram image",
        "content-weight 0.5, gram batch",
        "content-weight 1, gram image",
        "content-weight 1, gram batch",
    ]
    assert trials[1].folder == tmp_path / "content-weight-0.5_gram-batch"
    first = "a.jpg --slim --content-weight 0.5 --alpha 1 --gram image"
    assert " ".join(trials[0].arguments) == first
    (single,) = plan_trials({"alpha": (1.0,)}, ["a.jpg"], tmp_path)
    assert (single.name, single.folder) == ("as given", tmp_path / "single")


def test_a_limit_spreads_over_the_plan(tmp_path):
    trials = plan_trials({"seed": range(10)}, ["a.jpg"], tmp_path)
    assert [x.values[0][1] for x in subsample(trials, 4)] == ["0", "2", "5", "7"]
    assert subsample(trials, 10) == subsample(trials, None) == trials


def test_what_a_plan_takes_grows_with_its_crops():
    assert expected_minutes([800] * 4) == pytest.approx(2 * expected_minutes([800] * 2))
    assert expected_minutes([1600]) > expected_minutes([800])


@pytest.mark.parametrize("jobs", [1, 3])
def test_one_that_fails_or_is_killed_takes_no_other_with_it(tmp_path, jobs):
    trials = planned(tmp_path / "s", 13, 14, 66, 5, 7)
    ends = run(trials, jobs=jobs)
    assert ends["style-weight-13"] == "--style-weight: 13 is unlucky"
    assert ends["style-weight-14"] == "unexpected: ZeroDivisionError: by nothing"
    assert "killed from outside" in ends["style-weight-66"]
    assert ends["style-weight-5"] is ends["style-weight-7"] is None
    assert [x.trained for x in trials] == [False, False, False, True, True]
    assert trials[3].steps == 2
    assert "ZeroDivisionError" in (trials[1].folder / "train.log").read_text()
    assert (trials[3].folder / "train.log").read_text() == "much to say\n"
    ((threads, _, _),) = tries(trials[3])
    assert threads == max(1, physical_cores() // jobs)


def test_one_process_trains_all_trials(tmp_path):
    trials = planned(tmp_path / "s", 13, 5, 7)
    run(trials)
    assert len({tries(x)[0][1] for x in trials}) == 1
    assert [tries(x)[0][2] for x in trials] == [1, 2, 3]


def test_finished_trials_are_not_repeated_and_failed_ones_are(tmp_path):
    run(planned(tmp_path / "s", 5, 13))
    trials = planned(tmp_path / "s", 5, 13, 6)  # one more value, the same folder
    assert set(run(trials)) == {x.folder.name for x in trials}
    assert [len(tries(x)) for x in trials] == [1, 2, 1]


def test_a_folder_of_another_sweep_is_refused_before_anything_is_made(tmp_path):
    planned(tmp_path, 5)
    others = plan_trials({"style-weight": (4, 5)}, ["ink-hatching"], tmp_path)
    others += plan_trials({"style-weight": (5,)}, ["ink-hatching"], tmp_path)
    with pytest.raises(UsageError, match=r"single: a sweep with other options; .*another -o"):
        prepare_folders(others)
    assert [x.name for x in tmp_path.iterdir()] == ["single"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"single: cannot create the folder: Not a directory"):
        planned(tmp_path / "file", 5)


@pytest.mark.parametrize("weight", [98, 99])
def test_an_end_before_the_end_ends_the_trainings_too(tmp_path, weight):
    (trial,) = planned(tmp_path, weight)

    def interrupt(running):
        if (running[0].folder / "pid").is_file():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trials([trial], stand_in, on_poll=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int((trial.folder / "pid").read_text()), 0)
    assert (trial.folder / "saved").is_file() == (weight == 98)


SWEEP = """
import sys
from pathlib import Path
from stand_in_training import stand_in
from training.experiments.sweep import plan_trials, run_trials

if __name__ == "__main__":
    lists = {"style-weight": [98, 5]}
    run_trials(plan_trials(lists, ["marbling"], Path(sys.argv[1])), stand_in)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sweep_that_is_killed_leaves_no_training_behind(tmp_path, number):
    trial, other = planned(tmp_path, 98, 5)
    script, pid = tmp_path / "sweeping.py", trial.folder / "pid"
    script.write_text(SWEEP)
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[3])])
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env=os.environ | {"PYTHONPATH": paths}
    ) as sweep:
        eventually(lambda: pid.is_file() and pid.read_text())
        sweep.send_signal(number)
    eventually(lambda: not alive(int(pid.read_text())))
    assert (trial.folder / "saved").is_file()
    assert not other.trained


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def eventually(fact):
    ends = time.monotonic() + 30
    while not fact():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_the_real_training_says_its_reason(tmp_path):
    lists = {"alpha": (2.0,), "seed": (1, 2)}
    trials = plan_trials(lists, ["marbling", "--images", str(tmp_path)], tmp_path / "s")
    prepare_folders(trials)
    reasons = []
    run_trials(trials, trial_train, on_end=lambda _, failure: reasons.append(failure))
    assert len(reasons) == 2
    assert all(reason.startswith("--alpha: ") for reason in reasons)
    assert not (trials[0].folder / MODEL).exists()
    assert json.loads((trials[0].folder / "arguments.json").read_text())[0] == "marbling"
