"""Refusals are counted from the ledger: by mandate, operation and cause."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from countenance.database import open_database
from countenance.ledger import Ledger
from countenance.signing import Signer

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Ticking:
    """A clock that goes on by a minute at every entry, on demand."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    database = open_database(tmp_path / "db.sqlite")
    yield database
    database.dispose()


def decide(ledger: Ledger, clock: Ticking, mandate: str, verdict: str, *clauses: str, **more: str) -> None:
    clock.at += timedelta(minutes=1)
    entry = {"kind": "decision", "mandate": mandate, "operation": "search", "verdict": verdict}
    index = (
        ledger.append({**entry, "clauses": list(clauses), **more}, {"note": 'a "verdict":"permit" in private'})
        .wait()
        .index
    )
    if verdict == "permit":
        ledger.append({"kind": "result", "decision": index, "outcome": "done"}).wait()


def test_refusals_are_counted_by_mandate_and_cause(database: Engine) -> None:
    clock = Ticking()
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", clock)
    assert ledger.refusals(START) == []
    decide(ledger, clock, "m-1", "deny", "a.1")
    decide(ledger, clock, "m-1", "permit", "a.0")
    decide(ledger, clock, "m-2", "undetermined", "a.1", "b.2")
    decide(ledger, clock, "m-1", "deny", "a.1")
    decide(ledger, clock, "m-2", "deny", "a.0", refused_for="overdue")
    found = ledger.refusals(START)
    assert [(each.mandate_id, each.refused_for, each.clauses, each.count) for each in found] == [
        ("m-1", "rules", ("a.1",), 2),
        ("m-2", "overdue", (), 1),
        ("m-2", "rules", ("a.1", "b.2"), 1),
    ]
    assert found[0].last == START + timedelta(minutes=4)
    ledger.close()


@pytest.mark.parametrize(("minutes", "count"), [(0, 3), (1, 3), (2, 2), (3, 1), (4, 0), (10**6, 0)])
def test_only_those_since_then_are_counted(database: Engine, minutes: int, count: int) -> None:
    clock = Ticking()
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", clock)
    for _ in range(3):
        decide(ledger, clock, "m-1", "deny", "a.1")
    found = ledger.refusals(START + timedelta(minutes=minutes))
    assert sum(each.count for each in found) == count
    ledger.close()
