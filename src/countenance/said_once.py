"""JSON that says each thing once: a name that stands twice in one object is refused by its name.

Parsers take the last of two values and say nothing, so whoever looks at the first one, a proxy or a person, reads
another request than the one that is carried out. TOML forbids it by itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import orjson

from countenance.errors import BadRequest

_LONGEST_SHOWN = 60


def loads(text: str | bytes) -> Any:
    """The value of the JSON in `text`, as of `json.loads`; BadRequest if an object in it says a name twice.

    Raises:
        ValueError: `text` is no JSON, or is nested too deeply.
    """
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def check_said_once(text: bytes, value: object) -> None:
    """BadRequest if an object of `text` says a name twice. value: what orjson read there.

    Nearly free: a name that the parser dropped leaves its colon behind, so colons are counted. Texts are parsed again
    only if they hold a backslash, behind which a colon may hide.
    """
    if b"\\" in text or text.count(b":") != _colons(value):
        try:
            loads(text)
        except ValueError:  # another parser's word on what is no JSON decides, not this one's
            raise BadRequest("the JSON is nested too deeply to be checked for names that stand twice") from None


def check_body(text: bytes) -> None:
    """As `check_said_once`, for a body that others parse: what is no JSON is theirs to refuse."""
    with suppress(ValueError):
        try:
            value = orjson.loads(text)
        except ValueError:  # others may read NaN, or UTF-16
            loads(text)
        else:
            check_said_once(text, value)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen = set[str]()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise BadRequest(f"{_shown(twice)} stands twice in one object, and only one of the two could be meant")
    return made


def _shown(name: str) -> str:
    """A name that a caller invented, short and printable."""
    if len(name) > _LONGEST_SHOWN:
        name = name[:_LONGEST_SHOWN] + "..."
    return ascii(name)


def _colons(value: object) -> int:
    """The colons that JSON of `value` has without escapes: one behind each name, and those inside of texts."""
    count, left = 0, [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            count += each.count(":")
        elif isinstance(each, dict):
            count += len(each)
            left += each
            left += each.values()
        elif isinstance(each, list):
            left += each
    return count
