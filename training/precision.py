"""In what precision the loss network computes: bfloat16 where the CPU multiplies it in tiles."""

from typing import Literal

import torch

Precision = Literal["auto", "fp32", "bf16"]


def has_amx() -> bool:
    """Whether torch sees AMX tiles. AVX-512's bf16 alone does not count: with it the loss network
    was slower than in fp32."""
    supported = getattr(torch.cpu, "_is_amx_tile_supported", None)
    return supported is not None and bool(supported())


def in_half(precision: Precision) -> bool:
    """Whether to compute in bfloat16."""
    return precision == "bf16" or (precision == "auto" and has_amx())
