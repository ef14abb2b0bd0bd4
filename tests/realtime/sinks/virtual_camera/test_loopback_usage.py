"""The driver is scripted: what each handle tells, in order, and what is known of it then."""

import queue
import time

import pytest

from realtime.sinks.virtual_camera import loopback_usage
from realtime.sinks.virtual_camera.loopback_usage import (
    DEQUEUE,
    EVENT,
    SUBSCRIBE,
    SUBSCRIPTION,
    CameraUsage,
)
from tests.realtime.fakes import wait_until


class Driver:
    """`readers` is what a fresh handle is told first; `tell` sends news to the open one."""

    def __init__(self, readers=0, *, silent=False):
        self.readers, self.silent = readers, silent
        self.opened = self.closed = 0
        self.news = queue.Queue()

    def open(self, device):
        assert device == "/dev/video9"
        if self.silent:
            raise OSError(25, "Inappropriate ioctl for device")
        self.opened += 1
        self.news = queue.Queue()
        self.news.put(self.readers)
        return self

    def tell(self, readers):
        self.readers = readers
        self.news.put(readers)

    def wait(self, timeout):
        try:
            return self.news.get(timeout=timeout)
        except queue.Empty:
            return None

    def close(self):
        self.closed += 1


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(loopback_usage, "POLL", 0.005)
    monkeypatch.setattr(loopback_usage, "CONFIRM", 0.02)
    monkeypatch.setattr(loopback_usage, "REREAD", 0.2)


@pytest.fixture
def watch(quick):
    started = []

    def start(driver):
        started.append(CameraUsage("/dev/video9", driver.open))
        return started[-1]

    yield start
    for usage in started:
        usage.stop()


def test_readers_come_and_go(watch):
    driver = Driver()
    usage = watch(driver)
    wait_until(lambda: not usage.watched)
    driver.tell(1)
    wait_until(lambda: usage.watched)
    driver.tell(0)
    wait_until(lambda: not usage.watched)


def test_nobody_is_believed_only_when_a_fresh_handle_says_so_too(watch):
    driver = Driver(readers=1)
    usage = watch(driver)
    wait_until(lambda: driver.opened >= 1)
    opened = driver.opened
    driver.news.put(0)  # a false word: the next handle is told of the reader
    wait_until(lambda: driver.opened >= opened + 2)
    assert usage.watched


def test_a_lost_event_is_made_good_by_a_fresh_handle(watch):
    driver = Driver()
    usage = watch(driver)
    wait_until(lambda: not usage.watched)
    driver.readers = 1  # and no word of it
    wait_until(lambda: usage.watched)


def test_a_driver_that_tells_nothing_counts_as_watched(watch):
    driver = Driver(silent=True)
    usage = watch(driver)
    time.sleep(0.05)
    assert usage.watched
    driver.silent = False
    wait_until(lambda: not usage.watched)


def test_every_handle_is_closed(watch):
    driver = Driver()
    usage = watch(driver)
    wait_until(lambda: driver.opened > 3)
    usage.stop()
    assert driver.closed == driver.opened


def test_the_structures_have_the_kernels_sizes():
    size = 0x3FFF
    assert SUBSCRIPTION.size == (SUBSCRIBE >> 16) & size == 32
    assert EVENT.size == (DEQUEUE >> 16) & size == 136
