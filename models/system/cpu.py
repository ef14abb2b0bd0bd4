"""How many threads can really run at once: physical cores, within affinity and quota."""

import math
import os
from pathlib import Path

SIBLINGS = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def allowed_cpus() -> list[int]:
    """The logical CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def physical_cores() -> int:
    """Physical cores that this process may use; at least 1.

    Two hyper-threads of one core count once, because the second one does not speed up the
    convolutions. A container's CPU quota (cgroup 2), rounded up, limits the number too.
    """
    cores = len({_siblings(cpu) for cpu in allowed_cpus()})
    return max(1, min(cores, _quota()))


def _siblings(cpu: int) -> str:
    try:
        return Path(SIBLINGS.format(cpu)).read_text().strip()
    except OSError:
        return str(cpu)


def _quota() -> int:
    try:
        quota, period = QUOTA.read_text().split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):  # no cgroup 2, or "max"
        return len(allowed_cpus())
