"""How much memory all decoding of this process may take together: by cost stated before it starts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """`size` bytes that several threads share. Whoever wants more than is free waits; who wants all gets it alone."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.free = size
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, cost: int) -> Iterator[None]:
        """`cost` bytes, held for as long as the block runs; more than there are counts as all."""
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
