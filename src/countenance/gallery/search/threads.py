"""Threads that take part in one search."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class ThreadPool:
    """The caller's thread and up to `threads` - 1 more. 0 means as many threads as this process may use cores."""

    def __init__(self, threads: int) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self.threads - 1, "search") if self.threads > 1 else None

    def each(self, work: Callable[[int], None], tasks: int) -> None:
        """Do work(0) … work(tasks - 1), each once, on any free thread; return when all are done."""
        turn = count()

        def take_part() -> None:
            while (task := next(turn)) < tasks:
                work(task)

        if self._pool is None or tasks < 2:
            take_part()
            return
        helpers = [self._pool.submit(take_part) for _ in range(min(self.threads, tasks) - 1)]
        try:
            take_part()
        finally:
            for helper in helpers:
                if not helper.cancel():  # one that has not begun is no longer needed
                    helper.result()

    def together(self, work: Callable[[int], None], threads: int) -> None:
        """Do work(0), and meanwhile work(1) … work(threads - 1) as threads become free; return when work(0) is done. So
        work(0) has to wait for the others that it needs, and one that starts after that must do nothing.
        """
        if self._pool is not None:
            for me in range(1, min(threads, self.threads)):
                self._pool.submit(work, me)
        work(0)

    def ahead(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of `work` on each item, in order, while the caller's thread gets the next items."""
        if self._pool is None:
            yield from map(work, items)
            return
        under_way: deque[Future[Result]] = deque()
        try:
            for item in items:
                under_way.append(self._pool.submit(work, item))
                if len(under_way) > self.threads:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for one in under_way:
                one.cancel()
