import subprocess
import sys

import pytest

STEPS = """
import resource, sys
import numpy as np
from training.runtime.malloc import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()

def step():
    return np.ones((64, 1024, 1024 // 8)).sum()

step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", STEPS, how], capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's switches, so Linux only")
def test_what_a_step_frees_the_next_one_finds_again():
    assert 5 * faults("kept") < faults("given back")
