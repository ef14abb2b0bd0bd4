from training.loop.early_stopping import AVERAGED_STEPS, plateaued


def test_a_loss_that_falls_is_no_plateau():
    assert not plateaued([100 * 0.99**i for i in range(500)], 20)


def test_a_loss_that_stays_is_one_as_soon_as_it_can_be_told():
    flat = [1.0] * (AVERAGED_STEPS + 20)
    assert plateaued(flat, 20)
    assert not plateaued(flat[1:], 20)


def test_noise_does_not_hide_that_nothing_is_gained():
    noisy = [1 + 0.3 * ((i * 37) % 11 - 5) / 5 for i in range(300)]
    assert plateaued(noisy, 100)


def test_a_late_gain_counts():
    assert not plateaued([1.0] * 200 + [0.5] * 10, 20)
