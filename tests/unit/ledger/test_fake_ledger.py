"""The fake does what the ledger does, as far as callers can see; it may lack an entry 0, and the disk."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from tests.fakes.clock import Clock
from tests.fakes.ledger import FakeLedger
from tests.fakes.postgres import sqlite_only

from countenance.errors import BadRequest, NotFound, NotRecorded
from countenance.ledger import Ledger


@pytest.fixture(params=["real", "fake"])
def either(request: pytest.FixtureRequest, clock: Clock, place: Path | str) -> object:
    return request.getfixturevalue("ledger") if request.param == "real" else FakeLedger(clock)


@sqlite_only
def test_callers_cannot_tell_the_fake_from_the_ledger(either: Ledger) -> None:
    decided = either.append({"kind": "decision", "verdict": "permit"}, {"who": "Ada"}).wait()
    denied = either.append({"kind": "decision", "verdict": "deny"}, {"who": "Ada"}).wait()
    entry = either.entry(decided.index)
    assert entry.fields["time"] == "2026-01-01T00:00:00.000000Z"
    assert set(entry.commitments) == {"who"}
    assert entry.commitments != either.entry(denied.index).commitments
    assert either.openings(decided.index) == {"who": "Ada"}
    assert either.receipt(decided.index) == decided
    assert [one.sequence for one in either.open_decisions()] == [decided.index]
    either.append({"kind": "result", "decision": decided.index}).wait()
    assert either.open_decisions() == []
    assert either.checkpoint().size == either.size
    assert len(list(either.entries())) == either.size
    assert either.erase_openings(decided.index) == 1
    assert either.openings(decided.index) == {}


@sqlite_only
def test_both_refuse_what_cannot_be_recorded(either: Ledger) -> None:
    with pytest.raises(ValueError, match="kind"):
        either.append({})
    with pytest.raises(BadRequest):
        either.append({"kind": "note"}, {"x": float("nan")})
    with pytest.raises(NotFound):
        either.entry(100)


def test_the_fake_refuses_on_demand() -> None:
    fake = FakeLedger()
    fake.refuses = True
    with pytest.raises(NotRecorded):
        fake.append({"kind": "note"}).wait()
    assert fake.size == 0


def test_the_fakes_methods_take_what_the_ledgers_take() -> None:
    for name, method in inspect.getmembers(FakeLedger, inspect.isfunction):
        if not name.startswith("_"):
            theirs = inspect.signature(getattr(Ledger, name)).parameters
            assert set(inspect.signature(method).parameters) <= set(theirs), name
