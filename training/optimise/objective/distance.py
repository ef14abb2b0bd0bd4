"""Distances of a painting from its targets, as pure functions."""

from torch import Tensor

TINY = 1e-8


def error_sums(value: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of the squared, and of the absolute differences, in float32."""
    difference = value.float() - target.float()
    return difference.square().sum(), difference.abs().sum()


def normalised_error(squares: Tensor, absolutes: Tensor) -> Tensor:
    """Σd² / Σ|d| of differences d: a squared error whose gradient's L1 norm is about 1.

    So a weight means the same for each layer, size and picture, and stays in force while the
    differences shrink (the loss of style-transfer-pytorch). The arguments are `error_sums`.
    """
    return squares / (absolutes + TINY)


def variation_sum(window: Tensor, rows: int, columns: int) -> Tensor:
    """Sum of squared differences of neighbours in (1, 3, H, W), a nine-point stencil.

    Straight neighbours count 2/3, diagonal ones 1/6: so weighted, its gradient is the isotropic
    nine-point Laplacian, which smooths slanted edges like upright ones. Only the pairs of the
    first `rows` and `columns` count, so that the parts of a picture can overlap by one pixel.
    """
    right = window[..., :rows, 1:] - window[..., :rows, :-1]
    down = window[..., 1:, :columns] - window[..., :-1, :columns]
    falling = window[..., 1:, 1:] - window[..., :-1, :-1]
    rising = window[..., 1:, :-1] - window[..., :-1, 1:]
    straight = right.square().sum() + down.square().sum()
    return straight * (2 / 3) + (falling.square().sum() + rising.square().sum()) / 6
