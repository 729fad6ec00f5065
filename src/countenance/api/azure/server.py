"""The ASGI side: the order in which a request is checked, and what is answered.

Order: path and method; room; subscription key; length; body; then, off the event loop: parameters, guard, answer. So
nobody without a key makes the server hold a body.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Executor
from typing import Any
from uuid import uuid4

import orjson

from countenance.api.admission import (
    MIB,
    Admission,
    AdmissionLimits,
    BodyTooLarge,
    ClientGone,
    Message,
    Receive,
    compressed,
    declared_bytes,
)
from countenance.api.azure.errors import (
    INVALID_IMAGE_SIZE,
    UNAUTHENTICATED,
    UNKNOWN_PATH,
    UNSUPPORTED_MEDIA,
    AzureRefused,
    fault_of,
)
from countenance.api.azure.face_calls import detect
from countenance.api.azure.routes import Route, route_of
from countenance.api.azure.wire_call import WireAnswer, WireCall
from countenance.api.guarded import RECEIPT, CarriesOut, Credentials, OneCaller, note_failure
from countenance.errors import BudgetSpent, CountenanceError, NotRecorded, NotSearched
from countenance.operations import DETECTION_ONLY, Caller

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

KEY_HEADER = b"ocp-apim-subscription-key"
WRONG_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. A subscription key of this server is an "
    "access key, a colon and its secret."
)
LIMITS = AdmissionLimits(requests=64, body_bytes=6 * MIB, held_bytes=256 * MIB, body_seconds=30.0)
JSON_BYTES = 128 * 1024
"""The most bytes of a body that is not an image."""
LONGEST_WAIT_S = 60
"""Microsoft's clients wait as long as `Retry-After` says and tell nobody, so longer waits are not proposed to them."""

log = logging.getLogger(__name__)


class AzureServer:
    """Azure Face as an ASGI application, for one event loop; made by `azure.app`."""

    def __init__(
        self,
        guard: CarriesOut,
        secrets: Credentials,
        executor: Executor,
        limits: AdmissionLimits,
        *,
        detects_only: bool = False,
    ) -> None:
        self._guard = guard
        self._secrets = secrets
        self._executor = executor
        self._admission = Admission(limits)
        self._detects_only = detects_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; anything else has no business here."""
        if scope["type"] != "http":
            return
        request_id = str(uuid4())
        try:
            answer = await self._answer(scope, receive)
            body = b"" if answer.body is None else orjson.dumps(answer.body)
            status, headers = answer.status, dict(answer.headers)
        except ClientGone:
            return
        except Exception as error:
            status, body, headers = _failure(error, scope, request_id)
        headers = {
            **({"content-type": "application/json; charset=utf-8"} if body else {}),
            "content-length": str(len(body)),
            "cache-control": "no-store",
            "apim-request-id": request_id,
            **headers,
        }
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> WireAnswer:
        route = route_of(scope["method"], scope["path"])
        if self._detects_only and route.handler is not detect:
            raise AzureRefused(UNKNOWN_PATH, f"This call does not exist: {DETECTION_ONLY}.")
        with self._admission.request():
            loop = asyncio.get_running_loop()
            caller = await loop.run_in_executor(None, self._caller, scope)
            most = None if route.takes_image else JSON_BYTES
            try:
                async with self._admission.body(declared_bytes(scope["headers"]), receive, most) as body:
                    if compressed(scope["headers"]):
                        raise AzureRefused(UNSUPPORTED_MEDIA, "bodies are read without Content-Encoding only")
                    return await loop.run_in_executor(self._executor, self._carried_out, route, scope, caller, body)
            except BodyTooLarge as error:
                if route.takes_image:
                    raise AzureRefused(INVALID_IMAGE_SIZE, str(error)) from None
                raise

    def _caller(self, scope: Scope) -> Caller:
        keys = [value for name, value in scope["headers"] if name.lower() == KEY_HEADER]
        access_key, colon, secret = keys[0].decode("latin-1").strip().partition(":") if len(keys) == 1 else ("",) * 3
        known = self._secrets.secret_of(access_key) if colon and len(access_key) <= 32 else None
        if known is None or not hmac.compare_digest(known.encode(), secret.encode()):
            raise AzureRefused(UNAUTHENTICATED, WRONG_KEY)
        return Caller(access_key)

    def _carried_out(self, route: Route, scope: Scope, caller: Caller, body: bytes) -> WireAnswer:
        carry_out = OneCaller(self._guard, caller)
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        kind = headers.get(b"content-type", "").partition(";")[0].strip().lower()
        url = f"{scope.get('scheme', 'http')}://{_host(headers.get(b'host', ''))}{scope['path']}"
        call = WireCall(route.parts, scope.get("query_string", b""), kind, body, url, carry_out)
        answer = route.handler(call)
        return WireAnswer(answer.body, answer.status, {**answer.headers, **carry_out.headers})


def _host(text: str) -> str:
    """The Host header, if it is valid: it becomes part of an address that the caller is told to use."""
    return text if text and all(letter.isascii() and (letter.isalnum() or letter in ".-:[]") for letter in text) else ""


def _failure(error: Exception, scope: Scope, request_id: str) -> tuple[int, bytes, dict[str, str]]:
    fault, message = fault_of(error, _group(scope))
    headers = {"x-ms-error-code": fault.code}
    if isinstance(error, CountenanceError | AzureRefused) and error.receipt is not None:
        headers[RECEIPT] = error.receipt
    if isinstance(error, NotRecorded | NotSearched):  # it says what is wrong, and holds nothing that was sent
        log.error("request %s was not answered: %s", request_id, error)
    elif fault.status == 500:
        note_failure(log, f"request {request_id}", error)
    if fault.status in (429, 503):
        headers["retry-after"] = "1"
    if isinstance(error, BudgetSpent) and error.retry_after is not None and error.retry_after <= LONGEST_WAIT_S:
        headers["retry-after"] = str(error.retry_after)
    if fault.status in (408, 413):
        headers["connection"] = "close"
    body: dict[str, Any] = {"code": fault.code, "message": message}
    if isinstance(error, AzureRefused) and error.inner is not None:
        body["innererror"] = {"code": error.inner, "message": message}
    return fault.status, orjson.dumps({"error": body}), headers


def _group(scope: Scope) -> str:
    try:
        return route_of(scope["method"], scope["path"]).group
    except AzureRefused:
        return "Resource"


def app(
    guard: CarriesOut,
    secrets: Credentials,
    *,
    executor: Executor,
    limits: AdmissionLimits = LIMITS,
    detects_only: bool = False,
) -> AzureServer:
    """Azure Face's front door as an ASGI application.

    Args:
        guard: carries out operations; called in `executor`, never on the event loop.
        secrets: of access keys. A subscription key is an access key, a colon and its secret.
        executor: threads for the work.
        limits: what is accepted at once. detects_only: whether detect is the only call.
    """
    return AzureServer(guard, secrets, executor, limits, detects_only=detects_only)
