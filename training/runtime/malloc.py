"""Keeps freed memory in the process, because the next training step needs it again."""

import ctypes
import ctypes.util
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Tell glibc never to return memory to the system and never to allocate with mmap.

    Otherwise every large tensor faults its pages in again: 45,000 page faults per step, which
    take a tenth to a fifth of its time. Affects the whole process. False with another C library.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(ctypes.util.find_library("c")), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_MAX, 0)) and bool(mallopt(M_TRIM_THRESHOLD, NEVER))
