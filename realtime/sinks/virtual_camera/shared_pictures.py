"""Pictures in memory that two processes share: one puts, the other takes the newest. Linux.

Neither waits for the other, and each picture is copied once, when it is put.
"""

import mmap
import os
import time

import numpy as np

from models.pictures import RGB

SLOTS = 3
"""One for the newest picture, one for the picture that is being read, one to write the next to."""
HEADER = 4096
NEWEST, READ, WATCHED, BEAT = 0, 1, 2, 3
"""Where in the header the slots are named, whether anybody reads the camera, and when the writer
last gave a sign of life: in ns of the monotonic clock, which all processes share; 0 for none."""


class SharedPictures:
    """Pictures (height, width, 3) in the memory file `file`, which stays the caller's.

    One thread of one process puts, one thread of another takes. `card` is a picture beside them,
    written before the other process begins.
    """

    def __init__(self, file: int, width: int, height: int) -> None:
        bytes_each = height * width * 3
        memory = mmap.mmap(file, HEADER + (SLOTS + 1) * bytes_each)
        self._header = np.frombuffer(memory, np.int64, 4)
        pictures = np.frombuffer(memory, np.uint8, (SLOTS + 1) * bytes_each, HEADER)
        self._slots = pictures.reshape(SLOTS + 1, height, width, 3)

    @property
    def card(self) -> RGB:
        return self._slots[SLOTS]

    @property
    def watched(self) -> bool:
        return bool(self._header[WATCHED])

    @watched.setter
    def watched(self, watched: bool) -> None:
        self._header[WATCHED] = watched

    def beat(self) -> None:
        """Tell the reader that the writer lives."""
        self._header[BEAT] = time.monotonic_ns()

    def forget_beat(self) -> None:
        """Until the next beat, it is not known whether the writer lives."""
        self._header[BEAT] = 0

    @property
    def silent_for(self) -> float:
        """Seconds since the last beat; 0 while none is known."""
        beat = int(self._header[BEAT])
        return 0.0 if beat == 0 else (time.monotonic_ns() - beat) / 1e9

    def put(self, rgb: RGB) -> None:
        """Make `rgb` the newest. A process that dies meanwhile leaves the last one whole."""
        taken = (self._header[NEWEST], self._header[READ])
        free = next(slot for slot in range(SLOTS) if slot not in taken)
        np.copyto(self._slots[free], rgb)
        self._header[NEWEST] = free

    def newest(self) -> RGB:
        """The newest picture, which stays as it is until the next call."""
        while True:
            slot = self._header[NEWEST]
            self._header[READ] = slot
            if slot == self._header[NEWEST]:  # else it may be written to again already
                return self._slots[slot]


def memory_file(width: int, height: int) -> int:
    """A file descriptor for SharedPictures of that size. It has no name: nothing is left behind."""
    file = os.memfd_create("stylecam-camera")
    os.ftruncate(file, HEADER + (SLOTS + 1) * height * width * 3)
    return file
