"""The one way to read a request's body: bounded in bytes and in time, whichever dialect asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]


class BodyTooLarge(Exception):
    """The body has more bytes than may be read."""


class BodyTooSlow(Exception):
    """The body's last byte did not come in time."""


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


def declared_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """The length that Content-Length declares; None where there is none (a chunked body) or it is no number."""
    text = next((value for name, value in headers if name.lower() == b"content-length"), b"")
    return int(text) if text.isdigit() and len(text) < 20 else None


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
                    raise BodyTooLarge
                more = message.get("more_body", False)
    except TimeoutError:
        raise BodyTooSlow from None
    return b"".join(parts)
