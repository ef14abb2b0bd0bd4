"""The precision of the loss network: bfloat16 where the CPU has instructions for it."""

import logging
from typing import Literal

import torch

LOGGER = logging.getLogger(__name__)
Precision = Literal["auto", "fp32", "bf16"]


def has_bf16() -> bool:
    """Whether the CPU has instructions for bfloat16, as far as torch tells: AMX, AVX-512 BF16 or
    ARM's. Without them torch emulates bfloat16, which is very slow."""
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        supported = getattr(torch.cpu, name, None)
        if supported is not None and supported():
            return True
    tell = getattr(torch.cpu, "get_capabilities", None)
    return tell is not None and bool(tell().get("bf16"))


def use_bf16(precision: Precision, device: torch.device) -> bool:
    """Whether to compute in bfloat16. On a GPU only if asked: its convolutions take
    TF32, which is finer."""
    return precision == "bf16" or (precision == "auto" and device.type == "cpu" and has_bf16())


def warn_of_emulation(precision: Precision, device: torch.device) -> None:
    """Log one warning if bfloat16 was asked for on a CPU that has no instructions for it."""
    if precision == "bf16" and device.type == "cpu" and not has_bf16():
        LOGGER.warning(
            "--precision bf16: this CPU has no bfloat16 instructions, and emulation is very slow; "
            "use auto or fp32"
        )
