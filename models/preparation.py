"""What is done to a picture before a generator paints it, as the style's card says."""

from dataclasses import dataclass

from models.exposure import EasedExposure, normalised
from models.grain import with_grain
from models.pictures import RGB


@dataclass(frozen=True)
class Preparation:
    """`exposure`: the generator expects pictures of normalised exposure (exposure.py); `grain`: the
    deviation of the texture that it expects on them, of 0..1 (grain.py)."""

    exposure: bool = False
    grain: float = 0.0

    def __bool__(self) -> bool:
        return self.exposure or self.grain > 0

    def prepared(self, rgb: RGB) -> RGB:
        """A single picture (H, W, 3) uint8 RGB as the generator expects it, to be painted at its
        own size."""
        seen = normalised(rgb) if self.exposure else rgb
        return with_grain(seen, self.grain) if self.grain else seen

    def next_prepared(
        self,
        rgb: RGB,
        eased: EasedExposure,
        seconds: float,
        *,
        painted: tuple[int, int] | None = None,
        whole: RGB | None = None,
    ) -> RGB:
        """The same for the next picture of a moving one, whose exposure is `eased`.

        `seconds`: its place in time. `painted`: height and width at which it will be painted, if
        not its own. `whole`: what it was shrunk from, if it was.
        """
        seen = eased.normalise(rgb, seconds, whole=whole) if self.exposure else rgb
        return with_grain(seen, self.grain, painted) if self.grain else seen


AS_IT_IS = Preparation()
