"""How much memory is free, how much this process uses, and the ceiling that limits its use.

It does not matter what the memory is for. Where the system does not report these figures (all
but Linux), nothing is limited. models/system/free_memory.py hands freed memory back to the system.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from models.errors import TrainingError, UsageError

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
DEFAULT_BUDGET = "80%"
"""Share of the memory free at the start: the system and other programs keep the rest."""

MB = 10**6
UNITS = {"%": 0, "M": MB, "G": 1000 * MB}
OUT_OF_MEMORY = re.compile(
    r"can't allocate memory|not enough memory|out of memory|bad_alloc|alloc_failed", re.I
)


def used_bytes() -> int | None:
    """Bytes that this process holds in memory now; None if the system does not tell."""
    try:
        pages = int((PROC / "self" / "statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def free_bytes() -> int | None:
    """Bytes that this process can still take, within the machine and its cgroups (v1 and v2).

    None if the system does not tell.
    """
    try:
        lines = (PROC / "meminfo").read_text().splitlines()
    except OSError:
        return None
    kilobytes = {name: int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
    return min([kilobytes["MemAvailable"] * 1024, *_left_in_cgroups()])


def _left_in_cgroups() -> Iterator[int]:
    """Bytes left below the limit of each cgroup of this process; cached files count as free."""
    names = {"": ("memory.max", "memory.current", "inactive_file")}
    names["memory"] = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    for line in (PROC / "self" / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        controller = "memory" if "memory" in controllers.split(",") else controllers
        if controller not in names:
            continue
        limit, usage, files = names[controller]
        root = CGROUPS / controller
        group = root / path.strip("/")
        # Inside a container the path may be the host's and not exist here; the root then does.
        for folder in (group, *(p for p in group.parents if p.is_relative_to(root))):
            try:
                left = int((folder / limit).read_text()) - int((folder / usage).read_text())
                stat = dict(x.split() for x in (folder / "memory.stat").read_text().splitlines())
            except (OSError, ValueError):  # no such group, or no limit: "max"
                continue
            yield left + int(stat.get(files, 0))


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: from Python, or from torch on GPU or CPU."""
    return isinstance(error, MemoryError) or bool(OUT_OF_MEMORY.search(str(error)))


@contextmanager
def told_if_memory_runs_out(hint: str) -> Iterator[None]:
    """Turn an error that says that memory ran out into a TrainingError of one line."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        reason = (str(error).splitlines() or ["no more to be had"])[0]
        raise TrainingError(f"memory ran out ({reason}); {hint}") from None


def format_bytes(count: int) -> str:
    return f"{count / MB / 1000:.1f} GB" if count >= 1000 * MB else f"{count / MB:.0f} MB"


@dataclass(frozen=True)
class MemoryBudget:
    """The most that this process may use, in bytes; None: no limit."""

    limit: int | None = None

    def check(self) -> None:
        """Raises MemoryError, with a one-line message, if the process uses more."""
        used = used_bytes()
        if self.limit is not None and used is not None and used > self.limit:
            raise MemoryError(
                f"{format_bytes(used)} in use, "
                f"more than the {format_bytes(self.limit)} of --max-memory"
            )

    def enforce(self, what: str) -> None:
        """Raises TrainingError, with a one-line message, if the process uses more."""
        try:
            self.check()
        except MemoryError as error:
            raise TrainingError(
                f"{what}: {error}; give a larger --max-memory, or fewer photographs"
            ) from None

    def available(self) -> int | None:
        """Bytes that the process may still take, free and below the ceiling; None if not known."""
        free, used = free_bytes(), used_bytes()
        if free is None or used is None:
            return None
        return max(0, free if self.limit is None else min(free, self.limit - used))


UNLIMITED = MemoryBudget()


def parse_memory_budget(text: str = DEFAULT_BUDGET) -> MemoryBudget:
    """The ceiling for a `--max-memory` text: "2.5G", "800M", or a percentage of free memory.

    A percentage is added to what the process uses already. Raises UsageError for other texts.
    """
    found = re.fullmatch(r"(\d+\.?\d*)\s*([%MG])B?", text.strip(), re.I)
    if not found or not float(found[1]):
        raise UsageError(f"--max-memory {text!r}: give 2.5G, 800M, or 80% of what is free")
    amount, unit = float(found[1]), UNITS[found[2].upper()]
    if unit:
        return MemoryBudget(int(amount * unit))
    free, used = free_bytes(), used_bytes()
    if free is None or used is None:
        return UNLIMITED
    return MemoryBudget(used + int(free * amount / 100))
