import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from training.losses.stability import MAX_SHIFT, common_part, disturbed, offsets  # noqa: E402


@given(seed=st.integers(0, 10**6))
def test_what_two_windows_have_in_common_is_the_same_place(seed):
    random = torch.Generator().manual_seed(seed)
    at = offsets(random)
    assert all(0 <= x <= MAX_SHIFT for x in at)
    side = 40
    whole = torch.arange((side + MAX_SHIFT) ** 2).view(1, 1, side + MAX_SHIFT, -1)
    first, second = (whole[..., y : y + side, x : x + side] for y, x in (at[:2], at[2:]))
    a, b = common_part(first, second, at)
    assert torch.equal(a, b)
    assert min(a.shape[-2:]) >= side - MAX_SHIFT


def test_the_next_frame_is_a_little_different():
    window = torch.full((2, 3, 32, 32), 0.5)
    changed = (disturbed(window, torch.Generator().manual_seed(0)) - window).abs()
    assert 0.002 < float(changed.mean()) < 0.06
