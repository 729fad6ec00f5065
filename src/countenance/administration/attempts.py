"""How often a sign-in may fail before further attempts must wait; counted in this process, in bounded memory."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from countenance.errors import LimitExceeded


class Attempts:
    """Counts failures by key within `window`. most: failures allowed for one key. now: the clock. keys: how many keys
    are remembered; the one that failed longest ago is forgotten first.
    """

    def __init__(
        self, now: Callable[[], datetime], most: int, window: timedelta = timedelta(minutes=15), keys: int = 10_000
    ) -> None:
        self._now = now
        self._most = most
        self._window = window
        self._keys = keys
        self._failed: OrderedDict[str, deque[datetime]] = OrderedDict()
        self._lock = Lock()

    def begin(self, key: str) -> None:
        """Count an attempt as failed until `succeeded` says otherwise; `LimitExceeded` after too many failures. It is
        counted before it is checked, so that simultaneous attempts cannot pass the limit together.
        """
        with self._lock:
            now = self._now()
            failed = self._failed.setdefault(key, deque())
            while failed and failed[0] <= now - self._window:
                failed.popleft()
            if len(failed) >= self._most:
                minutes = int((failed[0] + self._window - now).total_seconds() // 60) + 1
                raise LimitExceeded(f"too many attempts failed; try again in {minutes} minutes")
            failed.append(now)
            self._failed.move_to_end(key)
            while len(self._failed) > self._keys:
                self._failed.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Uncount the latest attempt of `key`: it did not fail."""
        with self._lock:
            if failed := self._failed.get(key):
                failed.pop()
