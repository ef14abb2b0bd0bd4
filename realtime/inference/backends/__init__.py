"""The contract for what runs a generator. The runtimes are in files beside this one."""

from typing import Protocol

from models.card import StyleCard
from models.pictures import RGB
from realtime.frames.size import Size


class Backend(Protocol):
    """Call `load` once, `warm_up` for a size, `stylize` repeatedly, then `close`.

    One thread at a time. Callers never see NCHW layout, floats or half precision.
    """

    def load(self, card: StyleCard) -> str:
        """Load the model; return what runs it, like "ONNX Runtime, CPU, fp32, 2 threads".

        Raises ModelError for a damaged file, UsageError for a device that is not available.
        """
        ...

    @property
    def needs_frame(self) -> bool:
        """Whether `stylize` must be given the frame in full size: for its fine detail, or because
        the coarse picture is enlarged in one step. If not, whoever paints a smaller picture and
        enlarges it crisply (upsample.py) gets the same. Known once a model is loaded.
        """
        ...

    @property
    def first_is_slow(self) -> bool:
        """Whether the first picture of a size takes much longer than the others, as where it is
        planned or recorded first. Known once a model is loaded.
        """
        ...

    @property
    def threads(self) -> int | None:
        """How many CPU threads paint; None where another number would not help, or cannot be had.
        Known once a model is loaded.
        """
        ...

    def warm_up(self, height: int, width: int) -> None:
        """Make the first real frame of that size as fast as the others."""
        ...

    def stylize(self, rgb: RGB, strength: float = 1.0, *, at: Size | None = None) -> RGB:
        """The painted picture: same size, uint8 RGB HWC. Strength 0 is the input, 1 the style.

        The generator works at the size `at` (None: that of `rgb`). Its result is enlarged, and
        the fine detail comes from `rgb` itself.
        """
        ...

    def close(self) -> None: ...
