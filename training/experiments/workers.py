"""Processes that work through trainings one after another.

Starting a process, reading the photographs and making the loss network slim take longer than a
short training: a worker does them once. A process of its own all the same, so that a training
that is killed for its memory takes nothing else with it. Knows no sweep and no command line.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import click

from models.errors import StylecamError

Train = Callable[[Sequence[str]], None]
"""Runs `stylecam train` with these arguments, in this process."""
MakeTrain = Callable[[], Train]
"""Called once in each worker. A function of a module: it is sent there by its name."""
GRACE_SECONDS = 60.0
"""How long a training that is to end may take for its step and its checkpoint."""


class Worker:
    """A process that runs one training at a time: `begin`, then `result` once it is `ready`."""

    def __init__(self, make_train: MakeTrain, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(
            target=work, args=(theirs, make_train, threads), daemon=True
        )
        self._process.start()
        theirs.close()
        self.usable = True
        """Whether it can take another training."""

    def begin(self, arguments: Sequence[str], log: Path) -> None:
        """Start a training; what it says goes into the file `log`."""
        # A worker that died meanwhile shows in `result`.
        with contextlib.suppress(OSError):
            self.connection.send((list(arguments), str(log)))

    def result(self) -> str | None:
        """Why the training failed; None if it did not. Call it when the worker is ready."""
        reason: str | None
        try:
            reason, self.usable = self.connection.recv()
        except (EOFError, OSError):
            self.usable = False
            self._process.join()
            return _how_it_ended(self._process.exitcode or 0)
        return reason

    def stop(self) -> None:
        """End the process, whatever it is doing; a training may save its checkpoint first."""
        self.connection.close()  # nothing more to do for it once its training has ended
        self._process.terminate()
        self._process.join(GRACE_SECONDS)
        self._process.kill()
        self._process.join()


def ready(workers: Collection[Worker], seconds: float) -> list[Worker]:
    """Those that have a result, or died; waits at most so long for the first."""
    found = wait([worker.connection for worker in workers], timeout=seconds)
    return [worker for worker in workers if worker.connection in found]


def _how_it_ended(code: int) -> str:
    if code == -signal.SIGKILL:
        return "killed from outside, probably out of memory; try --jobs 1"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def work(connection: Connection, make_train: MakeTrain, threads: int) -> None:
    """What a worker does. After an error that nobody foresaw it ends: a fresh one goes on."""
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is loaded
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        train = make_train()
        while True:
            arguments, log = connection.recv()
            _speak_into(Path(log))
            reason, foreseen = _outcome(train, arguments)
            connection.send((reason, foreseen))
            if not foreseen:
                return
    except (EOFError, OSError, KeyboardInterrupt, click.Abort):
        return


def _end_with_parent() -> None:
    """Wait until the process that started this one is gone, then end this one as `stop` does.

    The other may have been killed: nobody would read what this one trains."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _outcome(train: Train, arguments: Sequence[str]) -> tuple[str | None, bool]:
    """Why a training failed, None if it did not; and whether this was foreseen."""
    try:
        train(arguments)
    except StylecamError as error:
        return str(error), True
    except click.ClickException as error:
        return error.format_message(), True
    except (click.Abort, KeyboardInterrupt):
        raise
    except Exception as error:
        traceback.print_exc()
        first = (str(error).splitlines() or [""])[0]
        return f"unexpected: {type(error).__name__}: {first}", False
    return None, True


def _speak_into(path: Path) -> None:
    """Send everything that the process says from now on into the file."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with path.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
