import pytest

from training.loop.spike_guard import SpikeGuard


def losses(style, **others):
    return {name: float(x) for name, x in {"style": style, **others}.items()}


def test_losses_that_vary_as_batches_do_are_taken():
    guard = SpikeGuard()
    assert all(guard.accepts(losses(level)) for level in (40, 20, 9, 4, 8, 3, 9, 2) * 20)


def test_an_explosion_is_noticed_though_every_step_is_finite():
    guard = SpikeGuard(level=2.0)
    growing = [guard.accepts(losses(2 * 1.17**step)) for step in range(40)]
    assert growing[0] and not growing[-1]
    assert growing.index(False) < 20
    assert guard.level < 5


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_never_taken(value):
    guard = SpikeGuard()
    assert not guard.accepts(losses(value))
    assert not guard.accepts(losses(1, tone=value))
    assert guard.level == 0
