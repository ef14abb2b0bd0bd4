"""Waits that a signal can end, for work in a device or a runtime that may never return."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")

POLL = 0.05
"""Seconds between two looks at whether to stop. Python's signal handlers run in between."""


def result_of(future: "Future[T]", interrupted: Callable[[], bool] = lambda: False) -> T:
    """The result of `future`, or what it raised; KeyboardInterrupt once `interrupted` says so."""
    while not future.done():
        if interrupted():
            raise KeyboardInterrupt
        try:
            return future.result(POLL)
        except TimeoutError:
            continue
    return future.result()


def run_interruptibly(
    work: Callable[[], T], interrupted: Callable[[], bool] = lambda: False, *, name: str
) -> T:
    """`work()`, in a thread called `name`: the main thread hears no signal inside a C function.

    Raises what `work` raises, and KeyboardInterrupt as `result_of` does; then the thread is left
    behind.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return result_of(future, interrupted)
