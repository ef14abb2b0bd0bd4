"""When the samples of a sound device were taken, judged by when they arrive."""

RATE = 48_000
"""Samples per second of all sound of microphones here."""
RISE = 0.001
"""How much slower than promised a device may run: crystals are ten times as exact."""
LOST = 0.03
"""Seconds: what all chunks of WINDOW are late by, has been lost, not delayed."""
WINDOW = 0.5


class ArrivalClock:
    """Gives each chunk of samples, in order, the time.monotonic() of its first one.

    A chunk may arrive late, on a busy machine, but never before its last sample was taken. So the
    times follow those that arrive soonest, and the device's own rate in between.
    """

    def __init__(self) -> None:
        self._end: float | None = None
        self._least_late, self._watched = float("inf"), 0.0

    def begin(self, arrived: float, samples: int) -> float:
        length = samples / RATE
        latest = arrived - length
        if self._end is None:
            self._end = latest
        late = latest - self._end
        begin = self._end + min(late, RISE * length)
        self._least_late = min(self._least_late, late)
        self._watched += length
        if self._watched >= WINDOW:
            if self._least_late > LOST:
                begin += self._least_late
            self._least_late, self._watched = float("inf"), 0.0
        self._end = begin + length
        return begin
