"""Obligations are carried out, not printed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.fakes.engine import picture_of
from tests.unit.operations.conftest import World

from countenance.administration import AuthorisationOutcome, Custodian
from countenance.custody import HoldState
from countenance.errors import Conflict, Denied, Held
from countenance.mandates import MandateState
from countenance.operations import Compare, CreateGallery, Detect, Enrol, SearchByImage
from countenance.policy import Verdict
from countenance.policy.obligations import obligations

ASK = SearchByImage("g", picture_of(1))


@pytest.fixture
def ready(world: World) -> World:
    world.guard.carry_out(world.caller, CreateGallery("g"))
    world.guard.carry_out(world.caller, Enrol("g", picture_of(1), "p-1"))
    return world


@pytest.fixture
def custodian(ready: World) -> Custodian:
    return Custodian(ready.custody, ready.register, ready.gallery, ready.ledger, ready.clock)  # type: ignore[arg-type]


def bind(world: World, text: str) -> None:
    world.rules.obligations = obligations(text, "test-1")


def held(world: World) -> str:
    with pytest.raises(Held, match="hold-"):
        world.guard.carry_out(world.caller, ASK)
    return world.custody.holds()[-1].hold_id


def candidates(custodian: Custodian, hold_id: str) -> Any:
    """Of a held result, as JSON: a list of lists."""
    contents = custodian.contents(hold_id)
    assert isinstance(contents, dict)
    return contents["candidates"]


def test_a_result_leaves_only_when_two_people_have_verified_it(ready: World, custodian: Custodian) -> None:
    bind(ready, "reviewers 2")
    hold_id = held(ready)
    assert candidates(custodian, hold_id)[0][2] == "p-1"
    custodian.review(hold_id, "cleo", agrees=True)
    assert held(ready) == hold_id, "one person is not enough, and asking again makes no second hold"
    custodian.review(hold_id, "dora", agrees=True)
    answer = ready.guard.carry_out(ready.caller, ASK)
    assert answer.result.candidates[0].face.external_id == "p-1"
    assert (answer.reviewed, answer.reviewers) == (True, 2)


def test_nobody_reviews_twice_or_their_own_question(ready: World, custodian: Custodian) -> None:
    bind(ready, "reviewers 2")
    hold_id = held(ready)
    custodian.review(hold_id, "cleo", agrees=True)
    for reviewer in ("cleo", "ann", "A museum"):
        with pytest.raises(Conflict):
            custodian.review(hold_id, reviewer, agrees=True)
    assert custodian.show(hold_id).agreed == ("cleo",)


def test_one_person_who_says_that_it_is_wrong_is_enough_to_keep_it(ready: World, custodian: Custodian) -> None:
    bind(ready, "reviewers 2")
    hold_id = held(ready)
    for reviewer, agrees in (("cleo", True), ("dora", False), ("eve", True)):
        custodian.review(hold_id, reviewer, agrees=agrees)
    assert custodian.show(hold_id).state(ready.clock()) is HoldState.REJECTED
    held(ready)


def test_another_finding_to_the_same_question_is_reviewed_anew(ready: World, custodian: Custodian) -> None:
    bind(ready, "reviewers 1")
    hold_id = held(ready)
    custodian.review(hold_id, "cleo", agrees=True)
    ready.rules.obligations = ()
    ready.guard.carry_out(ready.caller, Enrol("g", picture_of(1, 2), "p-1-again"))
    bind(ready, "reviewers 1")
    assert held(ready) != hold_id


def test_the_same_finding_to_another_question_is_reviewed_anew(ready: World, custodian: Custodian) -> None:
    bind(ready, "reviewers 1")
    hold_id = held(ready)
    custodian.review(hold_id, "cleo", agrees=True)
    with pytest.raises(Held):
        ready.guard.carry_out(ready.caller, SearchByImage("g", b"people:01"))  # another picture of the same person
    one, other = ready.custody.holds()
    assert candidates(custodian, one.hold_id) == candidates(custodian, other.hold_id)


def test_whoever_is_held_up_is_told_every_clause(ready: World) -> None:
    ready.rules.obligations = (
        *obligations("reviewers 2; authorise-within 24h", "a-1"),
        *obligations("reviewers 1", "b-2"),
    )
    with pytest.raises(Held, match=r"0 of 2 reviewers agree \(clause a-1, b-2\)\. Ask again"):
        ready.guard.carry_out(ready.caller, ASK)
    ready.clock.advance(25 * 3600)
    with pytest.raises(Held, match=r"Frozen: .* \(clause a-1, b-2\)\. Until it is"):
        ready.guard.carry_out(ready.caller, ASK)


def test_whatever_cannot_be_enforced_is_named(ready: World) -> None:
    bind(ready, "blur-others; reviewers 2")
    with pytest.raises(Denied) as error:
        ready.guard.carry_out(ready.caller, Enrol("g", picture_of(3)))
    assert str(error.value) == "Denied: nothing here can enforce blur-others, reviewers 2 for this operation."


@pytest.mark.parametrize(
    ("after", "frozen"),
    [
        (timedelta(hours=23, minutes=59), False),
        (timedelta(hours=24), False),
        (timedelta(hours=24, minutes=1), True),
    ],
)
def test_a_use_without_authorisation_freezes_after_its_hours(ready: World, after: timedelta, frozen: bool) -> None:
    bind(ready, "authorise-within 24h; shred-on-refusal")
    ready.guard.carry_out(ready.caller, ASK)
    ready.clock.now += after
    if frozen:
        with pytest.raises(Held, match="Frozen"):
            ready.guard.carry_out(ready.caller, Detect(picture_of(1)))
        assert ready.kinds()[-1] == ("decision", "deny")
    else:
        ready.guard.carry_out(ready.caller, Detect(picture_of(1)))


def test_asking_for_authorisation_thaws_a_frozen_use(ready: World, custodian: Custodian) -> None:
    bind(ready, "authorise-within 24h")
    ready.guard.carry_out(ready.caller, ASK)
    hold_id = ready.custody.holds()[0].hold_id
    ready.clock.now += timedelta(hours=25)
    custodian.authorise(hold_id, "judge's office", AuthorisationOutcome.REQUESTED)
    assert custodian.show(hold_id).state(ready.clock()) is HoldState.RELEASED
    ready.guard.carry_out(ready.caller, Detect(picture_of(1)))


def test_a_refusal_shreds_the_result_its_openings_and_the_mandate(ready: World, custodian: Custodian) -> None:
    bind(ready, "authorise-within 24h; shred-on-refusal")
    ready.guard.carry_out(ready.caller, ASK)
    hold = ready.custody.holds()[0]
    assert ready.ledger.openings(hold.decision)
    assert ready.ledger.openings(hold.decision + 1)
    custodian.authorise(hold.hold_id, "the judge", AuthorisationOutcome.REFUSED)
    assert custodian.show(hold.hold_id).state(ready.clock()) is HoldState.SHREDDED
    with pytest.raises(Conflict, match="shredded"):
        custodian.contents(hold.hold_id)
    assert not ready.ledger.openings(hold.decision)
    assert not ready.ledger.openings(hold.decision + 1)
    assert ready.register.show(hold.mandate_id).state(ready.clock()) is MandateState.REVOKED
    with pytest.raises(Conflict):
        custodian.authorise(hold.hold_id, "another judge", AuthorisationOutcome.GRANTED)


def test_what_is_held_lies_on_disk_sealed_and_is_gone_when_shredded(ready: World, custodian: Custodian) -> None:
    bind(ready, "reviewers 2")
    hold_id = held(ready)
    with ready.database.begin() as connection:
        sealed = connection.exec_driver_sql("select sealed from custody_holds").scalar_one()
    assert b"p-1" not in sealed
    custodian.authorise(hold_id, "the judge", AuthorisationOutcome.REFUSED)
    with ready.database.begin() as connection:
        assert connection.exec_driver_sql("select sealed from custody_holds").scalar_one() is None


def test_faces_are_erased_when_their_term_ends_and_not_before(ready: World, custodian: Custodian) -> None:
    bind(ready, "keep-at-most 30d")
    ready.guard.carry_out(ready.caller, Enrol("g", picture_of(2), "p-2"))
    ready.clock.now += timedelta(days=30)
    assert custodian.sweep() == 0
    ready.clock.now += timedelta(seconds=1)
    assert custodian.sweep() == 2
    assert ready.gallery.describe("g").faces == 0
    assert ready.ledger.entry(ready.ledger.size - 1).kind == "retention"


def test_a_longer_term_does_not_lengthen_a_shorter_one(ready: World) -> None:
    for days in (30, 10, 20):
        ready.custody.retain("g", days, f"clause-{days}")
    assert [(term.days, term.clause) for term in ready.custody.terms()] == [(10, "clause-10")]


def test_the_answer_carries_the_words_that_it_must(ready: World) -> None:
    bind(ready, "label lead-only; label not-probable-cause")
    headers = ready.guard.carry_out(ready.caller, ASK).headers
    assert headers["x-countenance-label"] == "lead-only, not-probable-cause"


@pytest.mark.parametrize(
    ("ask", "text"), [(Enrol("g", picture_of(3)), "reviewers 2"), (Detect(picture_of(1)), "blur-others")]
)
def test_what_cannot_be_enforced_is_not_done(ready: World, ask: object, text: str) -> None:
    bind(ready, text)
    with pytest.raises(Denied, match="enforce"):
        ready.guard.carry_out(ready.caller, ask)  # type: ignore[arg-type]
    assert ready.kinds()[-1] == ("decision", "deny")


def test_reports_are_counted_from_the_ledger(ready: World, custodian: Custodian) -> None:
    bind(ready, "count us-md.searches")
    for _ in range(3):
        ready.guard.carry_out(ready.caller, ASK)
    ready.rules._verdict = Verdict.DENY
    with pytest.raises(Denied):
        ready.guard.carry_out(ready.caller, Compare(picture_of(1), picture_of(2)))
    today = ready.clock().date()
    report = custodian.report(today, today)
    assert report.decisions["search"] == {"permit": 3}
    assert report.decisions["compare"] == {"deny": 1}
    assert report.refusals_by_clause == {"test-1": 1}
    assert report.counters["us-md.searches"] == 3
    assert custodian.report(today - timedelta(days=9), today - timedelta(days=1)).decisions == {}
