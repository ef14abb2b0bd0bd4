"""The machine that the figures were measured on, and how busy other programs kept it."""

import platform
from dataclasses import dataclass
from pathlib import Path

from models.system.cpu import allowed_cpus, physical_cores

CPUINFO = Path("/proc/cpuinfo")
MEMINFO = Path("/proc/meminfo")

INSTRUCTION_SETS = {
    "avx2": "AVX2",
    "fma": "FMA",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "avx512_fp16": "AVX-512 FP16",
    "avx_vnni": "AVX-VNNI",
    "amx_tile": "AMX",
    "amx_bf16": "AMX BF16",
    "asimd": "NEON",
    "sve": "SVE",
    "i8mm": "I8MM",
}
"""Flag in /proc/cpuinfo to common name, for instruction sets that matter to convolutions."""


@dataclass(frozen=True)
class Machine:
    """`cores` counts the physical cores that this process may use, `cpus` the logical ones."""

    cpu: str
    cores: int
    cpus: int
    instruction_sets: tuple[str, ...]
    memory_mb: int | None
    system: str
    python: str

    def __str__(self) -> str:
        sets = ", ".join(self.instruction_sets) or "instruction sets unknown"
        cores = f"{self.cores} core{'s' if self.cores != 1 else ''}"
        return f"{self.cpu}, {cores} ({self.cpus} logical), {sets}"


def this_machine() -> Machine:
    """This machine. What the system does not tell is left empty rather than guessed."""
    info = _cpuinfo()
    flags = set(info.get("flags", info.get("Features", "")).split())
    return Machine(
        cpu=info.get("model name") or platform.processor() or platform.machine(),
        cores=physical_cores(),
        cpus=len(allowed_cpus()),
        instruction_sets=tuple(name for flag, name in INSTRUCTION_SETS.items() if flag in flags),
        memory_mb=_memory_mb(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
    )


def _cpuinfo() -> dict[str, str]:
    """The first processor's entries in /proc/cpuinfo."""
    try:
        lines = CPUINFO.read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _memory_mb() -> int | None:
    try:
        first = MEMINFO.read_text().splitlines()[0]
    except OSError:
        return None
    return int(first.split()[1]) // 1024
