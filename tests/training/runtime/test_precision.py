import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from training.config.recipe import Recipe  # noqa: E402
from training.data.tensors import to_tensor  # noqa: E402
from training.losses.objective import objective_for  # noqa: E402
from training.runtime.device import CPU  # noqa: E402
from training.runtime.precision import has_bf16, use_bf16, warn_of_emulation  # noqa: E402


@pytest.mark.parametrize("there", [False, True])
def test_auto_takes_bf16_where_the_cpu_computes_it_itself(monkeypatch, there):
    cpu_with(monkeypatch, avx512=there)
    assert use_bf16("auto", CPU) is there
    assert use_bf16("bf16", CPU) is True
    assert use_bf16("fp32", CPU) is False
    assert use_bf16("auto", torch.device("cuda")) is False


def test_a_torch_that_cannot_tell_computes_in_full(monkeypatch):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported", "get_capabilities"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert has_bf16() is False


def cpu_with(monkeypatch, *, amx=False, avx512=False, arm=False):
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx, raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512, raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": arm}, raising=False)


@pytest.mark.parametrize("kind", ["amx", "avx512", "arm"])
def test_a_cpu_that_computes_bf16_itself_is_not_warned_about(monkeypatch, caplog, kind):
    cpu_with(monkeypatch, **{kind: True})
    assert has_bf16()
    warn_of_emulation("bf16", CPU)
    assert not caplog.text


def test_emulated_bf16_is_warned_about_where_it_was_asked_for(monkeypatch, caplog):
    cpu_with(monkeypatch)
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not has_bf16()
    warn_of_emulation("auto", CPU)
    assert not caplog.text
    warn_of_emulation("bf16", CPU)
    (line,) = caplog.messages
    assert "emulation is very slow" in line


def test_losses_in_bf16_are_near_and_not_the_same(loss_network, photographs, style_picture):
    source = photographs.batch(seed=0, step=0, batch_size=2, size=(64, 64))

    def losses(kind):
        painted = (source * 0.8).requires_grad_()
        recipe = Recipe(style="s", images=("p",), precision=kind)
        pictures = [to_tensor(style_picture[None])]
        found = objective_for(recipe, loss_network, pictures, [1.0])(source, painted)
        torch.stack(list(found.values())).sum().backward()
        assert found["style"].dtype == torch.float32
        return {k: v.detach() for k, v in found.items()}, painted.grad

    (full, full_gradient), (half, half_gradient) = losses("fp32"), losses("bf16")
    assert half["style"] != full["style"]
    for name in ("content", "style"):
        assert float(half[name]) == pytest.approx(float(full[name]), rel=0.05)
    cosine = torch.nn.functional.cosine_similarity(
        full_gradient.flatten(), half_gradient.flatten(), 0
    )
    assert cosine > 0.7  # max pooling takes another of two near values now and then
