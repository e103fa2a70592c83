"""Work ahead of the reader: a few jobs at a time, their results in order."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from typing import TypeVar

__all__ = ["ahead"]

T = TypeVar("T")


def ahead(jobs: Iterable[Callable[[], T]], workers: int) -> Iterator[T]:
    """Results in the order of the jobs, up to `workers` of which run at a time, one more waiting.

    The threads are daemons, so that an interrupted program does not wait for a service that hangs. When a
    job fails, no further one begins, those that run come to their end, and then the error is raised.
    """
    todo: queue.SimpleQueue[tuple[Future[T], Callable[[], T]] | None] = queue.SimpleQueue()
    waiting: deque[Future[T]] = deque()
    failed = threading.Event()
    for number in range(workers):
        threading.Thread(target=_work, args=(todo, failed), name=f"ahead-{number}", daemon=True).start()
    try:
        for job in jobs:
            future: Future[T] = Future()
            waiting.append(future)
            todo.put((future, job))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except Exception:
        for future in waiting:
            future.cancel()
        wait(waiting)
        raise
    finally:
        for future in waiting:
            future.cancel()
        for _ in range(workers):
            todo.put(None)


def _work(
    todo: "queue.SimpleQueue[tuple[Future[T], Callable[[], T]] | None]", failed: threading.Event
) -> None:
    while (item := todo.get()) is not None:
        future, job = item
        if failed.is_set():  # jobs are taken in order, so the reader meets the failure first
            future.cancel()
        if not future.set_running_or_notify_cancel():
            continue
        try:
            future.set_result(job())
        except BaseException as e:  # noqa: BLE001 - it is raised again where the result is read
            failed.set()
            future.set_exception(e)
