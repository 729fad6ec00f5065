"""Pictures in hand at once, so that they share inference batches and disk syncs."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    todo: Iterable[Item], stamp: Callable[[Item], str], one: Callable[[Item], Result]
) -> Iterator[tuple[Item, str, Future[Result]]]:
    """Each item with its stamp from before it was read, and the future of `one`, in order."""
    workers = 4 * (os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[Item, str, Future[Result]]] = deque()
        try:
            for item in todo:
                waiting.append((item, stamp(item), pool.submit(one, item)))
                if len(waiting) > workers:
                    yield waiting.popleft()
            yield from waiting
        finally:
            pool.shutdown(cancel_futures=True)
