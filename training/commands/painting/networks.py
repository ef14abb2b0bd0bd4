"""The loss network of a painting on the devices that the command line names."""

from typing import TYPE_CHECKING, Any

from models.errors import UsageError

if TYPE_CHECKING:
    from training.optimise.objective.features import PaintFeatures
    from training.runtime.device import DeviceName
    from training.runtime.precision import Precision


def paint_features(
    network: str,
    pooling: str,
    device: "DeviceName",
    devices: str | None,
    precision: "Precision | None",
) -> "PaintFeatures":
    """The loss network, set up for painting. `devices`: two, separated by a comma, instead of
    `device`. Raises UsageError for devices that cannot be used."""
    import torch

    from training.losses.vgg_weights import load_loss_network
    from training.optimise.objective.features import PaintFeatures
    from training.runtime.device import pick_device
    from training.runtime.precision import use_bf16, warn_of_emulation

    on = [pick_device(device)] if devices is None else _two_devices(devices)
    wanted = precision or "auto"
    warn_of_emulation(wanted, on[0])
    dtype = torch.bfloat16 if use_bf16(wanted, on[0]) else torch.float32
    return PaintFeatures(load_loss_network(network), pooling, on, dtype=dtype)


def _two_devices(text: str) -> list[Any]:
    import torch

    names = [name.strip() for name in text.split(",")]
    if len(names) != 2:
        raise UsageError(f"--devices {text!r}: name two, like cuda:0,cuda:1")
    try:
        found = [torch.device(name) for name in names]
        for device in found:
            torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(f"--devices {text!r}: {str(error).splitlines()[0]}") from None
    return found


def available_memory(features: "PaintFeatures", max_memory: str) -> int | None:
    """Bytes that a painting may take: `max_memory` as on the command line; None: not known."""
    from training.optimise.memory import memory_for
    from training.runtime.memory_budget import parse_memory_budget

    return memory_for(features.devices, parse_memory_budget(max_memory))
