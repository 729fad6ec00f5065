"""Errors as RFC 9457 problems: one table from the error tree to kind, title and status."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from countenance import errors
from countenance.administration import Decision
from countenance.api.admission import BodyTooLarge, BodyTooSlow
from countenance.api.guarded import RECEIPT, note_failure

MEDIA_TYPE = "application/problem+json"
INTERNAL_DETAIL = "The request could not be carried out. Nothing more is said here; the operator's log says where."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status and its title, which is the same for every occurrence."""

    status: int
    title: str


KINDS: Mapping[type[errors.CountenanceError], Kind] = MappingProxyType(
    {
        errors.CountenanceError: Kind(500, "Something went wrong here"),
        errors.BadRequest: Kind(400, "What was asked is malformed"),
        errors.ImageError: Kind(400, "The image cannot be used"),
        errors.ImageTooLarge: Kind(413, "The image is too large"),
        errors.ImageTooSmall: Kind(422, "The image is too small"),
        errors.UnsupportedImage: Kind(415, "Not a kind of image that is read here"),
        errors.DamagedImage: Kind(400, "The image is damaged"),
        errors.VideoError: Kind(400, "The video cannot be used"),
        errors.VideoTooLarge: Kind(413, "The video is too large"),
        errors.UnsupportedVideo: Kind(415, "Not a kind of video that is read here"),
        errors.DamagedVideo: Kind(400, "The video is damaged"),
        errors.NoFace: Kind(422, "No face where one is needed"),
        errors.BadPageToken: Kind(400, "A page token that this server did not make"),
        errors.NotFound: Kind(404, "Not there"),
        errors.NoSuchFace: Kind(404, "No face of that id"),
        errors.NoSuchDetectedFace: Kind(404, "No detected face of that id is kept"),
        errors.NoSuchUser: Kind(404, "No user of that id"),
        errors.NoSuchObject: Kind(404, "No such object"),
        errors.NoSuchSession: Kind(404, "There is no such session"),
        errors.AlreadyExists: Kind(409, "The id is taken"),
        errors.Conflict: Kind(409, "Its state forbids this"),
        errors.TokenReused: Kind(409, "The token belongs to another request"),
        errors.InUse: Kind(409, "The name is taken, or it is in use"),
        errors.LimitExceeded: Kind(429, "A quota is used up"),
        errors.BudgetSpent: Kind(429, "The budget of comparisons is spent"),
        errors.TooManyJobs: Kind(429, "Too many jobs wait or run"),
        errors.NotOffered: Kind(404, "This server does not do that"),
        errors.Denied: Kind(403, "Not permitted"),
        errors.NotAsRecorded: Kind(403, "Not as the ledger recorded it"),
        errors.Held: Kind(403, "Kept until people have done their part"),
        errors.Unauthenticated: Kind(401, "Nobody proved who asks"),
        errors.Overloaded: Kind(503, "Too much at once"),
        errors.NotSearched: Kind(503, "A part of the gallery cannot be searched, so nothing is answered"),
        errors.NotRecorded: Kind(503, "The record cannot be written, so nothing is done"),
        errors.ClockBack: Kind(503, "The clock is behind the record, so nothing is done"),
        errors.Misconfigured: Kind(500, "This installation is not in order"),
        errors.ModelError: Kind(500, "This installation is not in order"),
        errors.PolicyError: Kind(500, "This installation is not in order"),
        errors.StoreError: Kind(500, "This installation is not in order"),
    }
)
"""Every class of the error tree has a line of its own; a test fails if one is missing."""

_PROTOCOL: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        400: ("malformed", "The body cannot be read"),
        404: ("no-such-path", "Nothing lives at this path"),
        405: ("method-not-allowed", "This path does not take this method"),
        408: ("too-slow", "The body took too long"),
        413: ("body-too-large", "The body is too large"),
        415: ("content-type", "Not a content type that is read here"),
    }
)


READ = "bodies are JSON in UTF-8, not nested deeply, or a form, as the document says of each call"
"""What a caller is told whose body cannot be parsed."""


