"""What a door accepts at once: requests, bytes of one body and of all bodies, seconds for a body; and the one way to
read a body. Each dialect and the console has an `Admission` with its own limits. Beyond them a request is refused
before its body is held, so memory is bounded whatever is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from countenance.errors import Overloaded

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MIB = 2**20

MAX_VALUES = 20_000
"""The most values in one JSON body, which bounds the time and memory of parsing; the largest real request names 4,096
faces."""
_VALUE_MARKS = (b",", b"[", b"{")


class BodyTooLarge(Exception):
    """The body is longer than allowed."""


class BodyTooSlow(Exception):
    """The body's last byte did not come in time."""


class ClientGone(Exception):
    """The client closed the connection before its request was complete."""


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """requests: being read, waiting or running. body_bytes: of one body. held_bytes: of all bodies together.

    body_seconds: from the first look at a body to its last byte. Bodies of running requests are in memory twice, once
    parsed.
    """

    requests: int
    body_bytes: int
    held_bytes: int
    body_seconds: float


class Admission:
    """Counts the requests and bytes in memory. For one event loop; not thread-safe."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self._limits = limits
        self._requests = 0
        self._held_bytes = 0

    @contextmanager
    def request(self, *, always: bool = False) -> Iterator[None]:
        """Room for one request; `Overloaded` if there is none. always: accept it however many there are."""
        if self._requests >= self._limits.requests and not always:
            raise Overloaded(f"{self._limits.requests} requests are in hand; try again in a moment")
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    @asynccontextmanager
    async def body(
        self, declared: int | None, receive: Receive, most: int | None = None, seconds: float | None = None
    ) -> AsyncIterator[bytes]:
        """The whole body, of `declared` bytes or an unknown number, and room for it until the block ends. most,
        seconds: limits in place of the usual ones of one body.

        Raises:
            BodyTooLarge: it is longer; if that was declared, nothing is read.
            Overloaded: all bodies together would take more than is held.
            BodyTooSlow: it takes longer than the limit.
            ClientGone: the client went away.
        """
        most = self._limits.body_bytes if most is None else most
        size = most if declared is None else declared
        if size > most:
            raise _too_large(most)
        if self._held_bytes + size > self._limits.held_bytes:
            raise Overloaded("the requests in hand hold as much as is kept; try again in a moment")
        self._held_bytes += size
        try:
            yield await read_body(receive, most, self._limits.body_seconds if seconds is None else seconds)
        finally:
            self._held_bytes -= size


def declared_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length that Content-Length declares; None without one (a chunked body) or if it is not a number."""
    text = next((value for name, value in headers if name.lower() == b"content-length"), b"")
    return int(text) if text.isdigit() and len(text) < 20 else None


def has_many_values(body: bytes) -> bool:
    """Whether a JSON body may hold more than `MAX_VALUES` values; marks inside of its texts count as such."""
    return sum(map(body.count, _VALUE_MARKS)) > MAX_VALUES


def compressed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether the headers name a Content-Encoding, none of which is undone here."""
    return any(name.lower() == b"content-encoding" and value.lower() != b"identity" for name, value in headers)


async def read_body(receive: Receive, max_bytes: int, seconds: float) -> bytes:
    """The whole body.

    Raises:
        BodyTooLarge: more than `max_bytes`; nothing further is read.
        BodyTooSlow: it takes longer than `seconds`.
        ClientGone: the client went away.
    """
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            more = True
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > max_bytes:
                    raise _too_large(max_bytes)
                more = message.get("more_body", False)
    except TimeoutError:
        raise BodyTooSlow(f"the body took more than {seconds:g} s") from None
    return b"".join(parts)


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body holds more than {most:,} bytes")
