"""The thread that works on the newest item."""

import threading

from dvsnet_ros.nodes.worker import NewestWorker

TIMEOUT = 10.0


class Work:
    """Notes what it gets, and holds the worker until it may go on."""

    def __init__(self):
        self.seen = []
        self.started = threading.Semaphore(0)
        self.may_end = threading.Semaphore(0)

    def __call__(self, item):
        self.seen.append(item)
        self.started.release()
        assert self.may_end.acquire(timeout=TIMEOUT)


def test_newest_item_wins_and_older_ones_are_reported_as_dropped():
    work = Work()
    worker = NewestWorker(work)
    assert not worker.offer(1)
    assert work.started.acquire(timeout=TIMEOUT)
    assert [worker.offer(item) for item in (2, 3, 4)] == [False, True, True]
    work.may_end.release(2)
    assert work.started.acquire(timeout=TIMEOUT)
    assert not worker.stop()
    assert work.seen == [1, 4]


def test_stopping_finishes_the_item_in_work_and_reports_the_one_that_waits():
    work = Work()
    worker = NewestWorker(work)
    worker.offer(1)
    assert work.started.acquire(timeout=TIMEOUT)
    worker.offer(2)
    threading.Timer(0.1, work.may_end.release).start()
    assert worker.stop()
    assert work.seen == [1]


def test_how_long_an_item_has_been_in_work():
    work = Work()
    worker = NewestWorker(work)
    assert worker.seconds_in_work() == 0.0
    worker.offer(1)
    assert work.started.acquire(timeout=TIMEOUT)
    first = worker.seconds_in_work()
    assert worker.seconds_in_work() > first >= 0.0
    work.may_end.release()
    worker.stop()
    assert worker.seconds_in_work() == 0.0


def test_an_idle_worker_stops():
    assert not NewestWorker([].append).stop()
