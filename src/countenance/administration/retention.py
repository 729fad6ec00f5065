"""The retention sweep: while the application runs, faces whose term has ended are erased every minute."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

from countenance.errors import CountenanceError

log = logging.getLogger("countenance")


class RetentionSweep:
    """Calls `sweep` at once and then every `interval_s` seconds, in a thread, between `start` and `stop`.

    At least one round is run. A failure is logged, and the next round tries again.
    """

    def __init__(self, sweep: Callable[[], int], interval_s: float = 60.0) -> None:
        self._sweep = sweep
        self._interval_s = interval_s
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="retention", daemon=True)

    def start(self) -> None:
        """Begin. Call it once for each sweep."""
        self._thread.start()

    def stop(self) -> None:
        """Stop, after waiting for a round that has begun."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._sweep()
            except CountenanceError as error:
                log.error("faces past their term could not be erased: %s", error)
            if self._stopped.wait(self._interval_s):
                return
