"""The fine print: what each text, by itself, says about many actors and uses. Pure; the tables come in as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from countenance.errors import BadRequest, PolicyError
from countenance.policy.decision import Decision, PackIdentity, Verdict
from countenance.policy.description import request_of
from countenance.policy.packs.cases import merged
from countenance.policy.packs.pack import Pack
from countenance.policy.rules import Rules

Table = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Heading:
    """An actor, a use or a pack of the matrix."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """What one pack says about one actor and one use."""

    actor: str
    use: str
    pack: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class Matrix:
    """Actors x uses, one column per pack. cells are keyed by (pack, use, actor)."""

    law_date: date
    actors: tuple[Heading, ...]
    uses: tuple[Heading, ...]
    packs: tuple[Pack, ...]
    cells: Mapping[tuple[str, str, str], MatrixCell]

    def at(self, pack: str, use: str, actor: str) -> Decision:
        """The decision in one cell."""
        return self.cells[pack, use, actor].decision

    def count(self, pack: str, verdict: Verdict) -> int:
        """How many cells of `pack` hold `verdict`."""
        return sum(1 for key, cell in self.cells.items() if key[0] == pack and cell.decision.verdict is verdict)

    def record(self) -> dict[str, object]:
        """The matrix as plain JSON values."""
        return {
            "law_date": self.law_date.isoformat(),
            "packs": [_identity(pack.identity) for pack in self.packs],
            "actors": [{"id": a.id, "title": a.title} for a in self.actors],
            "uses": [{"id": u.id, "title": u.title} for u in self.uses],
            "cells": [
                {
                    "pack": cell.pack,
                    "use": cell.use,
                    "actor": cell.actor,
                    "verdict": str(cell.decision.verdict),
                    "clauses": list(cell.decision.clauses),
                    "missing": [fact.fact for fact in cell.decision.missing],
                }
                for cell in self.cells.values()
            ],
        }


def letter(number: int) -> str:
    """The letter that stands for an actor, counted from 0: A to Z, then AA."""
    return ("" if number < 26 else letter(number // 26 - 1)) + chr(ord("A") + number % 26)


def matrix(table: Table, packs: Iterable[Pack], as_of: date | None = None) -> Matrix:
    """The matrix of `table` (actors, uses, common facts) under each of `packs` alone.

    as_of: the day whose law applies and on which it all happens; None is the table's own day. A malformed table is a
    `PolicyError`.
    """
    now = table.get("now")
    if not isinstance(now, datetime) or now.tzinfo is None:
        raise PolicyError("the matrix says now, a time with a zone")
    if as_of is not None:
        now = datetime.combine(as_of, time(12), UTC)
    facts, actors, uses = table.get("facts", {}), _rows(table, "actor"), _rows(table, "use")
    if not isinstance(facts, Mapping):
        raise PolicyError("the matrix's facts are a table")
    requests = {}
    for use, use_row in uses.items():
        for actor, row in actors.items():
            try:
                requests[use.id, actor.id] = request_of(_request(facts, use_row, row), now)
            except BadRequest as error:
                raise PolicyError(f"matrix, {use.id} by {actor.id}: {error}") from error
    cells, applied = {}, []
    for pack in packs:
        rules = Rules([pack])
        applied.append(pack)
        for (use_id, actor_id), request in requests.items():
            cells[pack.name, use_id, actor_id] = MatrixCell(actor_id, use_id, pack.name, rules.decide(request, now))
    return Matrix(now.astimezone(UTC).date(), tuple(actors), tuple(uses), tuple(applied), cells)


def _request(facts: Table, use: Table, actor: Table) -> dict[str, object]:
    own, more = use.get("facts", {}), actor.get("facts", {})
    assert isinstance(own, Mapping)
    assert isinstance(more, Mapping)
    who = {"actor": actor["party"], "jurisdictions": actor.get("jurisdictions", [])}
    if "on_behalf_of" in actor:
        who["on_behalf_of"] = actor["on_behalf_of"]
    return merged(merged(merged(facts, more), own), who)


def _rows(table: Table, key: str) -> dict[Heading, Table]:
    rows = table.get(key)
    if not isinstance(rows, list) or not rows:
        raise PolicyError(f"the matrix has no {key}")
    return {Heading(str(row["id"]), str(row["title"])): row for row in rows}


def _identity(pack: PackIdentity) -> dict[str, str]:
    return {"name": pack.name, "title": pack.title, "version": pack.version, "hash": pack.hash}
