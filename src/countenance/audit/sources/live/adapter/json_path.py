"""Places in a JSON answer: `result[0].face.similarity`; "" is the whole answer, `["a.b"]` a key with a dot."""

from __future__ import annotations

import re
from typing import Any, Final

_STEP = re.compile(r'(?:^|(?<!^)\.)([^.\[\]"]+)|\[(\d+)\]|\["([^"]+)"\]')


class Absent:
    """What is found where nothing is."""


ABSENT: Final = Absent()


def steps_of(path: str) -> tuple[str | int, ...]:
    """The keys and positions that `path` goes through; ValueError where it is no path."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(f"{path!r} is no path in JSON; one looks like result[0].similarity")
        key, position, quoted = match.groups()
        steps.append(int(position) if position is not None else key if key is not None else quoted)
        at = match.end()
    return tuple(steps)


def found_at(value: Any, path: str) -> Any:
    """What lies at `path` in `value`, or ABSENT."""
    for step in steps_of(path):
        listed = isinstance(step, int) and isinstance(value, list) and step < len(value)
        keyed = isinstance(step, str) and isinstance(value, dict) and step in value
        if not (listed or keyed):
            return ABSENT
        value = value[step]
    return value


def nothing(value: Any) -> bool:
    """Whether a place holds nothing: it is not there, null, or empty."""
    return value is ABSENT or value is None or value in ([], {}, "")


def outline(value: Any) -> str:
    """What a reader of an error needs of an answer: its keys, or what else it is; no value."""
    if isinstance(value, dict):
        return f"a table with {', '.join(sorted(map(str, value))) or 'nothing in it'}"
    if isinstance(value, list):
        return f"a list of {len(value)}" + (f", the first {outline(value[0])}" if value else "")
    return "null" if value is None else f"a {type(value).__name__}"
