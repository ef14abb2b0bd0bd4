"""Memory that is left, the ceiling, and what a training does when it runs out."""

import logging

import pytest

from models.errors import TrainingError, UsageError

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.data.photographs import Photographs  # noqa: E402
from training.loop.checkpoint import load_checkpoint  # noqa: E402
from training.loop.train import CHECKPOINT  # noqa: E402
from training.loop.trainer import Trainer  # noqa: E402
from training.runtime import memory_budget  # noqa: E402
from training.runtime.batch_fit import batch_that_fits, check_room, saved_tensor_bytes  # noqa: E402
from training.runtime.memory_budget import (  # noqa: E402
    MemoryBudget,
    free_bytes,
    out_of_memory,
    parse_memory_budget,
    used_bytes,
)

GB = 10**9
MEMINFO = "MemTotal: 9000000 kB\nMemFree: 100 kB\nMemAvailable: 8000000 kB\n"


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine of our own: /proc with these groups, /sys/fs/cgroup with these files."""

    def make(groups, files):
        proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
        (proc / "self").mkdir(parents=True)
        (proc / "meminfo").write_text(MEMINFO)
        (proc / "self" / "cgroup").write_text(groups)
        for name, text in files.items():
            path = cgroups / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(text))
        monkeypatch.setattr(memory_budget, "PROC", proc)
        monkeypatch.setattr(memory_budget, "CGROUPS", cgroups)

    return make


def group(folder, names, *, limit, used, files=0):
    return {
        f"{folder}/{names[0]}": limit,
        f"{folder}/{names[1]}": used,
        f"{folder}/memory.stat": f"anon 5\n{names[2]} {files}\n",
    }


ONE = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
TWO = ("memory.max", "memory.current", "inactive_file")


@pytest.mark.parametrize(
    ("groups", "files", "left"),
    [
        ("0::/\n", {}, 8_192_000_000),
        ("0::/app\n", group("app", TWO, limit="max", used=5), 8_192_000_000),
        ("0::/app\n", group("app", TWO, limit=2 * GB, used=GB, files=500), GB + 500),
        ("0::/up/app\n", group("up", TWO, limit=2 * GB, used=GB), GB),
        ("0::/../the/host/s\n", group(".", TWO, limit=3 * GB, used=GB), 2 * GB),
        ("4:memory:/x\n0::/\n", group("memory/x", ONE, limit=GB, used=600), GB - 600),
        ("9:cpu:/x\n", group("cpu/x", ONE, limit=GB, used=600), 8_192_000_000),
    ],
)
def test_what_is_free_is_the_least_of_machine_and_groups(machine, groups, files, left):
    machine(groups, files)
    assert free_bytes() == left


def test_where_the_system_does_not_tell_nothing_is_limited(monkeypatch, tmp_path):
    monkeypatch.setattr(memory_budget, "PROC", tmp_path)
    assert (
        free_bytes()
        is used_bytes()
        is parse_memory_budget("50%").limit
        is MemoryBudget(1).available()
        is None
    )
    MemoryBudget(1).check()
    assert batch_that_fits(10**15, MemoryBudget(1).available()) == 4


def test_a_ceiling_is_an_amount_or_a_share_of_what_is_free():
    assert parse_memory_budget("2.5G").limit == 2_500_000_000
    assert parse_memory_budget("800MB").limit == 800_000_000
    used, half = used_bytes(), parse_memory_budget("50%").limit
    assert used < half < used + free_bytes()


@pytest.mark.parametrize("text", ["", "5", "x%", "-1G", "0G", "80%%"])
def test_other_ceilings_are_refused(text):
    with pytest.raises(UsageError, match=r"--max-memory .*: give 2\.5G, 800M, or 80%"):
        parse_memory_budget(text)


def test_above_the_ceiling_is_said_with_figures():
    MemoryBudget(used_bytes() + GB).enforce("x")
    with pytest.raises(TrainingError, match=r"x: \d+ MB|x: .* GB in use, more than the 1 MB of"):
        MemoryBudget(10**6).enforce("x")


def test_photographs_stop_at_the_ceiling(photo_folder):
    with pytest.raises(TrainingError, match=r"photos: reading the photographs: .*--max-memory"):
        Photographs(photo_folder, memory_budget=MemoryBudget(10**6))


def test_what_autograd_keeps_is_counted_once():
    a = torch.ones(1000, requires_grad=True)
    assert saved_tensor_bytes(lambda: a * a) == 4000
    assert saved_tensor_bytes(lambda: (a * 2).exp() * a) == 4000 + 4000


@pytest.mark.parametrize(("room", "batch"), [(10**12, 4), (4 * 1800, 4), (4 * 1800 - 1, 2), (1, 1)])
def test_a_batch_fits_the_room(caplog, room, batch):
    assert batch_that_fits(1000, room) == batch
    assert ("batches of" in caplog.text) == (batch < 4)


def test_what_a_step_will_take_is_said_before_it_is_taken(caplog):
    caplog.set_level(logging.INFO)
    check_room(10**9, 2, 8 * 10**9)
    check_room(10**9, 2, None)
    assert caplog.messages == ["memory: about 3.6 GB for a step of 2 crops, 8.0 GB are left"]
    with pytest.raises(
        TrainingError, match=r"one crop takes 1\.0 GB or more, and 500 MB .*--image"
    ):
        check_room(10**9, 1, 5 * 10**8)


@pytest.fixture
def little_memory(monkeypatch):
    """From a step on, memory runs out when more than `most` crops are worked through at once."""
    real = Trainer.losses

    def make(most, *, step=0):
        def limited(self, part):
            if self.step >= step and len(part["source"]) > most:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried\nmore")
            return real(self, part)

        monkeypatch.setattr(Trainer, "losses", limited)

    return make


def test_a_step_is_tried_again_with_half_the_crops_at_once(
    small_training, tmp_path, little_memory, caplog
):
    little_memory(1, step=2)
    trained = small_training(tmp_path, batch_size=4, checkpoint_every=99)
    assert (trained.step, trained.micro_batch) == (6, 1)
    assert [x for x in caplog.messages if "at once" in x] == [
        f"step 2: DefaultCPUAllocator: can't allocate memory: you tried; on with {n} crops at once"
        for n in (2, 1)
    ]


def test_crops_in_parts_give_the_gradients_of_the_whole(
    small_training, tmp_path, little_memory, monkeypatch
):
    """Where no loss and no norm looks at a batch as a whole."""
    monkeypatch.setattr(Trainer, "_set_mode", lambda run: run.generator.eval())
    alone = {"num_images": 2, "content_weight": 0.0, "gram": "image", "scales": 1}
    whole = small_training(tmp_path / "whole", **alone)
    little_memory(1)
    parts = small_training(tmp_path / "parts", **alone)
    for name, value in whole.optimizer["state"].items():
        got, expected = parts.optimizer["state"][name]["exp_avg"], value["exp_avg"]
        assert torch.allclose(got, expected, rtol=0.02, atol=0.02 * float(expected.abs().max()))


def test_a_training_that_ran_out_of_memory_resumes_exactly(small_training, tmp_path, little_memory):
    def kill(progress):
        if progress.step == 7:
            raise KeyboardInterrupt

    little_memory(1, step=3)
    unbroken = small_training(tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        small_training(tmp_path / "broken", on_progress=kill, checkpoint_every=99)
    assert load_checkpoint(tmp_path / "broken" / CHECKPOINT).step == 4
    little_memory(2)
    resumed = small_training(tmp_path / "broken", checkpoint_every=99)
    assert resumed.micro_batch == unbroken.micro_batch == 1
    for name, value in unbroken.average.items():
        assert torch.equal(value, resumed.average[name]), name


def test_too_little_for_one_crop_ends_with_the_checkpoint_intact(
    small_training, tmp_path, little_memory
):
    little_memory(0, step=7)
    with pytest.raises(TrainingError, match=r"step 7: memory .* for one crop.*--image-size"):
        small_training(tmp_path)
    assert load_checkpoint(tmp_path / CHECKPOINT).step == 5


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    assert not out_of_memory(RuntimeError("shapes do not match"))
    assert out_of_memory(MemoryError())
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"))
    assert out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublas"))
