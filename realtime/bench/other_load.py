"""How busy other programs kept the machine while figures were measured."""

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")


class OtherLoad:
    """The share (0..1) of the machine that other programs have used since this was created.

    A figure that was measured beside a busy program is worthless, so the share is reported.
    """

    def __init__(self) -> None:
        self._started = self._now()

    def share(self) -> float | None:
        """The share so far; None if the system has no /proc/stat."""
        before, after = self._started, self._now()
        if before is None or after is None:
            return None
        busy, own, elapsed = (b - a for a, b in zip(before, after, strict=True))
        cpus = os.cpu_count() or 1
        return min(1.0, max(0.0, (busy - own) / max(elapsed * cpus, 1e-9)))

    @staticmethod
    def _now() -> tuple[float, float, float] | None:
        try:
            fields = [int(f) for f in STAT.read_text().splitlines()[0].split()[1:]]
        except OSError:
            return None
        idle = fields[3] + fields[4]
        # User time (the first field) already includes guest time (the ninth).
        busy = (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")
        return busy, sum(os.times()[:4]), time.monotonic()
