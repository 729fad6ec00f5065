"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Set `now` to move it; `step` is what passes before each reading."""

    def __init__(self, now: datetime = START, step: timedelta = timedelta()) -> None:
        self.now = now
        self._step = step

    def __call__(self) -> datetime:
        self.now += self._step
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
