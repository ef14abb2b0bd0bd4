"""A slot between two threads in which the newest item wins."""

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One slot. `put` never blocks and replaces an item not yet taken; `take` waits for an item.

    `dropped` counts the replaced items. After `close`, `put` does nothing and `take` gives what
    is left, then None.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        with self._condition:
            if self._closed:
                return
            if self._item is not None:
                self.dropped += 1
            self._item = item
            self._condition.notify()

    def take(self, timeout: float | None) -> T | None:
        """The newest item; None after `timeout` seconds, or once the slot is closed and empty."""
        with self._condition:
            self._condition.wait_for(lambda: self._item is not None or self._closed, timeout)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def closed(self) -> bool:
        """True once no more items will come: closed, and emptied by `take`."""
        with self._condition:
            return self._closed and self._item is None
