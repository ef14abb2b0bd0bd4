"""Gives pictures of one stream their durations, which only their successors tell. Uses PyAV."""

from collections.abc import Iterable

import av


class HeldPacket:
    """Writes each packet of a stream once the next tells how long its picture is shown."""

    def __init__(self, output: av.container.OutputContainer) -> None:
        self._output = output
        self._held: av.Packet | None = None

    def mux(self, packets: Iterable[av.Packet]) -> None:
        for packet in packets:
            if self._held is not None:
                assert packet.pts is not None and self._held.pts is not None
                self._write(packet.pts - self._held.pts)
            self._held = packet

    def finish(self, duration: int) -> None:
        """Write the last packet, if there is one, with its duration in ticks of the stream."""
        if self._held is not None:
            self._write(duration)

    def _write(self, duration: int) -> None:
        assert self._held is not None
        self._held.duration = duration
        self._output.mux(self._held)
        self._held = None
