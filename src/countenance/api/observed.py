"""HTTP requests, told to whoever watches: by the door that they came to and how they were answered."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class RequestObserver(Protocol):
    """Is told of requests."""

    def request(self, door: str) -> AbstractContextManager[object]:
        """A request at that door; left when it has ended."""

    def answered(self, door: str, status: int) -> None:
        """The status of an answer that begins."""


class Observed:
    """`inside`, watched. doors: the name of each door by its path's prefix; all other paths are at `rest`."""

    def __init__(self, inside: ASGIApp, observer: RequestObserver, doors: Mapping[str, str], rest: str) -> None:
        self._inside = inside
        self._observer = observer
        self._doors = doors
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the connection on."""
        if scope["type"] != "http":
            await self._inside(scope, receive, send)
            return
        door = self._door(scope["path"])

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._observer.answered(door, message["status"])
            await send(message)

        with self._observer.request(door):
            await self._inside(scope, receive, told)

    def _door(self, path: str) -> str:
        for prefix, door in self._doors.items():
            if path == prefix or path.startswith(prefix + "/"):
                return door
        return self._rest
