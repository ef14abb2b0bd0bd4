import json
import os
import sys

import pytest

from models.errors import TrainingError, UsageError

pytest.importorskip("torch", reason="needs the train extra")

from training.experiments.sweep import (
    MODEL,
    expected_minutes,
    plan_trials,
    prepare_folders,
    run_trials,
    subsample,
)

STAND_IN = """
import os, pathlib, sys, time
words = sys.argv[1:]
folder = pathlib.Path(words[words.index("--output") + 1])
weight = words[words.index("--style-weight") + 1]
with (folder / "tries").open("a") as tries:
    tries.write(os.environ["OMP_NUM_THREADS"] + "\\n")
(folder / "losses.csv").write_text("step,style\\n1,2.5\\n2,2.25\\n")
if weight == "13":
    print("much to say", file=sys.stderr)
    sys.exit("--style-weight: 13 is unlucky")
if weight == "66":
    os.kill(os.getpid(), 9)
if weight == "99":
    (folder / "pid").write_text(str(os.getpid()))
    time.sleep(60)
(folder / "style.onnx").write_bytes(b"a style")
"""


@pytest.fixture
def program(tmp_path):
    """What stands in for `stylecam train`: a real process, without the hours."""
    path = tmp_path / "stand_in.py"
    path.write_text(STAND_IN)
    return (sys.executable, str(path))


def planned(folder, *weights):
    trials = plan_trials({"style-weight": weights}, ["marbling"], folder)
    prepare_folders(trials)
    return trials


def run(trials, program, **options):
    """How each trial ended, by its folder's name."""
    ends = {}
    run_trials(
        trials,
        program=program,
        on_end=lambda trial, failure: ends.setdefault(trial.folder.name, failure),
        **options,
    )
    return ends


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
def test_one_that_fails_or_is_killed_takes_no_other_with_it(tmp_path, program, jobs):
    trials = planned(tmp_path / "s", 13, 66, 5, 7)
    ends = run(trials, program, jobs=jobs)
    assert ends["style-weight-13"] == "--style-weight: 13 is unlucky"
    assert "killed from outside" in ends["style-weight-66"]
    assert ends["style-weight-5"] is ends["style-weight-7"] is None
    assert [x.trained for x in trials] == [False, False, True, True]
    assert trials[2].steps == 2
    threads = max(1, (os.cpu_count() or 1) // jobs)
    assert (trials[2].folder / "tries").read_text() == f"{threads}\n"


def test_finished_trials_are_not_repeated_and_failed_ones_are(tmp_path, program):
    run(planned(tmp_path / "s", 5, 13), program)
    trials = planned(tmp_path / "s", 5, 13, 6)  # one more value, the same folder
    assert set(run(trials, program)) == {x.folder.name for x in trials}
    tries = [len((x.folder / "tries").read_text().split()) for x in trials]
    assert tries == [1, 2, 1]


def test_a_folder_of_another_sweep_is_refused_before_anything_is_made(tmp_path):
    planned(tmp_path, 5)
    others = plan_trials({"style-weight": (4, 5)}, ["ink-hatching"], tmp_path)
    others += plan_trials({"style-weight": (5,)}, ["ink-hatching"], tmp_path)
    with pytest.raises(UsageError, match=r"single: a sweep with other options; .*another -o"):
        prepare_folders(others)
    assert [x.name for x in tmp_path.iterdir()] == ["single"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"single: cannot be made: Not a directory"):
        planned(tmp_path / "file", 5)


def test_an_end_before_the_end_ends_the_trainings_too(tmp_path, program):
    (trial,) = planned(tmp_path, 99)

    def interrupt(running):
        if (running[0].folder / "pid").is_file():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_trials([trial], program=program, on_poll=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int((trial.folder / "pid").read_text()), 0)


def test_the_real_training_says_its_reason_in_its_last_line(tmp_path):
    (trial,) = plan_trials(
        {"alpha": (2.0,)}, ["marbling", "--images", str(tmp_path)], tmp_path / "s"
    )
    prepare_folders([trial])
    reasons = []
    run_trials([trial], on_end=lambda _, failure: reasons.append(failure))
    assert len(reasons) == 1
    assert reasons[0].startswith("--alpha: ")
    assert not (trial.folder / MODEL).exists()
    assert json.loads((trial.folder / "arguments.json").read_text())[0] == "marbling"
