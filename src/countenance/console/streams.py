"""Server-sent events about long work: for as long as the work and the session last, on few connections."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response, StreamingResponse

from countenance.errors import CountenanceError, Overloaded

MOST_OPEN = 64
MOST_OF_A_SESSION = 4
LONGEST_S = 900.0
_SILENT_S = 15.0


@dataclass(frozen=True, slots=True)
class Progress:
    """says: one line for people, in their language. over: whether the work has ended, so that its page shows more."""

    says: str
    over: bool = False


class Streams:
    """The streams that are open. stops: whether the server stops. every_s: how often work is looked at."""

    def __init__(self, stops: Callable[[], bool] = lambda: False, every_s: float = 1.0) -> None:
        self._stops = stops
        self._every_s = every_s
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open.total()

    def events(
        self,
        session: str,
        lasts: Callable[[], bool],
        gone: Callable[[], Awaitable[bool]],
        look: Callable[[], Progress],
    ) -> Response:
        """What `look` says, whenever it says something else, until that is over. `Overloaded` where too many are open.

        It ends when `lasts` no longer holds, which says whether the session may still see it; when the client is
        `gone`; when the server stops; and after `LONGEST_S`: then a browser asks again.
        """
        if self.open >= MOST_OPEN or self._open[session] >= MOST_OF_A_SESSION:
            raise Overloaded("too much progress is watched at once: close another page")

        def told() -> Progress | None:
            try:
                return look() if lasts() else None
            except CountenanceError:
                return None

        return StreamingResponse(self._lines(session, told, gone), media_type="text/event-stream")

    async def _lines(
        self, session: str, told: Callable[[], Progress | None], gone: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[str]:
        self._open[session] += 1
        try:
            yield "retry: 3000\n\n"
            said, ends = None, time.monotonic() + LONGEST_S
            spoke = time.monotonic()
            while time.monotonic() < ends and not self._stops() and not await gone():
                now = await asyncio.to_thread(told)
                if now is None:
                    return
                if now != said:
                    yield f"data: {json.dumps({'says': now.says, 'over': now.over})}\n\n"
                    said, spoke = now, time.monotonic()
                elif time.monotonic() - spoke >= _SILENT_S:
                    yield ": still there\n\n"
                    spoke = time.monotonic()
                if now.over:
                    return
                await asyncio.sleep(self._every_s)
        finally:
            self._open[session] -= 1
            self._open += Counter()  # without the sessions that have none
