"""A server that goes on writing while it is backed up."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from countenance.app import Countenance
from countenance.mandates import Role


@contextmanager
def writing(app: Countenance) -> Iterator[None]:
    """Operators are entered one after the other until the end of the block; five of them before it begins."""
    ended, begun = threading.Event(), threading.Event()

    def write() -> None:
        n = 0
        while not ended.is_set():
            app.operators.add(f"person {n}", [Role.AUDIT], datetime.now(UTC) + timedelta(days=1))
            n += 1
            if n == 5:
                begun.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(60)
        yield
    finally:
        ended.set()
        writer.join()
