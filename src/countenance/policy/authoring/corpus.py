"""Real cases with their sources: what each text says about them, and why. Pure; the table comes in as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from countenance.errors import BadRequest, PolicyError
from countenance.policy.description import request_of
from countenance.policy.request import Request

Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a pack must say about a story. clauses: the grounds that must be among those given. why: in plain words."""

    verdict: str
    clauses: frozenset[str]
    why: str


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happened, as a request. expected: by pack."""

    id: str
    title: str
    what: str
    sources: tuple[str, ...]
    now: datetime
    request: Request
    expected: Mapping[str, Expected]


def stories(table: Table) -> tuple[Story, ...]:
    """The stories in a parsed corpus.toml; a malformed one is a `PolicyError` that names it."""
    now = table.get("now")
    rows = table.get("story")
    if not isinstance(now, datetime) or now.tzinfo is None or not isinstance(rows, list):
        raise PolicyError("the corpus holds now, a time with a zone, and stories")
    return tuple(_story(row, now) for row in rows)


def _story(row: Table, now: datetime) -> Story:
    name = str(row.get("id"))
    request, expect, sources = row.get("request"), row.get("expect"), row.get("sources")
    if not isinstance(request, Mapping) or not isinstance(expect, list) or not isinstance(sources, list):
        raise PolicyError(f"story {name}: it has a request, sources and expect")
    expected: dict[str, Expected] = {}
    for entry in expect:
        one = Expected(str(entry["verdict"]), frozenset(entry.get("clauses", [])), str(entry["why"]))
        for pack in entry["packs"]:
            if pack in expected:
                raise PolicyError(f"story {name}: {pack} is expected twice")
            expected[pack] = one
    try:
        described = request_of(request, now)
    except BadRequest as error:
        raise PolicyError(f"story {name}: {error}") from error
    return Story(
        id=name,
        title=str(row["title"]),
        what=str(row["what"]),
        sources=tuple(str(source) for source in sources),
        now=now,
        request=described,
        expected=expected,
    )
