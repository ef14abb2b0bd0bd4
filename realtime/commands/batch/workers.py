"""Several files of `stylecam stylize` at once: worker processes, each with its share of cores."""

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from models.errors import StylecamError
from models.system.cpu import physical_cores
from realtime.commands.batch.jobs import Job
from realtime.commands.batch.paint import Interrupted, Painted, RunPipeline, paint
from realtime.config.schema import Config
from realtime.inference.backends.providers import AUTOMATIC, candidates

CORES_A_FILE = 4
"""Cores that one file gets: the threads of one frame share their work well up to about there."""
END_TIMEOUT = 10.0
"""Seconds that interrupted workers have to finish what they record."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: finished, or why not."""

    job: Job
    painted: Painted | None = None
    error: StylecamError | None = None
    interrupted: bool = False


def files_at_once(config: Config, jobs: int) -> int:
    """How many files to paint at a time: more than one only where there are cores for it."""
    wanted = config.processing
    on_cpu = wanted.device == "cpu" or (
        wanted.device == "auto" and candidates("auto") == [AUTOMATIC[-1]]
    )
    threads = wanted.threads or CORES_A_FILE
    return max(1, min(jobs, physical_cores() // threads)) if on_cpu else 1


def one_by_one(jobs: list[Job], config: Config, run: RunPipeline) -> Iterator[Outcome]:
    """Paint in this process. What interrupts it comes as the last outcome."""
    for job in jobs:
        outcome = _outcome(job, config, run)
        yield outcome
        if outcome.interrupted:
            return


def at_once(
    jobs: list[Job], config: Config, count: int, run: Callable[[], RunPipeline]
) -> Iterator[Outcome]:
    """Paint in `count` processes, each with its share of the cores; outcomes come as they are done.

    `run` makes what paints, in the process; it must be a function of a module. A worker that dies
    takes only its own file with it. KeyboardInterrupt reaches every worker before it is raised.
    """
    threads = config.processing.threads or max(1, physical_cores() // count)
    processing = config.processing.model_copy(update={"threads": threads})
    config = config.model_copy(update={"processing": processing})
    left, workers = list(reversed(jobs)), [_Worker(config, run) for _ in range(count)]
    try:
        for worker in workers:
            worker.start(left.pop())
        while busy := [worker for worker in workers if worker.job is not None]:
            for ready in wait([worker.results for worker in busy]):
                worker = next(w for w in busy if w.results is ready)
                yield worker.outcome()
                if left:
                    worker.start(left.pop())
    except (KeyboardInterrupt, GeneratorExit):
        for worker in workers:
            worker.interrupt()
        raise
    finally:
        for worker in workers:
            worker.end()


class _Worker:
    """A process that paints one job after the other; a new one takes the place of a dead one."""

    def __init__(self, config: Config, run: Callable[[], RunPipeline]) -> None:
        self._config, self._run = config, run
        self._process: SpawnProcess | None = None
        self.job: Job | None = None

    def start(self, job: Job) -> None:
        if self._process is None or not self._process.is_alive():
            context = multiprocessing.get_context("spawn")
            self.results, theirs = context.Pipe()
            self._process = context.Process(
                target=_work, args=(theirs, self._config, self._run), daemon=True
            )
            self._process.start()
            theirs.close()
        self.results.send(job)
        self.job = job

    def outcome(self) -> Outcome:
        """What the worker says of its job, or that it died."""
        assert self.job is not None
        assert self._process is not None
        job, self.job = self.job, None
        try:
            outcome: Outcome = self.results.recv()
        except (EOFError, OSError):
            self._process.join(END_TIMEOUT)
            code = self._process.exitcode
            return Outcome(job, error=_died(job, code))
        return outcome

    def interrupt(self) -> None:
        if self._process is not None and self._process.is_alive() and self._process.pid:
            with contextlib.suppress(OSError):
                os.kill(self._process.pid, signal.SIGINT)

    def end(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            self.results.close()
        self._process.join(END_TIMEOUT)
        if self._process.is_alive():
            self._process.kill()


def _work(jobs: Connection, config: Config, run: Callable[[], RunPipeline]) -> None:
    """The life of a worker: paint what comes until the connection ends."""
    if sys.platform != "win32":
        os.setpgid(0, 0)  # Ctrl-C in the terminal reaches it through its parent only
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # while it paints, the run handles it
    logging.basicConfig(format="stylecam: %(message)s", level=logging.WARNING)
    painting = run()
    with contextlib.suppress(EOFError, OSError):
        while True:
            job: Any = jobs.recv()
            jobs.send(_outcome(job, config, painting))


def _outcome(job: Job, config: Config, run: RunPipeline) -> Outcome:
    try:
        return Outcome(job, painted=paint(job, config, run))
    except (KeyboardInterrupt, Interrupted):
        return Outcome(job, interrupted=True)
    except StylecamError as error:
        return Outcome(job, error=error)


def _died(job: Job, code: int | None) -> StylecamError:
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return StylecamError(f"{job.source}: the process that painted it ended ({how}); try it again")
