"""Refused operations, counted from the ledger: which mandate, by which clauses, how often, and when last."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, select, text

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


_REFUSALS = text(
    "SELECT json_extract(entry, '$.mandate'), json_extract(entry, '$.operation'), "
    "coalesce(json_extract(entry, '$.refused_for'), 'rules'), json_extract(entry, '$.clauses'), "
    "count(*), max(json_extract(entry, '$.time')) FROM ledger_entries "
    'WHERE sequence >= :start AND instr(entry, \'"verdict":"permit"\') = 0 '
    "AND json_extract(entry, '$.kind') = 'decision' AND json_extract(entry, '$.verdict') IN ('deny', 'undetermined') "
    "GROUP BY 1, 2, 3, 4 ORDER BY 5 DESC, 6 DESC, 1, 2, 3, 4"
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
