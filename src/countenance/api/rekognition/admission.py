"""How much one server takes on at once: requests, bytes of one body, bytes of all bodies, seconds for a body.

Beyond any of these a caller is refused before its body is held, so memory is bounded whatever is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from countenance.api.rekognition.errors import BODY_TOO_SLOW, THROTTLED, AwsError, Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """What one server takes on at once; beyond it callers are told to slow down.

    requests: being read, waiting or worked on. body_bytes: of one body; two images of 5 MiB in base64 are 13.4 MiB.
    held_bytes: of all bodies together; what is being worked on (as many as the executor has threads) is held a second
    time, parsed. body_seconds: from the signature to the body's last byte.
    """

    requests: int = 64
    body_bytes: int = 16 * MIB
    held_bytes: int = 256 * MIB
    body_seconds: float = 30.0


DEFAULT = AdmissionLimits()
"""Fit for a machine with some gigabytes to spare."""


class HungUp(Exception):
    """The client closed the connection before its request was whole."""


class Admission:
    """Keeps count of what is in hand. Belongs to one event loop; not for threads."""

    def __init__(self, limits: AdmissionLimits) -> None:
        self.limits = limits
        self.requests = 0
        self.held_bytes = 0

    @contextmanager
    def request(self) -> Iterator[None]:
        """Room for one request; ThrottlingException if there is none."""
        if self.requests >= self.limits.requests:
            raise Refused(THROTTLED, f"{self.limits.requests} requests are in hand; try again in a moment")
        self.requests += 1
        try:
            yield
        finally:
            self.requests -= 1

    @contextmanager
    def body(self, declared: int | None, too_large: AwsError) -> Iterator[None]:
        """Space for a body of `declared` bytes (unknown: of the most that is taken).

        Raises:
            Refused: `too_large` for more than a body may hold, ThrottlingException if all bodies together would.
        """
        size = self.limits.body_bytes if declared is None else declared
        if size > self.limits.body_bytes:
            raise self._refusal(too_large)
        if self.held_bytes + size > self.limits.held_bytes:
            raise Refused(THROTTLED, "the requests in hand hold as much as is kept; try again in a moment")
        self.held_bytes += size
        try:
            yield
        finally:
            self.held_bytes -= size

    async def read(self, receive: Receive, too_large: AwsError) -> bytes:
        """The whole body.

        Raises:
            Refused: `too_large` above the limit, RequestTimeoutException if it does not come in time.
            HungUp: the client went away.
        """
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.limits.body_seconds):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise HungUp
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > self.limits.body_bytes:
                        raise self._refusal(too_large)
                    more = message.get("more_body", False)
        except TimeoutError as error:
            raise Refused(BODY_TOO_SLOW, f"the body took more than {self.limits.body_seconds:g} s") from error
        return b"".join(parts)

    def _refusal(self, too_large: AwsError) -> Refused:
        return Refused(too_large, f"the body holds more than {self.limits.body_bytes} bytes")


def declared_bytes(headers: Mapping[str, str]) -> int | None:
    """What Content-Length says; None where it says nothing (a chunked body)."""
    text = headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 20 else None
