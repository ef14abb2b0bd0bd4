"""The bounded queue for those who must not miss a frame."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from realtime.pipeline.queues import BoundedQueue
from tests.realtime.fakes import DEADLINE, wait_until


def test_a_slow_reader_gets_everything_in_order_and_the_writer_never_runs_ahead():
    line: BoundedQueue[int] = BoundedQueue(3)
    ahead: list[int] = []
    taken: list[int] = []

    def write() -> None:
        for item in range(200):
            line.put(item)
            ahead.append(item)
        line.close()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while (item := line.take(timeout=DEADLINE)) is not None:
        taken.append(item)
        # One more than the bound: the item just taken made room for another.
        assert len(ahead) - len(taken) <= 3
    writer.join(DEADLINE)
    assert taken == list(range(200))
    assert line.dropped == 0


def test_a_full_line_holds_the_writer_until_there_is_room():
    line: BoundedQueue[int] = BoundedQueue(1)
    line.put(1)
    done = threading.Event()
    writer = threading.Thread(target=lambda: (line.put(2), done.set()), daemon=True)
    writer.start()
    assert not done.wait(0.05)
    assert line.take(timeout=0) == 1
    assert done.wait(DEADLINE)
    assert line.take(timeout=0) == 2


@given(st.lists(st.integers()), st.integers(min_value=1, max_value=6))
def test_dropping_the_oldest_keeps_the_newest_in_order_and_counts(items: list[int], size: int):
    line: BoundedQueue[int] = BoundedQueue(size, drop_oldest=True)
    for item in items:
        line.put(item)
    line.close()
    left = []
    while (item := line.take(timeout=None)) is not None:
        left.append(item)
    assert left == items[-size:]
    assert line.dropped == max(0, len(items) - size)


def test_what_has_waited_too_long_makes_way_for_what_is_new():
    now = [0.0]
    line: BoundedQueue[int] = BoundedQueue(8, drop_oldest=True, max_age=0.5, clock=lambda: now[0])
    for item in range(6):
        now[0] = item * 0.3
        line.put(item)
    line.close()
    assert [line.take(timeout=0) for _ in range(3)] == [4, 5, None]
    assert line.dropped == 4


def test_who_must_not_miss_anything_gets_what_is_old_too():
    now = [0.0]
    line: BoundedQueue[int] = BoundedQueue(8, max_age=0.5, clock=lambda: now[0])
    for item in range(3):
        now[0] = item * 9.0
        line.put(item)
    assert [line.take(timeout=0) for _ in range(3)] == [0, 1, 2]


def test_close_lets_a_waiting_writer_go_and_its_item_is_not_taken():
    line: BoundedQueue[int] = BoundedQueue(1)
    line.put(1)
    writing = threading.Event()
    writer = threading.Thread(target=lambda: (writing.set(), line.put(2)), daemon=True)
    writer.start()
    assert writing.wait(DEADLINE)
    line.close()
    writer.join(DEADLINE)
    assert not writer.is_alive()
    assert not line.closed, "one is still in it"
    assert line.take(timeout=0) == 1
    assert line.closed
    assert line.take(timeout=None) is None


def test_close_wakes_a_waiting_reader():
    line: BoundedQueue[int] = BoundedQueue(1)
    taken: list[int | None] = []
    reader = threading.Thread(target=lambda: taken.append(line.take(timeout=None)), daemon=True)
    reader.start()
    line.close()
    reader.join(DEADLINE)
    assert taken == [None]


def test_what_is_put_after_the_close_neither_enters_nor_pushes_out():
    line: BoundedQueue[int] = BoundedQueue(2, drop_oldest=True)
    line.put(1)
    line.put(2)
    line.close()
    line.put(3)
    assert [line.take(timeout=0) for _ in range(3)] == [1, 2, None]
    assert line.dropped == 0


def test_two_writers_lose_nothing():
    line: BoundedQueue[int] = BoundedQueue(2)
    taken: list[int] = []
    writers = [
        threading.Thread(
            target=lambda start=start: [line.put(n) for n in range(start, start + 50)], daemon=True
        )
        for start in (0, 100)
    ]
    for writer in writers:
        writer.start()
    while len(taken) < 100:
        item = line.take(timeout=DEADLINE)
        assert item is not None
        taken.append(item)
    wait_until(lambda: not any(writer.is_alive() for writer in writers))
    assert sorted(taken) == [*range(50), *range(100, 150)]
    assert [n for n in taken if n < 100] == list(range(50))
