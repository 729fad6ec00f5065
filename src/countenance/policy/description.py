"""A request described in plain words (a TOML or JSON table) as a typed `Request`.

Used for the cases of packs, the corpus and `countenance policy explain`. Keys are the fields of `Request`. Without a
[mandate] table, a valid mandate is assumed. Times are datetimes with a zone, or relative: "now", "now-23h59m",
"now+30d". Lists are read as sets.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from countenance.errors import BadRequest
from countenance.policy.request import Grant, Request

_RELATIVE = re.compile(r"now(?:(?P<sign>[+-])(?P<d>\d+d)?(?P<h>\d+h)?(?P<m>\d+m)?(?P<s>\d+s)?)?")


def request_of(table: Mapping[str, object], now: datetime) -> Request:
    """The request that `table` describes at the time `now`; `BadRequest` names a place that fits no fact."""
    whole = dict(table)
    mandate = whole.pop("mandate", {})
    if not isinstance(mandate, Mapping):
        raise BadRequest("mandate: a table is expected")
    in_order: dict[str, object] = {
        "id": "described",
        "active": True,
        "starts_at": now - timedelta(days=1),
        "expires_at": now + timedelta(days=30),
        "operation_granted": True,
        "gallery_granted": True,
    }
    grant = _parsed(Grant, {**in_order, **mandate}, "mandate", now)
    return typing.cast("Request", _parsed(Request, {**whole, "mandate": grant}, "", now))


def moment_of(value: object, now: datetime, where: str) -> datetime:
    """A time: a datetime with a zone, an ISO 8601 text with a zone, or relative to `now`."""
    if isinstance(value, str):
        relative = _RELATIVE.fullmatch(value)
        if relative:
            parts = {unit: int(text[:-1]) for unit in "dhms" if (text := relative.group(unit))}
            step = timedelta(
                days=parts.get("d", 0), hours=parts.get("h", 0), minutes=parts.get("m", 0), seconds=parts.get("s", 0)
            )
            return now - step if relative.group("sign") == "-" else now + step
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        raise BadRequest(f"{where}: a time or now-48h is expected, got {str(value)[:60]!r}") from None
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise BadRequest(f"{where}: a time with a zone is expected")
    return time.astimezone(UTC)


def _parsed(kind: type, table: Mapping[str, object], where: str, now: datetime) -> object:
    assert is_dataclass(kind)
    known = {field.name: field for field in fields(kind)}
    prefix = f"{where}." if where else ""
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise BadRequest(f"{prefix}{unknown[0]}: there is no such fact")
    lacking = [n for n, f in known.items() if n not in table and f.default is MISSING and f.default_factory is MISSING]
    if lacking:
        raise BadRequest(f"{prefix}{lacking[0]}: has to be stated")
    hints = _hints(kind)
    return kind(**{name: _value(hints[name], value, f"{prefix}{name}", now) for name, value in table.items()})


@lru_cache(maxsize=64)
def _hints(kind: type) -> Mapping[str, object]:
    return typing.get_type_hints(kind)


def _value(hint: object, value: object, where: str, now: datetime) -> object:
    options = [t for t in typing.get_args(hint) if t is not types.NoneType]
    kind = options[0] if typing.get_origin(hint) in (types.UnionType, typing.Union) else hint
    if isinstance(kind, type) and isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else _checked(value, where)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is datetime:
        return moment_of(value, now, where)
    if typing.get_origin(kind) is frozenset:
        (member,) = typing.get_args(kind)
        if not isinstance(value, list | tuple | set | frozenset):
            raise BadRequest(f"{where}: a list is expected")
        return frozenset(_value(member, item, where, now) for item in value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        try:
            return kind(typing.cast("str", value))
        except ValueError:
            raise BadRequest(f"{where}: one of {', '.join(kind)} is expected, got {str(value)[:60]!r}") from None
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, Mapping):
        return _parsed(kind, value, where, now)
    expected = "a table" if is_dataclass(kind) else getattr(kind, "__name__", kind)
    raise BadRequest(f"{where}: {expected} is expected, got {type(value).__name__}")


def _checked(value: object, where: str) -> object:
    if isinstance(value, datetime):
        raise BadRequest(f"{where}: a time with a zone is expected")
    return value
