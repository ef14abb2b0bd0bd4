"""What runs a generator: the contract. Each file beside this one is one runtime."""

from typing import Protocol

from models.card import StyleCard
from realtime.fit import Size
from realtime.frame import RGB


class Backend(Protocol):
    """One thread calls `load` once, `warm_up` for a size, then `stylize` repeatedly, then `close`.

    NCHW, floats and half precision never leave a backend.
    """

    def load(self, card: StyleCard) -> str:
        """Ready the model; the line says what runs it ("ONNX Runtime, CPU, fp32, 2 threads").

        Raises ModelError for a damaged file, UsageError for a device that is not there.
        """
        ...

    def warm_up(self, height: int, width: int) -> None:
        """Make the first real frame of that size as fast as the others."""
        ...

    def stylize(self, rgb: RGB, strength: float = 1.0, *, at: Size | None = None) -> RGB:
        """The painted picture: same size, uint8 RGB HWC. Strength 0 is the input, 1 the style.

        `at` is the size at which the generator sees it, its own where None: what it paints is
        enlarged, and the fine detail comes from `rgb` itself.
        """
        ...

    def close(self) -> None: ...
