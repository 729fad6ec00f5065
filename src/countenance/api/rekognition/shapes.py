"""The schema of requests: botocore's own service model, applied on the server's side.

botocore's client checks only types and minima; this also checks maxima, patterns, enumerations, base64 and unknown
fields, all from the model, so that nothing is written down twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pybase64
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from countenance.api.admission import MAX_VALUES, has_many_values
from countenance.api.rekognition.errors import IMAGE_TOO_LARGE, INVALID_PARAMETER, SERIALIZATION, Refused
from countenance.said_once import check_said_once

Params = Mapping[str, Any]
"""A request that fits its shape: members by wire name, blobs decoded, absent members absent."""

_SEPARATORS = "\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""The characters of \\p{Z}, which Python's re does not know."""
_NAMEABLE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")


def load_model() -> ServiceModel:
    """The Rekognition model inside the installed botocore (never one from a home folder)."""
    loader = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    return ServiceModel(loader.load_service_model("rekognition", "service-2"), "rekognition")


def parse_json(body: bytes) -> object:
    """The JSON value in `body`. Refused: NaN, Infinity, broken UTF-8, more than `MAX_VALUES` values or 1,024 levels, a
    name that stands twice in one object.
    """
    if has_many_values(body):
        raise Refused(SERIALIZATION, f"the body holds more than {MAX_VALUES} values")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(SERIALIZATION, "the body is not JSON in UTF-8 (NaN and Infinity are not)") from error
    check_said_once(body, value)
    return value


def parse(value: object, shape: Shape) -> Params:
    """`value`, a parsed body, as `shape` demands it. A blob is base64 in it, or its bytes.

    Raises:
        Refused: SerializationException for a wrong type or bad base64, ImageTooLargeException for a blob above its
            maximum, InvalidParameterException for everything else. Messages name the place, never the value.
    """
    parsed: Params = _PARSERS["structure"](value, shape, "")
    return parsed


def matches(text: str, pattern: str) -> bool:
    """Whether the whole of `text` matches the model's `pattern`."""
    return re.fullmatch(_python_pattern(pattern), text) is not None


def _python_pattern(pattern: str) -> str:
    # Python's \w is \p{L}, \p{N} and the underscore; the two patterns with such classes (of tags) name all three.
    return pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", "").replace(r"\p{Z}", _SEPARATORS)


def _structure(value: object, shape: Shape, place: str) -> dict[str, Any]:
    assert isinstance(shape, StructureShape)
    if not isinstance(value, dict):
        raise _wrong_type(value, "an object", place)
    parsed: dict[str, Any] = {}
    for name, member in value.items():
        if name not in shape.members:
            words = name if _NAMEABLE.fullmatch(name) else "a field"
            raise Refused(INVALID_PARAMETER, f"{words} is not known in {place or shape.name}")
        if member is not None:  # null means absent
            inner = shape.members[name]
            parsed[name] = _PARSERS[inner.type_name](member, inner, f"{place}.{name}" if place else name)
    for name in shape.required_members:
        if name not in parsed:
            raise Refused(INVALID_PARAMETER, f"{f'{place}.' if place else ''}{name} is required")
    return parsed


def _list(value: object, shape: Shape, place: str) -> list[Any]:
    assert isinstance(shape, ListShape)
    if not isinstance(value, list):
        raise _wrong_type(value, "a list", place)
    _in_range(len(value), shape, place, "items")
    read = _PARSERS[shape.member.type_name]
    return [read(item, shape.member, f"{place}[{n}]") for n, item in enumerate(value)]


def _map(value: object, shape: Shape, place: str) -> dict[str, Any]:
    assert isinstance(shape, MapShape)
    if not isinstance(value, dict):
        raise _wrong_type(value, "an object", place)
    _in_range(len(value), shape, place, "entries")
    read_key, read = _PARSERS[shape.key.type_name], _PARSERS[shape.value.type_name]
    return {
        read_key(key, shape.key, f"{place}[{n}] key"): read(item, shape.value, f"{place}[{n}]")
        for n, (key, item) in enumerate(value.items())
    }


def _string(value: object, shape: Shape, place: str) -> str:
    if not isinstance(value, str):
        raise _wrong_type(value, "a string", place)
    _in_range(len(value), shape, place, "characters")
    pattern, enum = shape.metadata.get("pattern"), shape.metadata.get("enum")
    if pattern and not matches(value, pattern):
        raise Refused(INVALID_PARAMETER, f"{place} does not match {pattern}")
    if enum and value not in enum:
        raise Refused(INVALID_PARAMETER, f"{place} is one of {', '.join(enum)}")
    return value


def _blob(value: object, shape: Shape, place: str) -> bytes:
    if not isinstance(value, str | bytes):
        raise _wrong_type(value, "base64", place)
    most = shape.metadata.get("max", math.inf)
    size = len(value) if isinstance(value, bytes) else len(value) * 3 // 4 - value.count("=", -2)
    if size > most:
        raise Refused(IMAGE_TOO_LARGE, f"{place} holds {size} bytes, at most {most} are taken")
    try:
        blob = value if isinstance(value, bytes) else pybase64.b64decode(value, validate=True)
    except ValueError as error:
        raise Refused(SERIALIZATION, f"{place} is not base64 (RFC 4648, section 4: padded, in one line)") from error
    _in_range(len(blob), shape, place, "bytes")
    return blob


def _whole(value: object, shape: Shape, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong_type(value, "a whole number", place)
    _in_range(value, shape, place)
    return value


def _number(value: object, shape: Shape, place: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong_type(value, "a number", place)
    _in_range(value, shape, place)
    return float(value)


def _boolean(value: object, shape: Shape, place: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong_type(value, "true or false", place)
    return value


_PARSERS: Mapping[str, Callable[[object, Shape, str], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "blob": _blob,
    "integer": _whole,
    "long": _whole,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
    "timestamp": _number,
}


def _in_range(size: float, shape: Shape, place: str, unit: str = "") -> None:
    low, high = shape.metadata.get("min", -math.inf), shape.metadata.get("max", math.inf)
    if not low <= size <= high:
        got = f"has {size} {unit}" if unit else f"is {size}"
        raise Refused(INVALID_PARAMETER, f"{place} {got}, expected {low} to {high}")


def _wrong_type(value: object, expected: str, place: str) -> Refused:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return Refused(SERIALIZATION, f"{place or 'the body'} is {expected}, got {kinds.get(type(value), 'a number')}")
