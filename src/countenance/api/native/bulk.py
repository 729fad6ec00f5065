"""Bulk enrolment: NDJSON with one picture a line; one line of answer for each, sent as soon as it is ready. A body has
at most 16 MiB and is read within 30 s, like any other; a client splits a longer list.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from countenance.api.native import face_answers as answers
from countenance.api.native.access import by_key, router
from countenance.api.native.faces import GalleryPath, KeyCaller, enrolling
from countenance.api.native.key_access import FaceDoor
from countenance.api.native.problems import response_of
from countenance.errors import BadRequest, Overloaded
from countenance.operations import Answer, Caller, Enrolled
from countenance.said_once import check_body
from countenance.wire.faces import BulkLine, EnrolBody

NDJSON = "application/x-ndjson"
MAX_LINES = 1000
_AHEAD = 4


def routes(door: FaceDoor) -> APIRouter:
    """The route /galleries/{gallery_id}/enrolments."""
    at = router("bulk", 400, 404, 409, 415, 429)
    described = {
        **by_key(),
        "requestBody": {
            "required": True,
            "description": f"Lines of JSON, each as the body of `POST /v1/galleries/{{gallery_id}}/faces`; at most "
            f"{MAX_LINES:,}.",
            "content": {NDJSON: {"schema": {"type": "string"}}},
        },
    }

    @at.post(
        "/galleries/{gallery_id}/enrolments",
        openapi_extra=described,
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "Lines of JSON, each a `BulkLine`.",
                "content": {NDJSON: {"schema": {"type": "string"}}},
            }
        },
        summary="Enrol many pictures",
    )
    async def enrol_many(gallery_id: GalleryPath, request: Request, caller: KeyCaller) -> StreamingResponse:
        """Enrol each line's picture. Each is an operation of its own, and a failure does not stop the others."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != NDJSON:
            raise HTTPException(415, f"The content type is {NDJSON}.")
        lines = [line for line in (await request.body()).splitlines() if line.strip()]
        if len(lines) > MAX_LINES:
            raise BadRequest(f"at most {MAX_LINES:,} lines are taken at a time, got {len(lines):,}")
        return StreamingResponse(_done(door, caller, gallery_id, lines), media_type=NDJSON)

    return at


def _done(door: FaceDoor, caller: Caller, gallery_id: str, lines: list[bytes]) -> Iterator[bytes]:
    """The answers in the order of the lines; a few run at once, so that they share batches and disk syncs."""
    waiting: deque[tuple[int, Future[Answer[Enrolled]] | Exception]] = deque()
    for number, line in enumerate(lines):
        try:
            door.stopping.check()
            check_body(line)
            ask = enrolling(gallery_id, EnrolBody.model_validate_json(line))
            waiting.append((number, door.executor.submit(door.guard.carry_out, caller, ask)))
        except ValidationError as error:
            fault = error.errors()[0]
            at = ".".join(str(part) for part in fault["loc"] if part in EnrolBody.model_fields) or "the line"
            waiting.append((number, BadRequest(f"{at} does not fit the schema: {fault['type']}")))
        except (Overloaded, BadRequest) as error:
            waiting.append((number, error))
        if len(waiting) > _AHEAD:
            yield _line(*waiting.popleft())
    while waiting:
        yield _line(*waiting.popleft())


def _line(number: int, enrolled: Future[Answer[Enrolled]] | Exception) -> bytes:
    try:
        if isinstance(enrolled, Exception):
            raise enrolled
        line = BulkLine(line=number, enrolment=answers.enrolment(enrolled.result()), problem=None)
    except Exception as error:
        line = BulkLine(line=number, enrolment=None, problem=json.loads(bytes(response_of(error).body)))
    return line.model_dump_json(exclude_none=False).encode() + b"\n"
