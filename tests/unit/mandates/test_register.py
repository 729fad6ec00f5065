from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.fakes.clock import Clock
from tests.fakes.postgres import sqlite_only

from countenance.database import open_database
from countenance.errors import BadRequest, Conflict, Misconfigured, NotFound
from countenance.mandates import Holder, Mandate, MandateState, Register, Terms

START = datetime(2026, 1, 1, tzinfo=UTC)
TERMS = Terms("safety", "consent", ("demo-*", "staff"), ("identify",))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def register(place: Path | str, clock: Clock) -> Iterator[Register]:
    database = open_database(place)
    yield Register(database, b"k" * 32, clock)
    database.dispose()


def asked(register: Register) -> Mandate:
    return register.request(Holder("Museum"), TERMS, requested_by="ann", expires_at=START + timedelta(days=1))


def test_a_mandate_permits_nothing_until_somebody_else_approves_it(register: Register, clock: Clock) -> None:
    mandate = asked(register)
    assert mandate.state(clock()) is MandateState.REQUESTED
    with pytest.raises(Conflict):
        register.issue_key(mandate.mandate_id)
    with pytest.raises(BadRequest, match="somebody else"):
        register.approve(mandate.mandate_id, approved_by="ann")
    assert register.approve(mandate.mandate_id, approved_by="ben").state(clock()) is MandateState.ACTIVE


def test_a_mandate_is_active_from_its_approval_on_and_not_a_moment_before(register: Register, clock: Clock) -> None:
    clock.now = START + timedelta(hours=1)
    mandate = register.approve(asked(register).mandate_id, approved_by="ben")
    assert mandate.state(clock.now) is MandateState.ACTIVE
    assert mandate.state(clock.now - timedelta(microseconds=1)) is not MandateState.ACTIVE
    assert mandate.state(mandate.expires_at - timedelta(microseconds=1)) is MandateState.ACTIVE
    assert mandate.state(mandate.expires_at) is MandateState.EXPIRED


def test_a_mandate_that_is_not_in_order_says_what_is_missing() -> None:
    def mandate(holder: str = "Museum", operations: tuple[str, ...] = ("identify",), **more: str) -> Mandate:
        terms = Terms("safety", "consent", ("demo-*",), operations)
        return Mandate("m", Holder(holder), terms, "ann", START, START + timedelta(days=1), **more)  # type: ignore[arg-type]

    assert mandate(approved_by="ben").approved_by == "ben"
    for wrong, told in (
        (partial(mandate, holder=" \t"), "a mandate names its holder"),
        (partial(mandate, operations=()), "a mandate grants at least one operation"),
        (partial(mandate, approved_by="ann"), "a mandate is approved by somebody else than who asked for it"),
    ):
        with pytest.raises(BadRequest) as error:
            wrong()
        assert str(error.value) == told


@pytest.mark.parametrize("late", [timedelta(0), timedelta(microseconds=-1), timedelta(days=-1)])
def test_a_mandate_that_would_never_be_active_cannot_be_asked_for(register: Register, late: timedelta) -> None:
    with pytest.raises(BadRequest, match=r"^a mandate expires after it was asked for$"):
        register.request(Holder("Museum"), TERMS, requested_by="ann", expires_at=START + late)
    shortest = START + timedelta(microseconds=1)
    assert register.request(Holder("Museum"), TERMS, requested_by="ann", expires_at=shortest).expires_at == shortest


def test_a_mandate_ends_by_itself_and_a_renewal_needs_somebody_else(register: Register, clock: Clock) -> None:
    mandate = register.approve(asked(register).mandate_id, approved_by="ben")
    clock.now = START + timedelta(days=1)
    assert mandate.state(clock()) is MandateState.EXPIRED
    later = START + timedelta(days=9)
    with pytest.raises(BadRequest, match="somebody else"):
        register.renew(mandate.mandate_id, approved_by="ann", expires_at=later)
    with pytest.raises(BadRequest, match="later"):
        register.renew(mandate.mandate_id, approved_by="ben", expires_at=START)
    assert register.renew(mandate.mandate_id, approved_by="ben", expires_at=later).state(clock()) is MandateState.ACTIVE


def test_a_revoked_mandate_is_revoked_at_the_next_look_and_stays_so(register: Register, clock: Clock) -> None:
    mandate = register.approve(asked(register).mandate_id, approved_by="ben")
    key = register.issue_key(mandate.mandate_id)
    register.end(mandate.mandate_id, "no longer needed")
    found = register.mandate_of(key.access_key)
    assert found is not None
    assert found.state(clock()) is MandateState.REVOKED
    for change in (
        lambda: register.approve(mandate.mandate_id, approved_by="cleo"),
        lambda: register.renew(mandate.mandate_id, approved_by="cleo", expires_at=START + timedelta(days=99)),
        lambda: register.end(mandate.mandate_id, "again"),
        lambda: register.issue_key(mandate.mandate_id),
    ):
        with pytest.raises(Conflict):
            change()


def test_a_request_that_is_turned_down_is_refused_not_revoked(register: Register, clock: Clock) -> None:
    assert register.end(asked(register).mandate_id, "no").state(clock()) is MandateState.REFUSED


@sqlite_only
def test_a_secret_lies_on_disk_encrypted_only(register: Register, tmp_path: Path) -> None:
    mandate = register.approve(asked(register).mandate_id, approved_by="ben")
    key = register.issue_key(mandate.mandate_id)
    assert register.secret_of(key.access_key) == key.secret
    assert register.secret_of("CNTNAAAAAAAAAAAAAAAA") is None
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert key.access_key.encode() in written
    assert key.secret.encode() not in written


def test_a_key_sealed_elsewhere_is_a_misconfiguration_not_a_wrong_secret(register: Register, place: Path | str) -> None:
    mandate = register.approve(asked(register).mandate_id, approved_by="ben")
    key = register.issue_key(mandate.mandate_id)
    other = Register(open_database(place), b"x" * 32, lambda: START)
    with pytest.raises(Misconfigured):
        other.secret_of(key.access_key)


def test_a_mandate_is_read_back_as_it_was_written(register: Register) -> None:
    mandate = asked(register)
    assert register.show(mandate.mandate_id) == mandate
    assert register.list() == [mandate]
    with pytest.raises(NotFound):
        register.show("mandate-0")


@pytest.mark.parametrize(
    ("gallery", "covered"), [("demo-1", True), ("demo-", True), ("staff", True), ("staff2", False), ("demo", False)]
)
def test_a_star_at_the_end_stands_for_any_ending_and_nothing_else_does(gallery: str, covered: bool) -> None:
    assert TERMS.covers(gallery) is covered
