"""Cases: whose they are, what a search comes to, what freezes it, and what keeps a lead from leaving."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.fakes.engine import picture_of
from tests.unit.casework.conftest import CaseWorld

from countenance.administration import EvidenceKind, ExportUse, SearchState
from countenance.casework import TAINT
from countenance.errors import BadRequest, Conflict, Denied, Misconfigured, NotFound

WITNESS = "a neighbour saw her at the shop, statement 12"


def test_a_case_names_its_authority_and_ends(world: CaseWorld) -> None:
    case = world.opened()
    assert case.authorisation.authority == "court 3"
    for fault in ({"authority": ""}, {"reference": ""}, {"purpose": ""}, {"offence": ""}):
        with pytest.raises(BadRequest):
            world.opened(**fault)
    with pytest.raises(BadRequest, match="within 366 days"):
        world.cases.authorise(case.case_id, "sue", authority="c", reference="r", until=world.clock.now)
    with pytest.raises(Denied):
        world.cases.open(
            world.mandate_id,
            "sue",
            purpose="p",
            offence="o",
            authority="a",
            reference="r",
            until=world.clock.now + timedelta(days=1),
        )
    assert world.changes("case") == ["opened"]


def test_a_case_is_seen_by_who_opened_it_and_by_supervisors_on_record(world: CaseWorld) -> None:
    case = world.opened()
    with pytest.raises(NotFound):
        world.cases.show(case.case_id, "rex", supervises=False)
    world.cases.show(case.case_id, "sue", supervises=True)
    world.cases.show(case.case_id, "sue", supervises=True)
    assert world.changes("case") == ["opened", "seen"]
    assert world.cases.file.has_seen(case.case_id, "sue")
    assert not world.cases.file.has_seen(case.case_id, "rex")


def test_a_chosen_face_gives_leads_with_their_error(world: CaseWorld) -> None:
    search = world.searched(world.opened(), 77, 3, place=1)
    found = world.seen(search)
    assert found.state is SearchState.LEADS
    (lead,) = found.search.leads
    assert lead.name == "p-3"
    assert (found.search.size, found.search.provenance) == (5, "booking")
    assert 0 < lead.fmr < 1e-3
    assert found.search.expected > 0
    assert world.changes("case") == ["opened", "searched", "looked at"]


def test_nobody_and_a_picture_that_is_not_fit_are_results(world: CaseWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    case = world.opened()
    assert world.seen(world.searched(case, 77)).state is SearchState.NOBODY
    with pytest.raises(BadRequest, match="choose a face from 1 to 1"):
        world.searched(case, 3, place=1)
    monkeypatch.setattr("countenance.operations.search.reasons_against", lambda _face, _quality: ("LOW_SHARPNESS",))
    unfit = world.searched(case, 3)
    assert world.seen(unfit).state is SearchState.UNFIT
    assert "LOW_SHARPNESS" in unfit.says
    assert unfit.receipt


def test_a_picture_waits_for_its_search_for_minutes_and_for_its_sender_only(world: CaseWorld) -> None:
    case, other = world.opened(), world.opened()
    seen = world.cases.look(case.case_id, "ann", world.caller, picture_of(3))

    def search(case_id: str) -> object:
        return world.searched_with(case_id, seen.picture_id, limit=5)

    with pytest.raises(NotFound):
        search(other.case_id)
    world.clock.advance(15 * 60)
    with pytest.raises(NotFound, match="send it again"):
        search(case.case_id)


def test_an_authorisation_that_ended_freezes_everything_until_another_is_entered(world: CaseWorld) -> None:
    case = world.opened()
    search = world.searched(case, 3)
    world.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, WITNESS, independent=True)
    world.clock.advance(2 * 86400)
    found = world.seen(search)
    assert found.state is SearchState.FROZEN
    assert found.shown == found.conclusions == ()
    assert "authorisation ended on 2026-12-01" in found.frozen
    with pytest.raises(Conflict, match="frozen"):
        world.searched(case, 3)
    with pytest.raises(Conflict, match="frozen"):
        world.cases.export(search.search_id, 0, "ann", ExportUse.WARRANT)
    later = world.clock.now + timedelta(days=1)
    with pytest.raises(Denied):
        world.cases.authorise(case.case_id, "ann", authority="court 3", reference="w-18", until=later)
    world.cases.authorise(case.case_id, "sue", authority="court 3", reference="w-18", until=later)
    assert world.seen(search).state is SearchState.LEADS


def test_a_mandate_that_ends_freezes_its_cases(world: CaseWorld) -> None:
    case = world.opened()
    search = world.searched(case, 3)
    world.mandates.end(world.mandate_id, "over", by="sue")
    assert world.seen(search).frozen == "the mandate is revoked"


def test_a_lead_leaves_only_with_independent_evidence_and_says_how_it_came_about(world: CaseWorld) -> None:
    case = world.opened()
    search = world.searched(case, 3)

    def export() -> str:
        return world.cases.export(search.search_id, 0, "ann", ExportUse.LINE_UP)

    with pytest.raises(Conflict, match="independent evidence for the lead"):
        export()
    with pytest.raises(BadRequest, match="following the lead"):
        world.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, WITNESS, independent=False)
    with pytest.raises(BadRequest):
        world.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, "saw", independent=True)
    with pytest.raises(Denied):
        world.cases.enter_evidence(search.search_id, 0, "sue", EvidenceKind.WITNESS, WITNESS, independent=True)
    with pytest.raises(Conflict):
        export()
    world.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, WITNESS, independent=True)
    text = export()
    for part in ("p-3", WITNESS, TAINT, "number 1 of 1", "booking", "no probable cause", "no blind review"):
        assert part in text
    assert not re.search(r"\bmatch", text, re.I)
    assert world.changes("case")[-2:] == ["evidence", "exported"]
    with pytest.raises(Conflict):
        world.cases.export(search.search_id, 1, "ann", ExportUse.LINE_UP)


def test_taint_follows_the_case(world: CaseWorld) -> None:
    first = world.opened()
    second = world.opened(arose_from=first.case_id)
    third = world.opened(arose_from=second.case_id)
    assert not world.cases.file.tainted(third.case_id)
    world.searched(first, 3)
    for case in (first, second, third):
        assert world.cases.file.tainted(case.case_id)
    assert not world.cases.file.tainted(world.opened().case_id)
    with pytest.raises(NotFound):
        world.opened(arose_from="case-none")


def test_a_closed_case_takes_nothing_more(world: CaseWorld) -> None:
    case = world.opened()
    search = world.searched(case, 3)
    world.cases.close(case.case_id, "ann", supervises=False)
    for step in (
        lambda: world.searched(case, 3),
        lambda: world.cases.close(case.case_id, "ann", supervises=False),
        lambda: world.cases.export(search.search_id, 0, "ann", ExportUse.WARRANT),
    ):
        with pytest.raises(Conflict, match="closed"):
            step()


def test_records_that_were_written_from_outside_are_worth_nothing(world: CaseWorld) -> None:
    case = world.opened()
    with world.records._engine.begin() as connection:
        connection.execute(sa.text("UPDATE casework_records SET parent = 'other' WHERE kind = 'case'"))
    with pytest.raises(Misconfigured):
        world.cases.file.case(case.case_id)
