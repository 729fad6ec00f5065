"""The end of a server, told to what takes long: it stops by itself when the time that it was given is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

from countenance.errors import Overloaded
from countenance.video import Frame, VideoFacts


class Stopping:
    """Whether this server stops. clock: seconds, as they pass."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: float | None = None

    def begin(self, within_s: float) -> None:
        """What runs has that many seconds left; the first word counts."""
        if self._until is None:
            self._until = self._clock() + within_s

    @property
    def begun(self) -> bool:
        """Whether the server stops, with or without time left."""
        return self._until is not None

    def check(self) -> None:
        """`Overloaded` once the time is over."""
        if self._until is not None and self._clock() >= self._until:
            raise Overloaded("the server stops; send it again when it is back")

    def frames(self, frames: Iterable[Frame], facts: VideoFacts) -> Iterator[Frame]:
        """The frames of a video for as long as there is time; see `VideoFile.progress`."""
        for frame in frames:
            self.check()
            yield frame
