"""Queues between two threads: a single slot that keeps the newest item, or a bounded queue."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from realtime.frames.frame import Frame

T = TypeVar("T")


class FrameQueue(Protocol):
    """Passes frames between threads: a Mailbox or a BoundedQueue."""

    dropped: int

    def put(self, item: Frame) -> None: ...
    def take(self, timeout: float | None) -> Frame | None: ...
    def close(self) -> None: ...

    @property
    def closed(self) -> bool: ...


class Mailbox(Generic[T]):
    """One slot. `put` never blocks and replaces an item not yet taken; `take` waits for an item.

    `dropped` counts the replaced items. After `close`, `put` does nothing and `take` returns what
    is left, then None. `changed` is notified of both, if somebody waits for several mailboxes.
    """

    def __init__(self, changed: threading.Condition | None = None) -> None:
        self._condition = changed or threading.Condition()
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


class BoundedQueue(Generic[T]):
    """First in, first out, at most `size` items. The alternative is Mailbox.

    While the queue is full, `put` waits or, with `drop_oldest`, drops the oldest item and counts
    it in `dropped`; also those before the newest that have waited for more than `max_age` s. After
    `close`, `put` does nothing and `take` gives what is left, then None.
    """

    def __init__(
        self,
        size: int,
        *,
        drop_oldest: bool = False,
        max_age: float = float("inf"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        assert size >= 1
        self._condition = threading.Condition()
        self._items: deque[tuple[float, T]] = deque()
        self._size = size
        self._drop_oldest, self._max_age = drop_oldest, max_age
        self._clock = clock
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        with self._condition:
            if not self._drop_oldest:
                self._condition.wait_for(lambda: len(self._items) < self._size or self._closed)
            if self._closed:
                return
            now = self._clock()
            if self._drop_oldest:
                self._make_room(now)
            self._items.append((now, item))
            self._condition.notify_all()

    def _make_room(self, now: float) -> None:
        while self._items and (
            len(self._items) >= self._size or now - self._items[0][0] > self._max_age
        ):
            self._items.popleft()
            self.dropped += 1

    def take(self, timeout: float | None) -> T | None:
        """The oldest item; None after `timeout` seconds, or once the queue is closed and empty."""
        with self._condition:
            self._condition.wait_for(lambda: bool(self._items) or self._closed, timeout)
            if not self._items:
                return None
            _, item = self._items.popleft()
            self._condition.notify_all()
            return item

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    @property
    def closed(self) -> bool:
        """True once no more items will come: closed, and emptied by `take`."""
        with self._condition:
            return self._closed and not self._items
