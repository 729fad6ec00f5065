"""Not faster than was agreed."""

from __future__ import annotations

from collections.abc import Callable


class Pacer:
    """Lets calls through evenly, `per_second` at most. clock: seconds, monotonic; sleep: waits so many seconds."""

    def __init__(self, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._interval = 1.0 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def wait(self) -> None:
        """Return when the next call may be made."""
        now = self._clock()
        if now < self._next:
            self._sleep(self._next - now)
            now = self._next
        self._next = now + self._interval
