"""The slot in which the newest wins."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from realtime.pipeline.queues import Mailbox
from tests.realtime.fakes import DEADLINE


@given(st.lists(st.integers(), min_size=1))
def test_a_late_reader_gets_the_newest_and_the_rest_is_counted(items: list[int]):
    box: Mailbox[int] = Mailbox()
    for item in items:
        box.put(item)
    assert box.take(timeout=0) == items[-1]
    assert box.take(timeout=0) is None
    assert box.dropped == len(items) - 1


def test_a_reader_in_step_loses_nothing():
    box: Mailbox[int] = Mailbox()
    for item in range(5):
        box.put(item)
        assert box.take(timeout=0) == item
    assert box.dropped == 0


def test_after_the_close_comes_what_is_left_then_none():
    box: Mailbox[int] = Mailbox()
    box.put(1)
    box.close()
    assert not box.closed, "something is still in it"
    assert box.take(timeout=None) == 1
    assert box.closed
    assert box.take(timeout=None) is None


def test_what_is_put_after_the_close_is_not_taken():
    box: Mailbox[int] = Mailbox()
    box.close()
    box.put(1)
    assert box.closed
    assert box.take(timeout=0) is None
    assert box.dropped == 0


def test_close_wakes_a_waiting_reader():
    box: Mailbox[int] = Mailbox()
    taken: list[int | None] = []
    reader = threading.Thread(target=lambda: taken.append(box.take(timeout=None)), daemon=True)
    reader.start()
    box.close()
    reader.join(DEADLINE)
    assert taken == [None]


def test_a_put_wakes_a_waiting_reader():
    box: Mailbox[int] = Mailbox()
    taken: list[int | None] = []
    reader = threading.Thread(target=lambda: taken.append(box.take(timeout=None)), daemon=True)
    reader.start()
    box.put(7)
    reader.join(DEADLINE)
    assert taken == [7]
