import sys

import pytest

pytest.importorskip("torch", reason="needs the train extra")

from models.errors import UsageError
from training.reporting.tensorboard import TensorBoardWriter


@pytest.fixture
def read_events(tmp_path):
    """What TensorBoard shows of the run: the steps and values of a curve, the sizes of previews."""
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="needs tensorboard"
    )

    def read(name):
        events = reader.EventAccumulator(str(tmp_path), purge_orphaned_data=True).Reload()
        losses = {event.step: event.value for event in events.Scalars(name)}
        previews = {x.step: (x.height, x.width) for x in events.Images("preview")}
        return losses, previews

    return read


def test_losses_and_previews_are_what_tensorboard_shows(small_training, tmp_path, read_events):
    told = {}

    def tell(progress):
        told[progress.step] = progress.losses["style"]
        events.add_progress(progress)

    events = TensorBoardWriter(tmp_path)
    small_training(tmp_path, on_progress=tell, on_preview=events.add_preview)
    events.close()
    losses, previews = read_events("loss/style")
    assert losses == pytest.approx(told)
    assert previews == {6: (512, 256), 12: (512, 256)}


class KilledError(Exception):
    pass


def test_a_resumed_run_replaces_the_steps_after_its_checkpoint(
    small_training, tmp_path, read_events
):
    def train(kill_at):
        def tell(progress):
            events.add_progress(progress)
            if progress.step == kill_at:
                raise KilledError

        events = TensorBoardWriter(tmp_path)
        try:
            small_training(tmp_path, on_progress=tell, on_preview=events.add_preview)
        finally:
            events.close()

    with pytest.raises(KilledError):
        train(kill_at=8)  # three steps after the checkpoint
    train(kill_at=None)
    losses, previews = read_events("loss/content")
    assert list(losses) == list(range(1, 13))
    assert sorted(previews) == [6, 12]


def test_without_the_package_the_command_to_get_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"--tensorboard .*: pip install tensorb") as none:
        TensorBoardWriter(tmp_path)
    assert none.value.exit_code == 2
    assert not list(tmp_path.iterdir())
