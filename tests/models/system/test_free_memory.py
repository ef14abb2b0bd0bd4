"""What was freed goes back to the system."""

import subprocess
import sys

import pytest

from models.system.free_memory import release_free_memory

PROGRAM = """
import ctypes
from pathlib import Path
from models.system.free_memory import release_free_memory

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

c = ctypes.CDLL(None)
c.malloc.restype, c.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
c.free.argtypes = [ctypes.c_void_p]
blocks = [c.malloc(20_000) for _ in range(4_000)]
for block in blocks:
    ctypes.memset(block, 1, 20_000)
# The last one stays: what lies below it cannot be given back by shrinking the heap.
for block in blocks[:-1]:
    c.free(block)
before = resident()
release_free_memory()
print(before - resident())
"""


def glibc() -> bool:
    import ctypes

    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not glibc(), reason="only glibc holds memory so")
def test_freed_memory_goes_back():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 60_000  # of 80,000 kB


def test_elsewhere_it_does_nothing(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    release_free_memory()
