"""Standard output is a command's own: what others print there meanwhile goes to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread
from typing import Any


@contextmanager
def only_this_thread() -> Iterator[None]:
    """What other threads of this process print to standard output meanwhile goes to standard error.

    Ray has threads in a process that has joined a cluster, and prints there that some process has died; it has no
    setting for that. What is done meanwhile may put another stream in the place of `sys.stdout`, which then stays.
    """
    before, ours = sys.stdout, _OfOneThread(sys.stdout)
    sys.stdout = ours
    try:
        yield
    finally:
        if sys.stdout is ours:
            sys.stdout = before


class _OfOneThread:
    """The stream `own` for the thread that made this, standard error for others."""

    def __init__(self, own: Any) -> None:
        self._own, self._thread = own, current_thread()

    def write(self, text: str) -> int:
        return int(self._stream().write(text))

    def flush(self) -> None:
        self._stream().flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    def _stream(self) -> Any:
        return self._own if current_thread() is self._thread else sys.stderr
