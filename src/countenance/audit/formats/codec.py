"""Typed records and their JSON: one way to write, to read with checks, and to publish the schema of, every audit file.

A record is a frozen dataclass whose fields are str, int, float, bool, `X | None`, `tuple[X, ...]`,
`Mapping[str, X]`, a `Literal` or another record. `Annotated[X, "text"]` gives the field its description in the schema.
A `later` field came with a newer format: it is not written while it has its default, so that a file made before it
keeps its bytes and its hash.
Moments are texts in them: ISO 8601 in UTC, whole seconds.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from countenance.errors import BadRequest

R = TypeVar("R")
Json = Any
"""A JSON value, as `json.loads` gives it. It exists at the edge only."""


LATER = types.MappingProxyType({"later": True})
"""Metadata of a field that was added after records of its kind were published and hashed. It is written only where it
differs from its default, so that records made before keep their hash."""


def later(default: Any) -> Any:
    """A field that older files lack. default: its value there; a table or a list is given as what makes one."""
    if callable(default):
        return dataclasses.field(default_factory=default, metadata=LATER)
    return dataclasses.field(default=default, metadata=LATER)


def to_json(record: object, *, whole: bool = False) -> Json:
    """`record` as JSON values, canonical JSON ready: no NaN, no infinity, no numpy type.

    whole: also the fields added later that say nothing.
    """
    if dataclasses.is_dataclass(record) and not isinstance(record, type):
        return {
            f.name: to_json(getattr(record, f.name), whole=whole)
            for f in dataclasses.fields(record)
            if whole or not (f.metadata.get("later") and getattr(record, f.name) == _default(f))
        }
    if isinstance(record, (list, tuple)):
        return [to_json(item, whole=whole) for item in record]
    if isinstance(record, Mapping):
        return {str(key): to_json(item, whole=whole) for key, item in record.items()}
    if record is None or isinstance(record, (str, bool)):
        return record
    if hasattr(record, "item"):  # a numpy scalar
        return to_json(record.item())
    if isinstance(record, int):
        return record
    if isinstance(record, float):
        if not math.isfinite(record):
            raise ValueError("a record holds finite numbers only; say None where there is no number")
        return record
    raise TypeError(f"{type(record).__name__} is no part of a record")


def from_json(kind: type[R], value: Json, where: str = "") -> R:
    """Read `value` as a record of `kind`. `BadRequest` names the field that is missing, unknown or of a wrong type."""
    return cast(R, _read(kind, value, where or kind.__name__))


def json_schema(kind: type[object], title: str) -> Json:
    """The JSON Schema (draft 2020-12) of records of `kind`, every nested record under $defs."""
    defs: dict[str, Json] = {}
    schema = _schema(kind, defs)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema, "$defs": defs}


def _hints(kind: Any) -> dict[str, Any]:
    return _hints_once(kind)


@functools.cache
def _hints_once(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _read(kind: Any, value: Json, where: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _read(args[0], value, where)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        (inner,) = [arg for arg in args if arg is not type(None)]
        return _read(inner, value, where)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise BadRequest(f"{where} is a list, got {_said(value)}")
        return tuple(_read(args[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise BadRequest(f"{where} is a table, got {_said(value)}")
        return {str(key): _read(args[1], item, f"{where}.{key}") for key, item in value.items()}
    if origin is Literal:
        if value not in args:
            raise BadRequest(f"{where} is one of {', '.join(map(str, args))}, got {_said(value)}")
        return value
    if dataclasses.is_dataclass(kind):
        return _read_record(cast("type[object]", kind), value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise BadRequest(f"{where} is {_NAMES[kind]}, got {_said(value)}")
    if kind is float and not math.isfinite(value):
        raise BadRequest(f"{where} is a finite number, got {value}")
    return value


def _read_record(kind: type[object], value: Json, where: str) -> object:
    if not isinstance(value, Mapping):
        raise BadRequest(f"{where} is a table, got {_said(value)}")
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(value) - set(fields))
    if unknown:
        raise BadRequest(f"{where} has no field {unknown[0]!r}; its fields are {', '.join(fields)}")
    given: dict[str, Any] = {}
    for name, field in fields.items():
        if name in value:
            given[name] = _read(_hints(kind)[name], value[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise BadRequest(f"{where} lacks the field {name!r}{_described(_hints(kind)[name])}")
    try:
        return kind(**given)
    except ValueError as error:
        raise BadRequest(f"{where}: {error}") from error


def _default(field: dataclasses.Field[Any]) -> object:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _described(hint: Any) -> str:
    return f": {get_args(hint)[1]}" if get_origin(hint) is Annotated else ""


def _said(value: Json) -> str:
    return repr(value) if isinstance(value, (str, int, float, bool)) else f"a {type(value).__name__}"


_NAMES: Mapping[Any, str] = types.MappingProxyType(
    {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
)
_TYPES: Mapping[Any, str] = types.MappingProxyType({str: "string", int: "integer", float: "number", bool: "boolean"})


def _schema(kind: Any, defs: dict[str, Json]) -> dict[str, Json]:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return {**_schema(args[0], defs), "description": args[1]}
    if origin in (Union, types.UnionType):
        (inner,) = [arg for arg in args if arg is not type(None)]
        return {"anyOf": [_schema(inner, defs), {"type": "null"}]}
    if origin is tuple:
        return {"type": "array", "items": _schema(args[0], defs)}
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(args[1], defs)}
    if origin is Literal:
        return {"enum": list(args)}
    if dataclasses.is_dataclass(kind):
        return _record_schema(cast("type[object]", kind), defs)
    return {"type": _TYPES[kind]}


def _record_schema(kind: type[object], defs: dict[str, Json]) -> dict[str, Json]:
    name = kind.__name__
    if name not in defs:
        defs[name] = {}
        fields = dataclasses.fields(kind)  # type: ignore[arg-type]
        defs[name] = {
            "description": " ".join((kind.__doc__ or "").split()),
            "type": "object",
            "properties": {f.name: _schema(_hints(kind)[f.name], defs) for f in fields},
            "required": [f.name for f in fields if not f.metadata.get("later")],
            "additionalProperties": False,
        }
    return {"$ref": f"#/$defs/{name}"}


def stamp(moment: datetime) -> str:
    """`moment` as "2026-11-22T11:30:00Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """The moment that a text names; `BadRequest` where it is none, or names no time zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"a time is ISO 8601, got {text!r}") from error
    if moment.tzinfo is None:
        raise BadRequest(f"a time names its zone, got {text!r}")
    return moment
