"""The kinds of values that bodies are made of, each with its bounds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    JsonValue,
    StringConstraints,
    WithJsonSchema,
)

from countenance.errors import BadRequest


class Closed(BaseModel):
    """A body or an answer: what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a text of printable characters is expected")
    return text


def _printable_lines(text: str) -> str:
    _printable(text.replace("\r", "").replace("\n", "").replace("\t", ""))
    return text


def _number(value: object) -> object:
    if isinstance(value, str | bool):
        raise ValueError("a whole number is expected")
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the time lies beyond the calendar") from None


def _written_out(value: object) -> object:
    """Not a number of seconds, which could as well be one of milliseconds."""
    if (isinstance(value, str) and not value[4:5] == "-") or isinstance(value, int | float):
        raise ValueError("a time in ISO 8601 with a zone is expected")
    return value


def _bounded(value: dict[str, Any]) -> dict[str, Any]:
    """At most 6 levels and 16 KiB, finite numbers within 2**53, printable texts; else `BadRequest`.

    A JSON schema cannot say so, so it is no fault of the schema.
    """
    level: list[Any] = [value]
    for _ in range(6):
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                below += [*each.keys(), *each.values()]
            elif isinstance(each, list):
                below += each
            elif isinstance(each, str) and not each.isprintable():
                raise BadRequest("facts: a text of printable characters is expected")
            elif isinstance(each, int | float) and not -(2**53) < each < 2**53:  # neither do NaN and infinity
                raise BadRequest("facts: a finite number below 2**53 is expected")
        level = below
    if level or len(json.dumps(value)) > 16_384:
        raise BadRequest("facts: at most 6 levels and 16 KiB are taken")
    return value


Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True),
    AfterValidator(_printable),
    WithJsonSchema({"type": "string", "format": "line", "minLength": 1, "maxLength": 500}),
]
"""One line for people to read, 1 to 500 printable characters, of which some are no spaces."""

Lines = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000, strip_whitespace=True),
    AfterValidator(_printable_lines),
    WithJsonSchema({"type": "string", "format": "line", "minLength": 1, "maxLength": 1000}),
]
"""Some lines for people to read, 1 to 1,000 characters."""

Whole = Annotated[int, BeforeValidator(_number)]
"""A whole number, 5 or 5.0; not the text "5", and not true."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.*-]+$")]
"""A word of the policy vocabulary, a gallery or an id."""

Place = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Z0-9-]+$")]
"""A jurisdiction, such as EU, FR or US-WA."""

Moment = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_utc)]
"""ISO 8601 with a zone; shown in UTC."""

Table = Annotated[dict[str, JsonValue], AfterValidator(_bounded)]
"""Facts in the words of the policy vocabulary, by group."""

PublicKey = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
SignatureText = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{128}$")]
