import platform

import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.config.recipe import Recipe  # noqa: E402
from training.experiments import throughput  # noqa: E402


def test_loops_take_turns_until_the_time_is_up_and_the_first_round_does_not_count():
    now, order = [0.0], []

    def step(name, seconds):
        def take():
            now[0] += seconds
            order.append(name)

        return take

    steps = {"slow": step("slow", 3.0), "fast": step("fast", 1.0)}
    times = throughput.take_turns(steps, seconds=23, clock=lambda: now[0])
    assert times == {"slow": [3.0] * 5, "fast": [1.0] * 5}
    assert order == ["slow", "fast"] * 6
    assert len(throughput.take_turns(steps, seconds=0, clock=lambda: now[0])["slow"]) == 3


def test_every_variant_is_measured_against_the_plain_loop(monkeypatch, loss_network):
    monkeypatch.setattr(throughput, "load_loss_network", lambda *_: loss_network)
    monkeypatch.setattr(throughput, "has_bf16", lambda: True)
    told = []
    recipe = Recipe(style="", images=("p",), batch_size=1, image_size=(64, 64), alpha=0.25)
    found = throughput.measure_throughput(recipe, seconds=0, on_turn=told.append)
    assert list(found) == list(throughput.VARIANTS) == told[: len(found)]
    assert found[throughput.PLAIN].ratio == 1
    for name in found:
        plain = found[throughput.PLAIN].images_per_second
        assert found[name].images_per_second == pytest.approx(found[name].ratio * plain)


def test_bf16_is_not_measured_where_it_would_be_emulated(monkeypatch):
    monkeypatch.setattr(throughput, "has_bf16", lambda: False)
    assert set(throughput.VARIANTS) - set(throughput.variants()) == {"bf16 alone"}


def test_the_processor_is_named_where_the_system_tells(monkeypatch, tmp_path):
    monkeypatch.setattr("models.system.machine.CPUINFO", tmp_path / "cpuinfo")
    unnamed = platform.processor() or platform.machine()
    assert throughput.processor().startswith(f"{unnamed}, ")
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert throughput.processor().startswith("Some CPU @ 2 GHz, ")
