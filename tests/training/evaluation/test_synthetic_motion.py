import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.evaluation.synthetic_motion import disturb, random_motion, warp  # noqa: E402


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_pan_by_whole_pixels_moves_pixels_exactly():
    picture = torch.rand(1, 3, 32, 32, generator=generator())
    motion = torch.tensor([[[1.0, 0.0, 3 * 2 / 32], [0.0, 1.0, 0.0]]])
    moved, _ = warp(picture, motion)
    assert torch.allclose(moved[..., :28], picture[..., 3:31], atol=1e-4)


def test_a_third_of_the_pictures_stand_still_and_a_third_only_pan():
    motion = random_motion(400, (128, 128), generator())
    pure = (motion[:, :, :2] == torch.eye(2)).all(dim=(1, 2)).float().mean()
    still = (motion == torch.eye(2, 3)).all(dim=(1, 2)).float().mean()
    assert 0.25 < float(still) < 0.42
    assert 0.57 < float(pure) < 0.76


def test_pictures_that_are_not_square_turn_without_shear():
    height, width = 64, 160
    motion = random_motion(200, (height, width), generator())[:, :, :2].double()
    to_pixels = torch.tensor([width, height]).double()
    turns = to_pixels[:, None] * motion / to_pixels
    zooms = turns[:, 0].square().sum(-1)
    expected = zooms[:, None, None] * torch.eye(2)
    assert torch.allclose(turns.mT @ turns, expected, atol=1e-5)


def test_what_comes_into_view_is_masked():
    motion = torch.tensor([[[1.0, 0.0, 0.5], [0.0, 1.0, 0.0]]])  # by 8 of 32 pixels
    _, inside = warp(torch.zeros(1, 3, 32, 32), motion)
    assert float(inside[..., :, 24:].sum()) == 0
    assert float(inside[..., 2:-2, 2:22].min()) == 1


def test_disturbed_pictures_stay_in_range_and_change_little():
    picture = torch.rand(4, 3, 16, 16, generator=generator())
    other = disturb(picture, generator(2))
    assert float(other.min()) >= 0
    assert float(other.max()) <= 1
    assert 0 < float((other - picture).abs().mean()) < 0.1
