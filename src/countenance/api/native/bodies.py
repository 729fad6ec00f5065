"""Bodies of calls about faces, in three forms: JSON with files in base64, a form, or one file's bytes.

With a file's bytes, the other members are in the query. No file is decoded here: only an operation does that, after the
decision.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from countenance.errors import BadRequest
from countenance.said_once import loads

Body = TypeVar("Body", bound=BaseModel)
Members = list[tuple[str, Any]]

JSON, FORM, BYTES = "application/json", "multipart/form-data", "application/octet-stream"
PICTURE, VIDEO = "image/*", "video/*"
MAX_FIELD_BYTES = 65_536
"""The most bytes of a member of a form that is not a file."""
_NO_TEXT = {int, float, bool, list}


class _FormInMemory(MultiPartParser):
    """The body is bounded and in memory already, so pictures of faces are not written to disk on the way."""

    spool_max_size = 2**40


def reading(model: type[Body], *files: str) -> Callable[[Request], Awaitable[Body]]:
    """A dependency that reads a request's body as `model`. files: kinds that a body of one file's bytes may be."""
    names = _files(model)
    takes = _taken(model, files)

    async def read(request: Request) -> Body:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if _is_raw(kind, takes):
            members: Members = [(name, _value(model, name, text)) for name, text in request.query_params.multi_items()]
            return _made(model, [*members, (names[0], await request.body())], "query")
        if kind not in (JSON, FORM):
            raise HTTPException(415, f"The content type is {', '.join(takes[:-1])} or {takes[-1]}.")
        if request.query_params:
            raise BadRequest("members stand in the query only beside a body that is a file's bytes")
        if kind == FORM:
            return _made(model, await _form(model, request), "body")
        try:
            return model.model_validate_json(await request.body())
        except ValidationError as error:
            raise _unfit(error, "body") from None

    return read


def described(model: type[BaseModel], *files: str) -> dict[str, Any]:
    """The extra of a route whose body is read by `reading` with the same arguments."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    required, names = schema.get("required", []), _files(model)
    form = {name: _as_text(name, each, name in names) for name, each in schema["properties"].items()}
    content: dict[str, Any] = {JSON: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
    content[FORM] = {
        "schema": {"type": "object", "properties": form, "required": required, "additionalProperties": False}
    }
    if not required:
        del content[FORM]["schema"]["required"]
    content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _taken(model, files)[2:]}
    parameters = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": f"Beside a body that is a file's bytes only. {each['description']}",
            "schema": {key: value for key, value in each.items() if key != "description"},
        }
        for name, each in form.items()
        if len(content) > 2 and name not in names
    ]
    return {"requestBody": {"required": True, "content": content}, "parameters": parameters}


async def _form(model: type[BaseModel], request: Request) -> Members:
    try:
        parser = _FormInMemory(
            request.headers, request.stream(), max_files=10, max_fields=50, max_part_size=MAX_FIELD_BYTES
        )
        form = await parser.parse()
    except MultiPartException:
        raise HTTPException(400) from None
    return [
        (name, await each.read() if isinstance(each, UploadFile) else _value(model, name, each))
        for name, each in form.multi_items()
    ]


def _made(model: type[Body], members: Members, where: str) -> Body:
    held = dict(members)
    if len(held) != len(members):
        raise BadRequest(f"a member stands more than once in the {where}, or both in the body and in the query")
    try:
        return model.model_validate(held)
    except ValidationError as error:
        raise _unfit(error, where) from None


def _unfit(error: ValidationError, where: str) -> RequestValidationError:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return RequestValidationError([{**fault, "loc": (where, *fault["loc"])} for fault in faults])


def _value(model: type[BaseModel], name: str, text: str) -> object:
    """A member that was sent as text: numbers, booleans and lists are written as in JSON."""
    field = model.model_fields.get(name)
    if field is None or not _kinds(field.annotation) & _NO_TEXT:
        return text
    try:
        return loads(text)
    except ValueError:
        return text  # text that does not fit is reported by the model


def _is_raw(kind: str, takes: Iterable[str]) -> bool:
    ranges = tuple(each.removesuffix("*") for each in takes if each.endswith("*"))
    return (kind == BYTES and BYTES in takes) or kind.startswith(ranges)


def _taken(model: type[BaseModel], files: Iterable[str]) -> list[str]:
    """The accepted content types; a body of bytes makes sense only if the model has one file."""
    return [JSON, FORM, *((*files, BYTES) if len(_files(model)) == 1 else ())]


def _files(model: type[BaseModel]) -> list[str]:
    return [name for name, field in model.model_fields.items() if bytes in _kinds(field.annotation)]


def _kinds(annotation: object) -> set[object]:
    """The plain types that a member may have."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kinds(parts[0])
    if origin in (Union, UnionType):
        return set().union(*map(_kinds, parts))
    return {origin or annotation}


def _as_text(name: str, schema: Mapping[str, Any], is_file: bool) -> dict[str, Any]:
    """A member's schema in a form or query: there is no null, and a list is one text of JSON."""
    if is_file:
        return {"type": "string", "format": "binary", "description": schema["description"].replace(", in base64", "")}
    held = {key: value for key, value in schema.items() if key not in ("anyOf", "title", "default")}
    for each in schema.get("anyOf", ()):
        if each != {"type": "null"}:
            held |= each
    if held.get("type") != "array":
        return held
    content_schema = {key: value for key, value in held.items() if key != "description"}
    return {
        "type": "string",
        "format": f"json-{name.replace('_', '-')}",
        "contentMediaType": JSON,
        "contentSchema": content_schema,
        "description": f"{held['description']} As a list in JSON.",
    }
