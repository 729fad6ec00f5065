"""Threads that take part in one search."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count


class Crew:
    """The caller's thread and up to `threads` - 1 more. 0 means as many threads as this process may use cores."""

    def __init__(self, threads: int) -> None:
        self.threads = threads or len(os.sched_getaffinity(0))
        self._pool = ThreadPoolExecutor(self.threads - 1, "search") if self.threads > 1 else None

    def each(self, work: Callable[[int], None], tasks: int) -> None:
        """Do work(0) … work(tasks - 1), each once, by whoever is free; return when all are done."""
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
                if not helper.cancel():  # one that has not begun is not needed any more
                    helper.result()
