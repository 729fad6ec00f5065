"""The ASGI side: the order in which a request is checked, and what is answered.

Order: path, method, target, content type; capacity; signature headers; secret; body; then, off the event loop:
signature, parse, guard, answer. So nobody without a known access key makes the server hold a body, and nothing
unsigned is parsed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, MutableMapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson
from botocore.model import ServiceModel, StructureShape

from countenance.api.admission import (
    MIB,
    Admission,
    AdmissionLimits,
    BodyTooLarge,
    ClientGone,
    Message,
    Receive,
    declared_bytes,
)
from countenance.api.guarded import RECEIPT, CarriesOut, Credentials, OneCaller, note_failure
from countenance.api.rekognition import identity
from countenance.api.rekognition.actions import Actions
from countenance.api.rekognition.arns import ACCOUNT
from countenance.api.rekognition.bodies import read
from countenance.api.rekognition.errors import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    IMAGE_TOO_LARGE,
    INVALID_SIGNATURE,
    SERIALIZATION,
    THROTTLED,
    UNAVAILABLE,
    UNKNOWN_OPERATION,
    UNKNOWN_PATH,
    UNRECOGNIZED_CLIENT,
    AwsError,
    Refused,
    fault_of,
)
from countenance.api.rekognition.left_out import left_out_header
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.shapes import load_model
from countenance.api.rekognition.signature import SERVICE, WRONG_KEY, WRONG_SIGNATURE, Claim, claim, single
from countenance.errors import BudgetSpent, CountenanceError, NotRecorded, NotSearched
from countenance.operations import Caller

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

CONTENT_TYPE = "application/x-amz-json-1.1"
DETECTING = frozenset({"DetectFaces"})
"""What remains of Rekognition if nobody can be recognised."""

LIMITS = AdmissionLimits(requests=64, body_bytes=16 * MIB, held_bytes=256 * MIB, body_seconds=30.0)
"""For a machine with a few spare gigabytes. Two images of 5 MiB in base64 are 13.4 MiB."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WireReply:
    """An answer: a status, a body, and headers besides the usual ones."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Server:
    """Amazon Rekognition JSON 1.1 as an ASGI application; made by `rekognition.app`."""

    def __init__(
        self,
        guard: CarriesOut,
        credentials: Credentials,
        actions: Actions,
        model: ServiceModel,
        admission: Admission,
        *,
        regions: Collection[str],
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        executor: Executor,
        detection_only: str | None = None,
    ) -> None:
        self._guard = guard
        self._credentials = credentials
        self._model = model
        self._admission = admission
        self._regions = regions
        self._now = now
        self._new_id = new_id
        self._executor = executor
        self._served = {name: act for name, act in actions.served.items() if not detection_only or name in DETECTING}
        self._absent = detection_only or "see docs/rekognition.md of Countenance"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; a websocket is refused."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = self._new_id()
        asks_sts = _is_form(scope)
        try:
            if asks_sts:
                reply = await self._identity(scope, receive, request_id)
            else:
                reply = await self._reply(scope, receive)
        except ClientGone:
            return
        except Exception as error:
            reply = _failure(error, request_id, query=asks_sts)
        headers = {
            "content-type": identity.XML if asks_sts else CONTENT_TYPE,
            "content-length": str(len(reply.body)),
            "cache-control": "no-store",
            "x-amzn-requestid": request_id,
            **reply.headers,
        }
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": reply.body})

    async def _reply(self, scope: Scope, receive: Receive) -> WireReply:
        headers = single(scope["headers"])
        operation = self._operation(scope, headers)
        with self._admission.request():
            signed, secret = await self._signed(scope, SERVICE)
            loop = asyncio.get_running_loop()
            try:
                async with self._admission.body(declared_bytes(scope["headers"]), receive) as body:
                    return await loop.run_in_executor(
                        self._executor, self._carried_out, operation, signed, secret, body
                    )
            except BodyTooLarge as error:
                raise Refused(self._too_large(operation), str(error)) from None

    async def _identity(self, scope: Scope, receive: Receive, request_id: str) -> WireReply:
        single(scope["headers"])
        with self._admission.request():
            signed, secret = await self._signed(scope, identity.SERVICE)
            async with self._admission.body(declared_bytes(scope["headers"]), receive, identity.MAX_FORM_BYTES) as body:
                pass
        if not signed.proved(body, secret):
            raise Refused(INVALID_SIGNATURE, WRONG_SIGNATURE)
        identity.check_form(body)
        return WireReply(200, identity.identity_body(signed.access_key, ACCOUNT, request_id))

    async def _signed(self, scope: Scope, service: str) -> tuple[Claim, str]:
        query = scope.get("query_string", b"")
        signed = claim(scope["headers"], query, regions=self._regions, now=self._now(), service=service)
        loop = asyncio.get_running_loop()
        secret = await loop.run_in_executor(None, self._credentials.secret_of, signed.access_key)
        if secret is None:
            raise Refused(UNRECOGNIZED_CLIENT, WRONG_KEY)
        return signed, secret

    def _operation(self, scope: Scope, headers: Mapping[str, str]) -> str:
        if scope["path"] != "/" or scope["method"] != "POST":  # the path is part of the signature
            raise Refused(UNKNOWN_PATH, "Rekognition is spoken by POST to / only.")
        prefix, _, operation = headers.get("x-amz-target", "").partition(".")
        if prefix != self._model.metadata["targetPrefix"] or operation not in self._model.operation_names:
            raise Refused(UNKNOWN_OPERATION, "The header X-Amz-Target names no operation of Rekognition.")
        if operation not in self._served:
            raise Refused(UNKNOWN_OPERATION, f"{operation} is not served here: {self._absent}.")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise Refused(SERIALIZATION, f"the content type is {CONTENT_TYPE}")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused(SERIALIZATION, "the body must not be compressed")
        return operation

    def _too_large(self, operation: str) -> AwsError:
        members = self._shape(operation).members.values()
        return IMAGE_TOO_LARGE if any(member.name == "Image" for member in members) else BODY_TOO_LARGE

    def _shape(self, operation: str) -> StructureShape:
        shape = self._model.operation_model(operation).input_shape
        assert isinstance(shape, StructureShape), "every operation of Rekognition takes an object"
        return shape

    def _carried_out(self, operation: str, signed: Claim, secret: str, body: bytes) -> WireReply:
        if not signed.proved(body, secret):
            raise Refused(INVALID_SIGNATURE, WRONG_SIGNATURE)
        params = read(body, self._shape(operation))
        carry_out = OneCaller(self._guard, Caller(signed.access_key))
        answer = self._served[operation](params, carry_out)
        return WireReply(200, orjson.dumps(answer), {**carry_out.headers, **left_out_header(operation, params)})


def _is_form(scope: Scope) -> bool:
    """Whether the request uses AWS's query protocol, as for STS, and not JSON."""
    named = {name.lower(): value for name, value in scope["headers"]}
    if b"x-amz-target" in named or scope["path"] != "/" or scope["method"] != "POST":
        return False
    kind: bytes = named.get(b"content-type", b"")
    return kind.partition(b";")[0].strip().lower() == identity.FORM.encode()


