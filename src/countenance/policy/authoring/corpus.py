"""Real cases with their sources: what each text says about them, and why.

A story lists the packs that matter to it. What is due of all the others is said once, in [[default]]: an entry for the
packs that it names, and one without packs for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from countenance.errors import BadRequest, PolicyError
from countenance.policy.description import request_of
from countenance.policy.packs.pack import shipped
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


def stories(table: Table, packs: Iterable[str] | None = None) -> tuple[Story, ...]:
    """The stories in a parsed corpus.toml, each with what is expected of all of `packs`.

    packs: names; None is those that ship. A malformed table is a `PolicyError` that names the story.
    """
    now = table.get("now")
    rows, defaults = table.get("story"), table.get("default", [])
    if not isinstance(now, datetime) or now.tzinfo is None or not isinstance(rows, list):
        raise PolicyError("the corpus holds now, a time with a zone, and stories")
    if not isinstance(defaults, list):
        raise PolicyError("the corpus's defaults are a list of tables")
    names = shipped() if packs is None else tuple(packs)
    expected = _expected(defaults, "the defaults", names)
    return tuple(_story(row, now, names, expected) for row in rows)


def _story(row: Table, now: datetime, names: tuple[str, ...], defaults: Mapping[str, Expected]) -> Story:
    name = str(row.get("id"))
    request, expect, sources = row.get("request"), row.get("expect"), row.get("sources")
    if not isinstance(request, Mapping) or not isinstance(expect, list) or not isinstance(sources, list):
        raise PolicyError(f"story {name}: it has a request, sources and expect")
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
        expected={**defaults, **_expected(expect, f"story {name}", names)},
    )


def _expected(entries: list[Table], where: str, names: tuple[str, ...]) -> dict[str, Expected]:
    """By pack, what the entries say; one without packs is for those of `names` that no other entry lists."""
    named: dict[str, Expected] = {}
    rest: Expected | None = None
    for entry in entries:
        one = Expected(str(entry["verdict"]), frozenset(_texts(entry, "clauses")), str(entry["why"]))
        if "packs" not in entry:
            rest = one
            continue
        for pack in _texts(entry, "packs"):
            if pack in named:
                raise PolicyError(f"{where}: {pack} is expected twice")
            if pack not in names:
                raise PolicyError(f"{where}: there is no rule pack {pack}")
            named[pack] = one
    return named if rest is None else {**dict.fromkeys(names, rest), **named}


def _texts(entry: Table, key: str) -> list[str]:
    value = entry.get(key, [])
    assert isinstance(value, list)
    return [str(item) for item in value]
