"""What stands in for `stylecam train` in a worker process: no torch, no hours."""

import os
import signal
import threading
import time
from pathlib import Path

from models.errors import UsageError


def stand_in():
    taught = []

    def train(arguments):
        folder = Path(arguments[arguments.index("--output") + 1])
        weight = arguments[arguments.index("--style-weight") + 1]
        taught.append(weight)
        with (folder / "tries").open("a") as tries:
            tries.write(f"{os.environ['OMP_NUM_THREADS']} {os.getpid()} {len(taught)}\n")
        (folder / "losses.csv").write_text("step,style\n1,2.5\n2,2.25\n")
        print("much to say", flush=True)
        if weight == "13":
            raise UsageError("--style-weight: 13 is unlucky")
        if weight == "14":
            raise ZeroDivisionError("by nothing")
        if weight == "66":
            os.kill(os.getpid(), signal.SIGKILL)
        if weight == "99":
            (folder / "pid").write_text(str(os.getpid()))
            time.sleep(60)
        if weight == "98":  # like the real one: saves after its step, and ends as if all were well
            interrupted = threading.Event()
            signal.signal(signal.SIGTERM, lambda *_: interrupted.set())
            (folder / "pid").write_text(str(os.getpid()))
            interrupted.wait(60)
            (folder / "saved").touch()
            return
        (folder / "style.onnx").write_bytes(b"a style")

    return train
