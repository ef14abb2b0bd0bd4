"""The precision of the loss network: bfloat16 if the CPU multiplies it in tiles (AMX)."""

import logging
from typing import Literal

import torch

LOGGER = logging.getLogger(__name__)
Precision = Literal["auto", "fp32", "bf16"]


def has_amx() -> bool:
    """Whether torch finds AMX tiles. AVX-512 BF16 alone does not count: with it, the loss network
    was slower than in fp32."""
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return supported is not None and bool(supported())


def has_bf16() -> bool:
    """Whether the CPU has instructions for bfloat16, as far as torch tells: AMX, AVX-512 BF16 or
    ARM's. Without them torch emulates bfloat16, which is very slow."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    if has_amx() or (supported is not None and supported()):
        return True
    tell = getattr(torch.cpu, "get_capabilities", None)
    return tell is not None and bool(tell().get("bf16"))


def use_bf16(precision: Precision, device: torch.device) -> bool:
    """Whether to compute in bfloat16. On a GPU only if asked: its convolutions take
    TF32, which is finer."""
    return precision == "bf16" or (precision == "auto" and device.type == "cpu" and has_amx())


def warn_of_emulation(precision: Precision, device: torch.device) -> None:
    """Log one warning if bfloat16 was asked for on a CPU that has no instructions for it."""
    if precision == "bf16" and device.type == "cpu" and not has_bf16():
        LOGGER.warning(
            "--precision bf16: this CPU has no bfloat16 instructions, and emulation is very slow; "
            "use auto or fp32"
        )
