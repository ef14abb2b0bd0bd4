"""Writes losses and previews of a run as TensorBoard event files into its folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import UsageError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from training.reporting.preview import Preview
    from training.reporting.progress import TrainingProgress


class TensorBoardWriter:
    """Receives the progress and previews of `train`. Creates no file before the first step."""

    def __init__(self, folder: Path) -> None:
        """Raises UsageError if the tensorboard package is missing."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise UsageError(
                "--tensorboard needs another package: pip install tensorboard"
            ) from None
        self._new_writer, self._folder = SummaryWriter, folder
        self._writer: SummaryWriter | None = None
        self._step = 0

    def add_progress(self, progress: "TrainingProgress") -> None:
        writer = self._writer_at(progress.step)
        for name, loss in progress.losses.items():
            writer.add_scalar(f"loss/{name}", loss, progress.step)
        writer.add_scalar("images a second", progress.images_per_second, progress.step)

    def add_preview(self, step: int, preview: "Preview") -> None:
        """Add a preview; call it after `add_progress` of the same step."""
        assert self._writer is not None
        self._writer.add_image("preview", preview.sheet, step, dataformats="HWC")
        self._writer.flush()

    def _writer_at(self, step: int) -> "SummaryWriter":
        """The writer; after a resume or roll-back, a new one that hides entries from `step` on."""
        if self._writer is None or step <= self._step:
            self.close()
            self._writer = self._new_writer(str(self._folder), purge_step=step)
        self._step = step
        return self._writer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
