"""Outside checks of liveness: on evidence or on the record without, approved by two, and nothing forged is taken."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.fakes.pad import evidence_about, result_of_check

from countenance.administration import OutsideCheck, OutsideChecks
from countenance.database import changing, open_database
from countenance.errors import BadRequest, Conflict, Denied, NoSuchSession, NotAsRecorded
from countenance.jobs import LivenessSessions
from countenance.ledger import Bindings, Ledger
from countenance.mandates import OutsideCheckStore, outside_check_rows
from countenance.operations.liveness import LivenessState, result_of
from countenance.signing import Signer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ISSUER, CHECK, OTHER = (Signer(bytes([n]) * 32) for n in (1, 2, 3))


@dataclass
class Bench:
    """One installation's checks. at: the time that it is."""

    database: sa.Engine
    ledger: Ledger
    bindings: Bindings
    store: OutsideCheckStore
    sessions: LivenessSessions
    checks: OutsideChecks
    at: list[datetime]

    def asked(self, **more: Any) -> OutsideCheck:
        given: dict[str, Any] = {
            "evidence": evidence_about("Live one", NOW - DAY, NOW + 30 * DAY, ISSUER), "without_evidence": None,
            "requested_by": "ann", "expires_at": NOW + 7 * DAY, **more,
        }  # fmt: skip
        name = given.pop("name", "Live one")
        return self.checks.request(name, given.pop("public_key", CHECK.public.hex()), **given)

    def in_force(self) -> OutsideCheck:
        return self.checks.approve(self.asked().check_id, approved_by="ben")

    def entries(self) -> list[dict[str, Any]]:
        return [dict(e.fields) for e in self.ledger.entries() if e.kind == "outside check"]

    def state(self, session_id: str) -> tuple[LivenessState, float | None]:
        found = result_of(self.sessions.show(session_id), self.store, self.at[0])
        return found.state, found.confidence

    def forge(self, statement: str, **values: object) -> None:
        with changing(self.database) as connection:
            connection.execute(sa.text(statement), values)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    at = [NOW]
    database = open_database(tmp_path / "db.sqlite")
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", lambda: at[0])
    bindings = Bindings(database, ledger, bytes(32), (outside_check_rows,))
    store = OutsideCheckStore(database, lambda: at[0], bindings)
    sessions = LivenessSessions(database, lambda: at[0])
    checks = OutsideChecks(store, sessions, ledger, {ISSUER.public.hex()})
    yield Bench(database, ledger, bindings, store, sessions, checks, at)
    ledger.close()
    database.dispose()


