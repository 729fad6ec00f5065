"""Erasure: the value is gone from every file, the ledger stands, and that it was done is on the record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event
from tests.fakes.clock import Clock
from tests.fakes.postgres import sqlite_only

from countenance.database import reading
from countenance.errors import Conflict
from countenance.ledger import Ledger, erasure, verify_records

SECRET = "Theodora Vantongerloo"


def files_that_hold(folder: Path, value: str) -> list[str]:
    return [path.name for path in folder.iterdir() if value.encode() in path.read_bytes()]


@sqlite_only
def test_an_erased_value_is_in_no_file_and_the_log_stands(ledger: Ledger, tmp_path: Path) -> None:
    for n in range(30):
        ledger.append({"kind": "decision"}, {"name": SECRET, "n": n}).wait()
    assert files_that_hold(tmp_path, SECRET)
    assert ledger.openings(5) == {"name": SECRET, "n": 4}
    before = ledger.entry(5).text
    assert ledger.erase_openings_where("name", value=SECRET) == 30
    assert files_that_hold(tmp_path, SECRET) == []
    assert ledger.openings(5) == {"n": 4}
    assert ledger.entry(5).text == before
    assert not verify_records(ledger).findings


def test_private_values_are_in_no_entry(ledger: Ledger) -> None:
    ledger.append({"kind": "decision"}, {"name": SECRET}).wait()
    assert all(SECRET not in entry.text for entry in ledger.entries())


def test_commitments_to_one_value_differ_and_are_opened_by_what_is_kept(ledger: Ledger) -> None:
    one = ledger.append({"kind": "decision"}, {"name": SECRET}).wait()
    other = ledger.append({"kind": "decision"}, {"name": SECRET}).wait()
    assert ledger.entry(one.index).commitments != ledger.entry(other.index).commitments
    for index in (one.index, other.index):
        (opening,) = ledger.stored_openings(index)
        assert ledger.entry(index).commitments == {"name": opening.commitment}


def test_an_entrys_openings_can_be_erased_at_once(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.append({"kind": "decision"}, {"a": 1, "b": None}).wait()
    assert ledger.erase_openings(2) == 2
    assert [ledger.openings(index) for index in (1, 2, 3)] == [{"a": 1, "b": None}, {}, {"a": 1, "b": None}]
    record = ledger.entry(ledger.size - 1)
    assert record.kind == "erasure"
    assert record.fields["erased"] == [[2, "a"], [2, "b"]]


def test_conditions_narrow_each_other(ledger: Ledger, clock: Clock) -> None:
    for n in range(4):
        ledger.append({"kind": "decision"}, {"who": n % 2, "other": n % 2}).wait()
        clock.advance(60)
    old = clock.now.replace(minute=2)  # before the third
    assert ledger.erase_openings_where("who", value=1, before=old) == 1
    assert ledger.openings(2) == {"other": 1}
    assert ledger.openings(4) == {"who": 1, "other": 1}
    assert ledger.erase_openings_where(value=0) == 4
    assert ledger.erase_openings_where(before=old) == 1
    assert ledger.erase_openings_where("who") == 1
    assert ledger.openings(4) == {"other": 1}


def test_before_a_moment_does_not_mean_at_it(ledger: Ledger, clock: Clock) -> None:
    ledger.append({"kind": "decision"}, {"a": 1}).wait()
    assert ledger.erase_openings_where(before=clock.now) == 0
    assert ledger.erase_openings_where(before=clock.now + timedelta(microseconds=1)) == 1


def test_null_is_a_value_like_another(ledger: Ledger) -> None:
    ledger.append({"kind": "decision"}, {"a": None, "b": 0}).wait()
    assert ledger.erase_openings_where(value=None) == 1
    assert ledger.openings(1) == {"b": 0}


def test_what_matches_nothing_leaves_no_entry_and_no_condition_is_an_error(ledger: Ledger) -> None:
    ledger.append({"kind": "decision"}, {"a": 1}).wait()
    size = ledger.size
    assert ledger.erase_openings(77) == 0
    assert ledger.erase_openings_where("a", value="1") == 0
    assert ledger.size == size
    with pytest.raises(ValueError, match="what to erase"):
        ledger.erase_openings_where()


def test_the_record_of_a_large_erasure_is_several_entries(ledger: Ledger) -> None:
    for n in range(600):
        last = ledger.append({"kind": "decision"}, {"a": n, "b": n})
    last.wait()
    size = ledger.size
    assert ledger.erase_openings_where("a") == 600
    records = list(ledger.entries(size))
    erased: list[Any] = [record.fields["erased"] for record in records]
    assert [len(pairs) for pairs in erased] == [500, 100]
    assert {sequence for pairs in erased for sequence, _ in pairs} == set(range(1, 601))


@sqlite_only
def test_a_reader_of_an_older_state_is_named_when_copies_may_remain(ledger: Ledger, database: Engine) -> None:
    ledger.append({"kind": "decision"}, {"a": 1}).wait()
    event.listen(database, "checkout", lambda connection, *_: connection.execute("PRAGMA busy_timeout=50"))
    with reading(database) as connection:
        connection.exec_driver_sql("SELECT count(*) FROM ledger_openings").all()
        ledger.append({"kind": "note"}).wait()
        with pytest.raises(Conflict, match="write-ahead log"):
            ledger.erase_openings(1)
    assert ledger.openings(1) == {}


def test_all_that_a_call_said_goes_with_any_of_many_faces_and_other_calls_stay(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "_PER_QUERY", 2)
    for n in range(4):
        decided = ledger.append({"kind": "decision"}, {"external_id": f"p-{n}"}).wait()
        ledger.append({"kind": "result", "decision": decided.index}, {"face_id": f"f-{n}"}).wait()
    faces = ["f-0", "f-1", "f-2"]
    assert ledger.carry_out(lambda batch, transaction: erasure.erase_about(batch, transaction, faces, None)) == 6
    left = [ledger.openings(index) for index in range(1, 9)]
    assert left == [{}] * 6 + [{"external_id": "p-3"}, {"face_id": "f-3"}]
