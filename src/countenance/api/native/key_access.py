"""Admission of callers with an access key: HTTP Basic, key id and secret, before a byte of the body is held.

The secret is compared in constant time; an unknown key takes as long as a wrong secret. The size of one body and of all
bodies together is bounded.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from countenance.api.admission import MIB, Admission, AdmissionLimits, ClientGone, declared_bytes
from countenance.api.guarded import RECEIPT, CarriesOut, Credentials
from countenance.api.native.middleware import Replay, replayed, uncached
from countenance.api.native.problems import response_of
from countenance.errors import Unauthenticated
from countenance.operations import Answer, Caller, Operation, Stopping

CALLER = "countenance.caller"
"""Where the scope holds the caller with a key."""
EXPECTED = "an access key and its secret are expected, as HTTP Basic user and password"

Seen = TypeVar("Seen")
Result = TypeVar("Result")

KEY_LIMITS = AdmissionLimits(requests=64, body_bytes=16 * MIB, held_bytes=128 * MIB, body_seconds=30.0)
"""The limits on requests of callers with a key."""

VIDEO_BYTES = 44 * MIB  # 32 MiB in base64, and a little
"""The limit of a body that may be a video; it gets twice the time of others."""


@dataclass(frozen=True, slots=True)
class FaceDoor:
    """What face operations need. guard: called in `executor`, never on the event loop. credentials: secrets of keys.

    stopping: whether this server stops.
    """

    guard: CarriesOut
    credentials: Credentials
    executor: Executor
    stopping: Stopping = field(default_factory=Stopping)

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
    """Lets requests with a valid access key through to `inside`. secret_of: a key's secret, or None; it blocks. videos:
    the paths to which videos are sent.
    """

    def __init__(
        self,
        inside: ASGIApp,
        secret_of: Callable[[str], str | None],
        limits: AdmissionLimits,
        videos: frozenset[str] = frozenset(),
    ) -> None:
        self._inside = inside
        self._secret_of = secret_of
        self._videos = videos
        self._admission = Admission(limits)
        self._of_video = VIDEO_BYTES, 2 * limits.body_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        send = partial(uncached, send)
        try:
            with self._admission.request():
                scope[CALLER] = await self._caller(scope)
                if scope["method"] in ("GET", "HEAD"):  # calls that only read have no body
                    await self._inside(scope, Replay(b"", receive), send)
                else:
                    most = self._of_video if scope["path"] in self._videos else ()
                    async with self._admission.body(declared_bytes(scope["headers"]), receive, *most) as body:
                        await self._inside(scope, replayed(scope, body, receive), send)
        except ClientGone:
            return
        except Exception as error:
            answer = response_of(error)
            if isinstance(error, Unauthenticated):
                answer.headers["www-authenticate"] = 'Basic realm="countenance", charset="UTF-8"'
            await answer(scope, receive, send)

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