def test_a_check_is_registered_on_evidence_and_approved_by_somebody_else(bench: Bench) -> None:
    check = bench.asked()
    assert bench.store.in_force() is None
    with pytest.raises(Denied, match="somebody else"):
        bench.checks.approve(check.check_id, approved_by="ann")
    approved = bench.checks.approve(check.check_id, approved_by="ben")
    assert bench.store.in_force() == approved
    assert [entry["change"] for entry in bench.entries()] == ["requested", "approved"]
    said = bench.entries()[0]
    assert (said["evidence"], said["apcer_at_most"], said["name"]) == (check.evidence, 0.0664, "Live one")
    assert bench.bindings.differences() == []
    bench.at[0] = check.expires_at
    assert bench.store.in_force() is None


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"evidence": None}, BadRequest, "on evidence, or with a reason"),
        ({"without_evidence": "no time"}, BadRequest, "on evidence, or with a reason"),
        ({"evidence": evidence_about("Live one", NOW - DAY, NOW + 30 * DAY, OTHER)}, Denied, "trusted evidence"),
        ({"evidence": evidence_about("Live one", NOW - 2 * DAY, NOW - DAY, ISSUER)}, BadRequest, "and not now"),
        ({"evidence": evidence_about("Live one", NOW + DAY, NOW + 9 * DAY, ISSUER)}, BadRequest, "and not now"),
        ({"evidence": evidence_about("Live one", NOW - DAY, NOW + DAY, ISSUER)}, BadRequest, "no later than its"),
        ({"name": "Live two"}, BadRequest, "is about 'Live one'"),
        ({"evidence": b"{}"}, BadRequest, "evidence"),
        ({"public_key": "ab"}, BadRequest, "64 hex digits"),
        ({"name": "L\nx"}, BadRequest, "is about|check's name"),
        ({"expires_at": NOW}, BadRequest, "after it was asked for"),
    ],
)
def test_what_is_in_doubt_is_not_registered(bench: Bench, more: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        bench.asked(**more)
    assert bench.entries() == []
    assert bench.checks.all() == []


def test_without_evidence_the_reason_is_on_the_record(bench: Bench) -> None:
    check = bench.asked(evidence=None, without_evidence="a trial with staff", name="Anything")
    assert bench.entries()[0]["without_evidence"] == "a trial with staff"
    assert bench.checks.approve(check.check_id, approved_by="ben").evidence is None


def test_one_check_is_in_force_at_a_time(bench: Bench) -> None:
    first, second = bench.in_force(), bench.asked()
    with pytest.raises(Conflict, match="end that one first"):
        bench.checks.approve(second.check_id, approved_by="ben")
    bench.checks.end(first.check_id, "replaced", by="ben")
    assert bench.checks.approve(second.check_id, approved_by="ben") == bench.store.in_force()


def test_what_a_check_signed_is_taken_over_once(bench: Bench) -> None:
    check = bench.in_force()
    session = bench.sessions.create("mandate-1", check.check_id, "token").session_id
    assert bench.sessions.create("mandate-1", check.check_id, "token").session_id == session
    assert bench.sessions.create("mandate-2", check.check_id, "token").session_id != session
    assert bench.state(session) == (LivenessState.CREATED, None)
    signed = result_of_check(check.check_id, session, CHECK)
    assert bench.checks.take_result(session, *signed) is LivenessState.SUCCEEDED
    assert bench.state(session) == (LivenessState.SUCCEEDED, 97.25)
    entry = bench.entries()[-1]
    assert (entry["change"], entry["status"], session in str(entry)) == ("result", "SUCCEEDED", False)
    for again in (signed, result_of_check(check.check_id, session, CHECK, status="FAILED")):
        with pytest.raises(Conflict, match="already"):
            bench.checks.take_result(session, *again)
    assert bench.state(session) == (LivenessState.SUCCEEDED, 97.25)
    assert [e["change"] for e in bench.entries()[-2:]] == ["result refused"] * 2


def test_what_was_not_signed_for_this_session_by_this_check_is_refused(bench: Bench) -> None:
    check = bench.in_force()
    one, other = (bench.sessions.create("mandate-1", check.check_id, None).session_id for _ in range(2))
    good, mark = result_of_check(check.check_id, one, CHECK)
    wrong: list[tuple[str, tuple[bytes, bytes], type[Exception]]] = [
        (one, result_of_check(check.check_id, one, OTHER), Denied),
        (one, result_of_check("check-000000000000", one, CHECK), Denied),
        (one, result_of_check(check.check_id, other, CHECK), Denied),
        (other, (good, mark), Denied),
        (one, (good.replace(b"97.25", b"99.25"), mark), Denied),
        (one, (good, bytes(64)), Denied),
        (one, result_of_check(check.check_id, one, CHECK, confidence=101.0), BadRequest),
        (one, result_of_check(check.check_id, one, CHECK, status="LIVE"), BadRequest),
        (one, result_of_check(check.check_id, one, CHECK, more=1), BadRequest),
        (one, (b'{"a": 1}', CHECK.sign(b'{"a": 1}')), BadRequest),
        (one, (b"no", CHECK.sign(b"no")), BadRequest),
        ("00000000-0000-4000-8000-000000000000", (good, mark), NoSuchSession),
    ]
    for session, signed, error in wrong:
        with pytest.raises(error):
            bench.checks.take_result(session, *signed)
    assert bench.state(one) == bench.state(other) == (LivenessState.CREATED, None)


def test_a_result_that_comes_too_late_is_refused(bench: Bench) -> None:
    check = bench.in_force()
    session = bench.sessions.create("mandate-1", check.check_id, None)
    bench.at[0] = session.ends_at
    assert bench.state(session.session_id) == (LivenessState.EXPIRED, None)
    with pytest.raises(Conflict, match="too late"):
        bench.checks.take_result(session.session_id, *result_of_check(check.check_id, session.session_id, CHECK))
    bench.at[0] = NOW + 2 * DAY
    with pytest.raises(NoSuchSession):
        bench.sessions.show(session.session_id)


def test_a_check_that_was_ended_tells_nothing_any_more(bench: Bench) -> None:
    check = bench.in_force()
    done, waiting = (bench.sessions.create("mandate-1", check.check_id, None).session_id for _ in range(2))
    bench.checks.take_result(done, *result_of_check(check.check_id, done, CHECK))
    bench.checks.end(check.check_id, "its key was stolen", by="ben")
    with pytest.raises(Denied, match="not in force"):
        bench.state(done)
    with pytest.raises(Denied, match="not in force"):
        bench.checks.take_result(waiting, *result_of_check(check.check_id, waiting, CHECK))


@pytest.mark.parametrize(
    "change",
    [
        f"update outside_checks set public_key = '{OTHER.public.hex()}'",
        "update outside_checks set expires_at = '2099-01-01T00:00:00+00:00'",
        "update outside_checks set name = 'Another'",
    ],
)
def test_a_check_that_was_changed_behind_the_ledger_is_not_used(bench: Bench, change: str) -> None:
    check = bench.in_force()
    session = bench.sessions.create("mandate-1", check.check_id, None).session_id
    bench.forge(change)
    with pytest.raises(NotAsRecorded):
        bench.store.in_force()
    with pytest.raises(NotAsRecorded):
        bench.checks.take_result(session, *result_of_check(check.check_id, session, OTHER))
    with pytest.raises(NotAsRecorded):
        bench.checks.end(check.check_id, "laundered")
    assert any("outside_checks" in line for line in bench.bindings.differences())


def test_a_check_that_was_written_into_the_database_is_not_used(bench: Bench) -> None:
    check = bench.asked()
    bench.forge("update outside_checks set approved_by = 'eve', approved_at = :at", at=NOW.isoformat())
    with pytest.raises(NotAsRecorded):
        bench.store.in_force(check.check_id)


def test_a_result_that_was_written_into_the_database_makes_nobody_live(bench: Bench) -> None:
    check = bench.in_force()
    session, other = (bench.sessions.create("mandate-1", check.check_id, None).session_id for _ in range(2))
    write = "update liveness_sessions set statement = :said, signature = :mark where session_id = :id"
    for said, mark in (
        result_of_check(check.check_id, session, OTHER),
        result_of_check(check.check_id, other, CHECK),
    ):
        bench.forge(write, said=said, mark=mark, id=session)
        with pytest.raises(Denied):
            bench.state(session)
