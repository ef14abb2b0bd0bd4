"""A disk that fills up during a training: one line, and what was written before stays."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import TrainingError, UsageError

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.loop.checkpoint import load_checkpoint  # noqa: E402
from training.loop.train import CHECKPOINT  # noqa: E402
from training.reporting.loss_log import LossLog, make_folder  # noqa: E402

WRITER = """
import resource, sys
from pathlib import Path
from training.reporting.loss_log import LossLog
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
with LossLog(Path(sys.argv[1]), resumed_at=0) as record:
    for step in range(100):
        record.add(step, {"style": 0.123456})
"""


@pytest.fixture
def full_disk(monkeypatch):
    """From now on no file whose name holds this can be opened for writing."""

    def fill(name):
        real = Path.open

        def limited(self, mode="r", *rest, **options):
            if name in self.name and mode != "r":
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(self, mode, *rest, **options)

        monkeypatch.setattr(Path, "open", limited)

    return fill


@pytest.mark.parametrize("file", ["preview_000006.png", "checkpoint.pt"])
def test_a_full_disk_ends_a_training_in_one_line(small_training, tmp_path, full_disk, file):
    def fill(progress):
        if progress.step == 6:
            full_disk(file)

    with pytest.raises(TrainingError, match=f"{file}: cannot be written: No space left"):
        small_training(tmp_path, on_progress=fill)
    stored = load_checkpoint(tmp_path / CHECKPOINT)
    assert stored.step == 5
    assert not list(tmp_path.glob("*.partial"))


@pytest.mark.skipif(sys.platform == "win32", reason="no limits there")
def test_a_record_that_no_longer_fits_keeps_its_whole_rows(tmp_path):
    path = tmp_path / "losses.csv"
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(path)], capture_output=True, text=True, check=False
    )
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("models.errors.TrainingError")
    assert f"{path}: cannot be written: File too large" in last
    assert path.read_text().splitlines()[:2] == ["step,style", "0,0.123456"]


def test_a_resumed_record_is_written_whole_or_not_at_all(tmp_path, full_disk):
    path = tmp_path / "losses.csv"
    path.write_text("step,style\n1,0.5\n2,0.4\n")
    full_disk("losses.csv.partial")
    with pytest.raises(TrainingError, match=r"losses\.csv: cannot be written: No space left"):
        LossLog(path, resumed_at=1)
    assert path.read_text() == "step,style\n1,0.5\n2,0.4\n"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="file/run: cannot create the folder: Not a directory"):
        make_folder(tmp_path / "file" / "run")
