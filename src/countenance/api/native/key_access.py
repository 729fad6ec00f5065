"""Admission of callers with an access key: HTTP Basic, key id and secret, before a byte of the body is held.

The secret is compared in constant time; an unknown key costs as much as a wrong secret. One body, and all bodies
together, are bounded.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from fastapi import Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from countenance.api.body_reader import BodyTooLarge, BodyTooSlow, ClientGone, declared_bytes, read_body
from countenance.api.guarded import RECEIPT, CarriesOut, Credentials
from countenance.api.native.middleware import Replay, uncached
from countenance.api.native.problems import response_of
from countenance.errors import Overloaded, Unauthenticated
from countenance.operations import Answer, Caller, Operation

CALLER = "countenance.caller"
"""Where in the scope the caller with a key is."""
EXPECTED = "an access key and its secret are expected, as HTTP Basic user and password"

Seen = TypeVar("Seen")
Result = TypeVar("Result")

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """requests: in hand at once. body_bytes: of one body. held_bytes: of all. body_seconds: until its last byte.

    video_bytes: of a body that may be a video; it has twice the time.
    """

    requests: int = 64
    body_bytes: int = 16 * _MIB
    held_bytes: int = 128 * _MIB
    body_seconds: float = 30.0
    video_bytes: int = 44 * _MIB  # 32 MiB in base64, and a little


@dataclass(frozen=True, slots=True)
class FaceDoor:
    """What face operations go through. guard: called in `executor`, never on the event loop. credentials: secrets."""

    guard: CarriesOut
    credentials: Credentials
    executor: Executor

    def run(self, caller: Caller, operation: Operation[Seen, Result], response: Response) -> Answer[Result]:
        """The answer to `operation`; its headers go into `response`. Blocks."""
        answer = self.executor.submit(self.guard.carry_out, caller, operation).result()
        response.headers.update({**answer.headers, RECEIPT: answer.receipt})
        return answer


def key_caller(request: Request) -> Caller:
    """The caller with an access key."""
    caller = request.scope.get(CALLER)
    if not isinstance(caller, Caller):
        raise Unauthenticated(EXPECTED)
    return caller


class KeyAccess:
    """Lets requests with a good access key through to `inside`. secret_of: of a key, or None; it blocks.

    videos: the paths to which videos are sent.
    """

    def __init__(
        self,
        inside: ASGIApp,
        secret_of: Callable[[str], str | None],
        limits: KeyLimits,
        videos: frozenset[str] = frozenset(),
    ) -> None:
        self._inside = inside
        self._secret_of = secret_of
        self._limits = limits
        self._videos = videos
        self._running = 0
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        send = partial(uncached, send)
        self._running += 1
        held = 0
        try:
            if self._running > self._limits.requests:
                raise Overloaded(f"{self._limits.requests} requests are in hand; try again in a moment")
            scope[CALLER] = await self._caller(scope)
            held = self._size(scope)
            self._held += held
            if self._held > self._limits.held_bytes:
                raise Overloaded("the bodies in hand leave no room for this one; try again in a moment")
            await self._inside(scope, Replay(await self._body(scope, receive), receive), send)
        except ClientGone:
            return
        except Exception as error:
            answer = response_of(error)
            if isinstance(error, Unauthenticated):
                answer.headers["www-authenticate"] = 'Basic realm="countenance", charset="UTF-8"'
            await answer(scope, receive, send)
        finally:
            self._running -= 1
            self._held -= held

    async def _caller(self, scope: Scope) -> Caller:
        headers = [value for name, value in scope["headers"] if name == b"authorization"]
        scheme, _, sent = headers[0].partition(b" ") if len(headers) == 1 else (b"", b"", b"")
        if scheme.lower() != b"basic" or not 1 <= len(sent) <= 400:
            raise Unauthenticated(EXPECTED)
        try:
            key, colon, secret = base64.b64decode(sent.strip(), validate=True).decode().partition(":")
        except ValueError:
            raise Unauthenticated(EXPECTED) from None
        held = await asyncio.to_thread(self._secret_of, key) if colon and key.isprintable() else None
        same = hmac.compare_digest((held if held is not None else "x" * 40).encode(), secret.encode())
        if held is None or not same:
            raise Unauthenticated("there is no such access key, or the secret is another")
        return Caller(key)

    def _size(self, scope: Scope) -> int:
        if scope["method"] in ("GET", "HEAD"):
            return 0
        named = any(name == b"content-length" for name, _ in scope["headers"])
        declared = declared_bytes(scope["headers"])
        most, _ = self._most(scope)
        if (named and declared is None) or (declared or 0) > most:
            raise HTTPException(413, headers={"connection": "close"})
        return most if declared is None else declared

    def _most(self, scope: Scope) -> tuple[int, float]:
        limits = self._limits
        if scope["path"] in self._videos:
            return limits.video_bytes, 2 * limits.body_seconds
        return limits.body_bytes, limits.body_seconds

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        try:
            return await read_body(receive, *self._most(scope))
        except BodyTooLarge:
            raise HTTPException(413, headers={"connection": "close"}) from None
        except BodyTooSlow:
            raise HTTPException(408, headers={"connection": "close"}) from None
