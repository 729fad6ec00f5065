"""From queries and JSON bodies to checked values. Unknown members are refused by name; values are never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from countenance.api.azure.errors import BAD_ARGUMENT, AzureRefused
from countenance.said_once import check_said_once

Query = Mapping[str, str]
JsonObject = Mapping[str, Any]

MAX_NAME = 128
"""Characters of a name."""
MAX_USER_DATA = 16 * 1024
"""Bytes of UTF-8 of the userData of a group, list or person."""
MAX_FACE_USER_DATA = 1024
"""Bytes of UTF-8 of the userData of a persisted face."""
MAX_PAGE = 1000
"""Items on a page, and the most that `top` may ask for."""

_GROUP_ID = re.compile(r"[a-z0-9_-]{1,64}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MODELS = re.compile(r"recognition_0[1-4]")
_DETECTORS = re.compile(r"detection_0[1-3]")


def bad(what: str) -> AzureRefused:
    """A BadArgument."""
    return AzureRefused(BAD_ARGUMENT, what)


def query_of(raw: bytes, known: Iterable[str]) -> Query:
    """The parameters of a query string; none may occur twice."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise bad("the query string cannot be read") from None
    query = dict(pairs)
    if len(query) != len(pairs):
        raise bad("a parameter is in the query more than once")
    _only(query, known, "the query")
    return query


def object_of(body: bytes, known: Iterable[str]) -> JsonObject:
    """The JSON object in a body; an empty body is an empty object. Members that are null count as absent; a name
    that stands twice is refused.
    """
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise bad("the body is not JSON in UTF-8 (NaN and Infinity are not)") from None
    check_said_once(body, value)
    if not isinstance(value, dict):
        raise bad("the body is a JSON object")
    _only(value, known, "the body")
    return {name: each for name, each in value.items() if each is not None}


def group_id(text: Any, name: str) -> str:
    """The id of a group or list."""
    if not isinstance(text, str) or not _GROUP_ID.fullmatch(text):
        raise bad(f"{name} has 1 to 64 characters, each a lower-case letter, digit, '-' or '_'")
    return text


def uuid_of(text: Any, name: str) -> str:
    """The id of a person or face."""
    if not isinstance(text, str) or not _UUID.fullmatch(text.lower()):
        raise bad(f"{name} is an id like 00000000-0000-0000-0000-000000000000")
    return text.lower()


def uuids_of(value: Any, name: str, most: int, least: int = 1) -> tuple[str, ...]:
    """Several ids."""
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise bad(f"{name} holds {least} to {most} ids")
    return tuple(uuid_of(each, f"each of {name}") for each in value)


def called(body: JsonObject, *, required: bool) -> str | None:
    """The name of a group, list or person."""
    if "name" not in body and not required:
        return None
    name = body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_NAME or "\0" in name:
        raise bad(f"name has 1 to {MAX_NAME} characters, none of them U+0000")
    return name


def user_data(values: JsonObject, most: int = MAX_USER_DATA) -> str | None:
    """The userData, if there is any."""
    text = values.get("userData")
    if text is None:
        return None
    if not isinstance(text, str) or len(text.encode("utf-8", "surrogatepass")) > most:
        raise bad(f"userData is text of at most {most:,} bytes")
    if "\0" in text:  # PostgreSQL keeps none, so no database is given one
        raise bad("userData holds the character U+0000, which cannot be kept")
    return text


def model_label(values: Mapping[str, Any]) -> str:
    """The recognitionModel that is named; it has no effect on the model used."""
    name = values.get("recognitionModel", "recognition_01")
    if not isinstance(name, str) or not _MODELS.fullmatch(name):
        raise bad("recognitionModel is one of recognition_01 to recognition_04")
    return name


def check_detector(values: Mapping[str, Any]) -> None:
    """Refuse a detectionModel that Azure does not know; it has no effect on the model used."""
    name = values.get("detectionModel", "detection_01")
    if not isinstance(name, str) or not _DETECTORS.fullmatch(name):
        raise bad("detectionModel is one of detection_01 to detection_03")


def flag(query: Query, name: str, default: bool) -> bool:
    """A true or false."""
    text = query.get(name, str(default)).lower()
    if text not in ("true", "false"):
        raise bad(f"{name} is true or false")
    return text == "true"


def whole(query: Query, name: str, default: int, low: int, high: int) -> int:
    """A whole number in the query."""
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 10 and low <= int(text) <= high):
        raise bad(f"{name} is a whole number of {low} to {high}")
    return int(text)


def whole_member(body: JsonObject, name: str, default: int, low: int, high: int) -> int:
    """A whole number in a body."""
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise bad(f"{name} is a whole number of {low} to {high}")
    return value


def share(body: JsonObject, name: str, default: float) -> float:
    """A number of 0 to 1 in a body."""
    value = body.get(name, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value <= 1.0:
        raise bad(f"{name} is a number of 0 to 1")
    return float(value)


def rectangle(query: Query) -> tuple[int, int, int, int] | None:
    """The targetFace: left, top, width, height in pixels."""
    text = query.get("targetFace")
    if text is None:
        return None
    parts = text.split(",")
    if len(parts) != 4 or not all(part.strip().isascii() and part.strip().isdigit() for part in parts):
        raise bad("targetFace is left,top,width,height in pixels")
    if any(len(part.strip()) > 6 for part in parts):
        raise bad("targetFace lies in the picture")
    left, top, width, height = (int(part) for part in parts)
    return left, top, width, height


def page_of(query: Query) -> tuple[str, int]:
    """`start` and `top` of a list: the id after which it begins, and how many items."""
    start = query.get("start", "")
    if len(start) > 64:
        raise bad("start has at most 64 characters")
    return start, whole(query, "top", MAX_PAGE, 1, MAX_PAGE)


def _only(given: Iterable[str], known: Iterable[str], where: str) -> None:
    unknown = set(given) - set(known)
    if unknown:
        raise bad(f"{where} holds a name that is not known here; known are {', '.join(sorted(known)) or 'none'}")
