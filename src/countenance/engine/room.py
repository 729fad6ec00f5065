"""Limits the memory of all decoding in this process together, by costs stated beforehand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """`size` bytes that threads share. A thread that needs more than is free waits; one that needs all works alone."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, cost: int) -> Iterator[None]:
        """`cost` bytes, held while the block runs; a cost beyond `size` counts as all of it."""
        cost = min(cost, self.size)
        with self._changed:
            self._changed.wait_for(lambda: self.free >= cost)
            self.free -= cost
        try:
            yield
        finally:
            with self._changed:
                self.free += cost
                self._changed.notify_all()
