"""Admission before anything is read: capacity, the caller's token, the size of the body. Plain ASGI middleware.

A public path needs no token. Elsewhere a caller without a valid token is answered before its body is read, and a caller
with one sends a bounded body in bounded time. Answers are never cached.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countenance.administration import Operator
from countenance.api.admission import (
    MAX_VALUES,
    MIB,
    Admission,
    AdmissionLimits,
    ClientGone,
    compressed,
    declared_bytes,
    has_many_values,
)
from countenance.api.native.problems import response_of
from countenance.errors import BadRequest, Unauthenticated
from countenance.said_once import check_body

OPERATOR = "countenance.operator"
"""Where the scope holds the caller; None on public paths."""


OPERATOR_LIMITS = AdmissionLimits(requests=32, body_bytes=65_536, held_bytes=32 * 65_536, body_seconds=10.0)
"""The limits on requests of operators."""

PICTURE_LIMITS = AdmissionLimits(requests=8, body_bytes=16 * MIB, held_bytes=64 * MIB, body_seconds=30.0)
"""The limits on their requests with pictures, which have room of their own."""


class OperatorAccess:
    """Lets requests through to `inside`. holding: the operator of a token, or `Unauthenticated`; it blocks.

    public: paths that need no token, whose bodies are not read. signed: paths that need no token because a signature in
    the body decides. always: paths that are answered however busy the server is. pictures: paths to which pictures are
    sent, with limits of their own.
    """

    def __init__(
        self,
        inside: ASGIApp,
        holding: Callable[[str], Operator],
        public: frozenset[str],
        limits: AdmissionLimits,
        always: frozenset[str] = frozenset(),
        signed: frozenset[str] = frozenset(),
        *,
        pictures: re.Pattern[str],
        picture_limits: AdmissionLimits,
    ) -> None:
        self._inside = inside
        self._holding = holding
        self._public = public
        self._admission = Admission(limits)
        self._always = always
        self._signed = signed
        self._pictures = pictures
        self._picture_admission = Admission(picture_limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; anything else has no business here."""
        if scope["type"] != "http":
            return
        send = partial(uncached, send)
        sends_picture = scope["method"] == "POST" and self._pictures.fullmatch(scope["path"])
        admission = self._picture_admission if sends_picture else self._admission
        try:
            with admission.request(always=scope["path"] in self._always):
                if scope["path"] in self._public:  # no body is read, so nobody without a token makes the server wait
                    scope[OPERATOR] = None
                    await self._inside(scope, Replay(b"", receive), send)
                else:
                    scope[OPERATOR] = None if scope["path"] in self._signed else await self._caller(scope)
                    async with admission.body(declared_bytes(scope["headers"]), receive) as body:
                        await self._inside(scope, replayed(scope, body, receive), send)
        except ClientGone:
            return
        except Exception as error:
            await response_of(error)(scope, receive, send)

    async def _caller(self, scope: Scope) -> Operator:
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, token = headers[0].partition(b" ") if len(headers) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer" or not 1 <= len(token) <= 200:
            raise Unauthenticated("an operator's token is expected: Authorization: Bearer …")
        return await asyncio.to_thread(self._holding, token.decode("latin-1").strip())


def replayed(scope: Scope, body: bytes, receive: Receive) -> Replay:
    """A body that was read, for whoever parses it. BadRequest if it is compressed, or JSON of too many values or
    with a name twice in one object.
    """
    if compressed(scope["headers"]):
        raise BadRequest("the body has a Content-Encoding; bodies are read without compression only")
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if any(b"json" in kind.lower() for kind in kinds):
        if has_many_values(body):
            raise BadRequest(f"the body holds more than {MAX_VALUES:,} values of JSON")
        if not any(b"ndjson" in kind.lower() for kind in kinds):  # there, each line is a body of its own
            check_body(body)
    return Replay(body, receive)


class Replay:
    """Gives the body that was read already, then the connection's own messages."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        """The next message."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


async def uncached(send: Send, message: Message) -> None:
    """Send, and forbid caching."""
    if message["type"] == "http.response.start":
        message = {**message, "headers": [*message["headers"], (b"cache-control", b"no-store")]}
    await send(message)
