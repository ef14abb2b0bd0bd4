import pytest
from click.testing import CliRunner


@pytest.fixture
def photo(photo_folder):
    return photo_folder / "0.png"


@pytest.fixture
def invoke(monkeypatch, loss_network, photo, tmp_path):
    """`stylecam paint PHOTO ARGS` with the small loss network, in a folder of its own.

    The time that it takes is not estimated, but said to be 30 s."""
    monkeypatch.setattr("training.losses.vgg_weights.load_loss_network", lambda *_: loss_network)
    monkeypatch.setattr("training.commands.painting.inputs.DRAWN_SIDE", 128)
    monkeypatch.setattr("training.commands.painting.job.seconds_needed", lambda _: 30.0)
    monkeypatch.chdir(tmp_path)

    from training.commands.paint import paint

    def run(*arguments, photo=photo):
        words = [str(a) for a in (photo, *arguments)]
        if "--device" not in words:
            words += ["--device", "cpu"]  # a GPU in this machine must not matter
        result = CliRunner().invoke(paint, words, standalone_mode=False)
        if result.exception is not None:
            raise result.exception
        return result.output

    return run
