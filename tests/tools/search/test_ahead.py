"""Jobs that run ahead of their reader."""

import threading
import time

import pytest

from tools.search.sources.ahead import ahead


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_jobs(workers):
    def job(n: int):
        return lambda: (time.sleep(0.001 * (n % 3)), n)[1]

    assert list(ahead(map(job, range(40)), workers)) == list(range(40))


def test_no_more_run_at_a_time_than_there_are_workers_and_one_waits():
    running, most, begun, lock = 0, 0, 0, threading.Lock()

    def job() -> int:
        nonlocal running, most, begun
        with lock:
            running, begun = running + 1, begun + 1
            most = max(most, running)
        time.sleep(0.005)
        with lock:
            running -= 1
        return begun

    results = ahead([job] * 12, 3)
    next(results)
    time.sleep(0.05)
    assert begun == 4, "the reader is slow, so nobody works far ahead of it"
    assert len(list(results)) == 11
    assert most == 3


def test_a_failure_is_raised_in_its_place_and_nothing_new_begins():
    begun: list[int] = []

    def job(n: int):
        def go() -> int:
            begun.append(n)
            if n == 2:
                raise KeyError(n)
            return n

        return go

    results = ahead(map(job, range(30)), 1)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError):
        next(results)
    assert begun == [0, 1, 2]


def test_a_reader_that_leaves_ends_the_threads():
    before = threading.active_count()
    results = ahead([lambda: 1] * 10, 2)
    next(results)
    results.close()
    for _ in range(200):
        if threading.active_count() == before:
            break
        time.sleep(0.01)
    assert threading.active_count() <= before