class FieldFault(BaseModel):
    """One place where a request does not fit the schema."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at: str = Field(description="Where: body, path, query or header, then the names on the way, with dots between.")
    says: str = Field(description="What is wrong there. Never the value.")


class Problem(BaseModel):
    """A problem (RFC 9457). A refusal by the rules also carries the whole decision."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: str = Field(description="urn:countenance:problem: and the kind; the same for every occurrence.")
    title: str = Field(description="The kind in words.")
    status: int = Field(description="The HTTP status, 400 to 599.")
    detail: str = Field(description="What happened this time. Never an image, a template, a person's name or a token.")
    receipt: str | None = Field(None, description="The ledger's receipt for the refusal, where one was recorded.")
    faults: list[FieldFault] | None = Field(None, description="Where the request does not fit the schema.")


def response_of(error: BaseException) -> JSONResponse:
    """The answer to an error. An unexpected error, and every 500, gives no detail."""
    if isinstance(error, errors.CountenanceError):
        return _of_the_tree(error)
    if isinstance(error, RequestValidationError):
        return _unfit(error)
    if isinstance(error, BodyTooLarge | BodyTooSlow):
        error = HTTPException(413 if isinstance(error, BodyTooLarge) else 408, headers={"connection": "close"})
    if isinstance(error, HTTPException):
        kind, title = _PROTOCOL.get(error.status_code, ("refused", "Refused"))
        detail = error.detail if error.status_code == 415 else f"{title}."  # ours: it names what would be taken
        if error.status_code == 400:
            detail = f"{title}: {READ}."
        return _response(_body(kind, title, error.status_code, detail), dict(error.headers or {}))
    _note(error)
    return _response(_body("internal", "Something went wrong here", 500, INTERNAL_DETAIL))


def _of_the_tree(error: errors.CountenanceError) -> JSONResponse:
    name, kind = next((each, KINDS[each]) for each in type(error).__mro__ if each in KINDS)
    headers = {}
    if kind.status == 401:
        headers["www-authenticate"] = 'Bearer realm="countenance"'
    wait = error.retry_after if isinstance(error, errors.BudgetSpent) else 1
    if kind.status in (429, 503) and wait is not None:
        headers["retry-after"] = str(wait)
    detail = str(error)
    if kind.status == 500:
        _note(error)
        detail = INTERNAL_DETAIL
    body = _body(_dashed(name.__name__), kind.title, kind.status, detail)
    if isinstance(error, errors.Denied) and isinstance(error.decision, Decision) and not error.decision.permitted:
        body = error.decision.problem()
    if error.receipt is not None:
        body["receipt"] = headers[RECEIPT] = error.receipt
    return _response(body, headers)


def _unfit(error: RequestValidationError) -> JSONResponse:
    faults = error.errors()
    if any(fault["type"] == "json_invalid" for fault in faults):
        return _response(_body("malformed", "The body cannot be read", 400, f"The body is not JSON: {READ}."))
    places = [{"at": ".".join(map(_plain, fault["loc"])), "says": _plain(_said(fault))} for fault in faults[:20]]
    body = _body("unfit", "The request does not fit the schema", 422, f"{len(faults)} places do not fit; see faults.")
    return _response({**body, "faults": places})


def _said(fault: Mapping[str, Any]) -> object:
    """pydantic's words, or ours where the body is no object, as if it came with another content type."""
    if fault["type"] == "model_attributes_type" and tuple(fault["loc"]) == ("body",):
        return "Input should be an object of JSON, with the content type application/json"
    return fault["msg"]


def _plain(part: object) -> str:
    """One part of a path into the request, short and printable: it may be a name that the caller invented."""
    text = "".join(letter if letter.isprintable() and letter.isascii() else "?" for letter in str(part))
    return text if len(text) <= 120 else text[:117] + "..."


def _body(kind: str, title: str, status: int, detail: str) -> dict[str, object]:
    return {"type": f"urn:countenance:problem:{kind}", "title": title, "status": status, "detail": detail}


def _response(body: Mapping[str, object], headers: Mapping[str, str] | None = None) -> JSONResponse:
    status = body["status"]
    assert isinstance(status, int)
    return _ProblemResponse(dict(body), status, headers=headers)


class _ProblemResponse(JSONResponse):
    media_type = MEDIA_TYPE

    def render(self, content: Any) -> bytes:
        """As JSON, with half of a surrogate pair written as a question mark."""
        return super().render(_encodable(content))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(name): _encodable(each) for name, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list | tuple) else value


def _dashed(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _note(error: BaseException) -> None:
    """Log type and place only: a message could contain what was sent."""
    if isinstance(error, ResponseValidationError):
        log.error("an answer does not fit its schema in %d places", len(error.errors()))
        return
    note_failure(log, "a request", error)