def _failure(error: Exception, request_id: str, *, query: bool = False) -> WireReply:
    fault, message = fault_of(error)
    headers = {}
    if isinstance(error, CountenanceError) and error.receipt is not None:
        headers[RECEIPT] = error.receipt
    if isinstance(error, NotRecorded | NotSearched):  # it says what is wrong, and holds nothing that was sent
        log.error("request %s was not answered: %s", request_id, error)
    elif fault.status == 500:
        note_failure(log, f"request {request_id}", error)
    if fault in (THROTTLED, UNAVAILABLE):
        headers["retry-after"] = "1"
    if isinstance(error, BudgetSpent) and error.retry_after is not None:
        headers["retry-after"] = str(error.retry_after)
    if fault == BODY_TOO_SLOW:
        headers["connection"] = "close"
    if query:
        named = identity.query_fault(fault)
        return WireReply(named.status, identity.error_body(named, message, request_id), headers)
    return WireReply(fault.status, orjson.dumps({"__type": fault.type, "message": message}), headers)


async def _live(receive: Receive, send: Send) -> None:
    """Acknowledge start-up and shutdown: nothing is opened or closed here."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def app(
    guard: CarriesOut,
    credentials: Credentials,
    *,
    region: str,
    regions: Collection[str] = (),
    objects: Objects,
    topics: Container[str] = (),
    page_key: bytes,
    now: Callable[[], datetime],
    executor: Executor,
    limits: AdmissionLimits = LIMITS,
    new_id: Callable[[], str] = lambda: str(uuid4()),
    detection_only: str | None = None,
) -> Server:
    """Rekognition's front door as an ASGI application.

    Args:
        guard: carries out operations; called in `executor`, never on the event loop.
        credentials: whose secrets sign requests.
        region: the one in ARNs.
        regions: those that requests may be signed for; none named, any.
        objects: where S3 objects come from.
        topics: ARNs of the topics that can be notified of a job's end.
        page_key: 32 secret bytes that sign page tokens.
        now: aware time, with which signatures are compared. executor: threads for the work; it runs as many requests at
        once as it has threads, the others wait. limits: what is accepted at once. new_id: ids for requests.
        detection_only: why operations that recognise are missing; None if they exist.
    """
    actions = Actions(region, objects, Pages(page_key), topics)
    admission = Admission(limits)
    return Server(
        guard,
        credentials,
        actions,
        load_model(),
        admission,
        regions=regions,
        now=now,
        new_id=new_id,
        executor=executor,
        detection_only=detection_only,
    )
