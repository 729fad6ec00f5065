"""Refused operations, counted from the ledger: which mandate, by which clauses, how often, and when last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnClause, Connection, bindparam, column, func, select

from countenance.database import field_of, place_in
from countenance.ledger import tables


@dataclass(frozen=True, slots=True)
class RefusedCount:
    """Refusals of one mandate for one cause.

    refused_for: "rules", "overdue" (an authorisation was not requested in time) or "unenforceable" (this server cannot
    meet the permit's obligations). clauses: those of the rules that refused, empty for another cause. last: of the
    newest.
    """

    mandate_id: str
    operation: str
    refused_for: str
    clauses: tuple[str, ...]
    count: int
    last: datetime


_E = tables.entries.c
_FIELDS = {name: field_of(_E.entry, name) for name in ("mandate", "operation", "refused_for", "clauses", "time")}
_COUNT, _LAST = func.count().label("refused"), func.max(_FIELDS["time"]).label("newest")
_CAUSE = (
    _FIELDS["mandate"].label("mandate"),
    _FIELDS["operation"].label("operation"),
    func.coalesce(_FIELDS["refused_for"], "rules").label("cause"),
    _FIELDS["clauses"].label("clauses"),
)
_NAMES: list[ColumnClause[Any]] = [column(each.name) for each in _CAUSE]
_REFUSALS = (
    select(*_CAUSE, _COUNT, _LAST)
    .where(
        _E.sequence >= bindparam("start"),
        place_in(_E.entry, '"verdict":"permit"') == 0,
        field_of(_E.entry, "kind") == "decision",
        field_of(_E.entry, "verdict").in_(("deny", "undetermined")),
    )
    .group_by(*_NAMES)
    .order_by(column("refused").desc(), column("newest").desc(), *_NAMES)
)


def refusals_in(connection: Connection, size: int, since: datetime) -> list[RefusedCount]:
    """Refusals among `size` entries, at or after `since` (aware), most frequent first; reads all entries since."""
    rows = connection.execute(_REFUSALS, {"start": _first_at(connection, size, since)}).all()
    return [
        RefusedCount(
            str(mandate),
            str(operation),
            str(cause),
            tuple(map(str, json.loads(clauses or "[]"))) if cause == "rules" else (),
            int(count),
            datetime.fromisoformat(last),
        )
        for mandate, operation, cause, clauses, count, last in rows
    ]


def _first_at(connection: Connection, size: int, since: datetime) -> int:
    """The index of the first entry at or after `since`: times never fall along the ledger."""
    wanted = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        query = select(tables.entries.c.entry).where(tables.entries.c.sequence == middle)
        at = connection.execute(query).scalar()
        if at is not None and json.loads(at)["time"] < wanted:
            low = middle + 1
        else:
            high = middle
    return low
