from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from tests.fakes.clock import Clock
from tests.fakes.ledger import FakeLedger

from countenance.administration import Operators
from countenance.database import open_database
from countenance.errors import AlreadyExists, BadRequest, Conflict, NotFound, NotRecorded, Unauthenticated
from countenance.mandates import OperatorStore, Role

START = datetime(2026, 1, 1, tzinfo=UTC)
LATER = START + timedelta(days=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


@pytest.fixture
def operators(database: Engine, ledger: FakeLedger, clock: Clock) -> Operators:
    numbers = itertools.count(1)
    return Operators(OperatorStore(database, clock, lambda n: next(numbers).to_bytes(n)), ledger)  # type: ignore[arg-type]


def test_a_token_is_good_until_its_end_and_not_at_it(operators: Operators, clock: Clock) -> None:
    made, token = operators.add("Ann", [Role.REQUEST], LATER)
    assert operators.holding(token) == made
    clock.now = LATER - timedelta(microseconds=1)
    assert operators.holding(token).name == "Ann"
    clock.now = LATER
    with pytest.raises(Unauthenticated):
        operators.holding(token)


def test_a_renewed_token_replaces_the_old_one_also_after_its_end(operators: Operators, clock: Clock) -> None:
    _, old = operators.add("Ann", [Role.REQUEST], LATER)
    clock.now = LATER + timedelta(days=1)
    _, new = operators.renew("ANN", LATER + timedelta(days=2))
    assert operators.holding(new).roles == {Role.REQUEST}
    with pytest.raises(Unauthenticated):
        operators.holding(old)
    with pytest.raises(BadRequest, match="expires"):
        operators.renew("Ann", LATER)


def test_revoking_is_for_good_and_the_name_stays_taken(operators: Operators) -> None:
    _, token = operators.add("Ann", [Role.REQUEST], LATER)
    operators.revoke("Ann")
    with pytest.raises(Unauthenticated):
        operators.holding(token)
    for change in (lambda: operators.revoke("Ann"), lambda: operators.renew("Ann", LATER)):
        with pytest.raises(Conflict):
            change()
    with pytest.raises(AlreadyExists):
        operators.add("ann", [Role.APPROVE], LATER)


@pytest.mark.parametrize("alike", ["ann lee", "ANN LEE", "Ann  Lee", " Ann Lee ", "Ａnn Lee"])
def test_names_that_look_alike_are_one_name(operators: Operators, alike: str) -> None:
    operators.add("Ann Lee", [Role.REQUEST], LATER)
    with pytest.raises(AlreadyExists):
        operators.add(alike, [Role.APPROVE], LATER)


@pytest.mark.parametrize("name", ["", " ", "a", "a\nb", "x" * 65, "a;b", "<b>", "a\0b"])
def test_a_name_is_a_line_of_letters(operators: Operators, ledger: FakeLedger, name: str) -> None:
    with pytest.raises(BadRequest):
        operators.add(name, [Role.REQUEST], LATER)
    assert ledger.size == 0


def test_roles_are_needed_and_who_audits_does_nothing_else(operators: Operators) -> None:
    with pytest.raises(BadRequest, match="at least one"):
        operators.add("Ann", [], LATER)
    with pytest.raises(BadRequest, match="stands alone"):
        operators.add("Ann", [Role.AUDIT, Role.REVIEW], LATER)


def test_the_database_holds_the_hash_of_a_token_and_nothing_more(operators: Operators, database: Engine) -> None:
    _, token = operators.add("Ann", [Role.REQUEST], LATER)
    with database.begin() as connection:
        row = str(connection.exec_driver_sql("select * from operators").one())
    assert token not in row
    assert token.removeprefix("cntn_") not in row
    assert hashlib.sha256(token.encode()).hexdigest() in row


def test_each_change_is_an_entry_that_commits_to_the_name(operators: Operators, ledger: FakeLedger) -> None:
    operators.add("Ann Lee", [Role.REVIEW, Role.APPROVE], LATER)
    operators.renew("Ann Lee", LATER + timedelta(days=1))
    operators.revoke("Ann Lee")
    entries = list(ledger.entries())
    assert [entry.fields["change"] for entry in entries] == ["added", "renewed", "revoked"]
    assert entries[0].fields["roles"] == ["approve", "review"]
    assert all("Ann" not in entry.text and "name" in entry.commitments for entry in entries)


def test_where_the_ledger_cannot_be_written_nothing_changes(operators: Operators, ledger: FakeLedger) -> None:
    _, token = operators.add("Ann", [Role.REQUEST], LATER)
    ledger.refuses = True
    for change in (
        lambda: operators.add("Ben", [Role.REQUEST], LATER),
        lambda: operators.revoke("Ann"),
        lambda: operators.renew("Ann", LATER + timedelta(days=1)),
    ):
        with pytest.raises(NotRecorded):
            change()
    assert [each.name for each in operators.all()] == ["Ann"]
    assert operators.holding(token).expires_at == LATER


def test_nobody_is_called_by_a_name_that_is_not_there(operators: Operators) -> None:
    with pytest.raises(NotFound):
        operators.revoke("Nobody")


@pytest.fixture(scope="module")
def with_ann(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OperatorStore]:
    database = open_database(tmp_path_factory.mktemp("operators") / "db.sqlite")
    store = OperatorStore(database, lambda: START, lambda n: b"\1" * n)
    token = store.add(store.draft("Ann", [Role.REQUEST], LATER))
    assert store.holding(token).name == "Ann"
    yield store
    database.dispose()


@given(token=st.text(max_size=80))
def test_no_other_text_is_a_token(with_ann: OperatorStore, token: str) -> None:
    for each in (token, "cntn_" + token):
        with pytest.raises(Unauthenticated):
            with_ann.holding(each)
