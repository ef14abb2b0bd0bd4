"""What a training reports after every step."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrainingProgress:
    """Reported after every step. `losses`: weighted, by name; `steps`: the total."""

    step: int
    steps: int
    losses: dict[str, float]
    images_per_second: float
