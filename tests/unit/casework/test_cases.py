"""Cases: whose they are, what a search comes to, what freezes it, and what keeps a lead from leaving."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.fakes.engine import picture_of
from tests.unit.casework.conftest import CaseWorld

from countenance import administration
from countenance.administration import EvidenceKind, ExportUse, SearchState
from countenance.casework import TAINT, CaseRecord, WaitingPictures
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


def test_a_page_of_cases_reads_no_others(world: CaseWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = []
    for n in range(7):
        cases.append(world.opened(offence=f"theft {n}").case_id)
        if n % 2:
            world.clock.advance(1)  # some are of the very same moment
    world.cases.close(cases[4], "ann", supervises=False)
    read: list[str] = []
    opened = world.records._record

    def noted(row: Any) -> CaseRecord:
        read.append(row.record_id)
        return opened(row)

    monkeypatch.setattr(world.records, "_record", noted)
    page = world.cases.file.page
    first, more = page(0, size=3)
    assert [case.case_id for case, _frozen in first] == cases[:3:-1]
    assert more
    assert set(read) == {*cases[4:], *(f"{each}.1" for each in cases[4:])}
    assert [case.closed_at is None for case, _frozen in first] == [True, True, False]
    assert [case.case_id for case, _frozen in page(1, size=3)[0]] == cases[3:0:-1]
    assert page(2, size=3) == ([(world.cases.file.case(cases[0]), "")], False)
    assert page(3, size=3) == ([], False)
    world.clock.advance(3 * 24 * 3600)
    assert all("the authorisation ended" in frozen for _case, frozen in page(0)[0])
    world.mandates.end(world.mandate_id, "over", by="sue")
    world.cases.authorise(
        cases[6], "sue", authority="court 3", reference="w-18", until=world.clock.now + timedelta(days=1)
    )
    assert page(0, size=1)[0][0][1] == "the mandate is revoked"


def test_records_of_the_same_moment_stay_in_their_order(world: CaseWorld) -> None:
    for n in range(30):
        world.records.add("note", f"{(7 * n) % 30}", "parent", {"n": n})
    assert [each.value["n"] for each in world.records.of("note", "parent")] == list(range(30))
    assert [each.value["n"] for each in world.records.page("note", 0, 4)[0]] == [29, 28, 27, 26]
    every = world.records.of_each("note", ["parent", "other"])
    assert [each.value["n"] for each in every["parent"]] == list(range(30))
    assert every["other"] == []


def test_a_picture_waits_where_every_process_finds_it_and_opens_for_its_sender_only(world: CaseWorld) -> None:
    case = world.opened()
    seen = world.cases.look(case.case_id, "ann", world.caller, picture_of(3, 4))
    engine = world.records._engine
    another = WaitingPictures(engine, bytes(32), world.clock)  # as another process has it
    assert another.get(seen.picture_id) == WaitingPictures(engine, bytes(32), world.clock).get(seen.picture_id)
    cases = administration.Cases(
        world.records, another, world.custodian, world.mandates, world.guard, world.ledger, lambda: world.tools
    )
    ask = {"picture_id": seen.picture_id, "place": 1, "gallery_id": "g1", "similarity": 80.0, "limit": 5}
    search = cases.search(case.case_id, "ann", world.caller, **ask)  # type: ignore[arg-type]
    assert [each.name for each in search.leads] == ["p-4"]
    assert another.get(seen.picture_id) is None  # it was searched with

    seen = world.cases.look(case.case_id, "ann", world.caller, picture_of(3))
    with engine.connect() as connection:
        (row,) = connection.execute(sa.text("SELECT picture, sealed FROM casework_waiting")).all()
    for secret in (seen.picture_id.encode(), picture_of(3), case.case_id.encode()):
        assert secret not in bytes(row.picture) + bytes(row.sealed)
    assert WaitingPictures(engine, b"x" * 32, world.clock).get(seen.picture_id) is None  # nor without the key
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE casework_waiting SET kept_at = '2099-01-01T00:00:00.000000+00:00'"))
    assert another.get(seen.picture_id) is None  # nor for longer


def test_pictures_that_wait_are_swept_and_the_oldest_make_room(
    world: CaseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = WaitingPictures(world.records._engine, bytes(32), world.clock)
    first = waiting.keep(b"first")
    world.clock.advance(60)
    second = waiting.keep(b"second")
    world.clock.advance(14 * 60 + 1)
    waiting.sweep()
    count = sa.text("SELECT count(*) FROM casework_waiting")
    with world.records._engine.connect() as connection:
        assert connection.execute(count).scalar() == 1
    assert waiting.get(first) is None
    assert waiting.get(second) == b"second"
    waiting.forget(second)
    assert waiting.get(second) is None
    monkeypatch.setattr("countenance.casework.waiting.MOST", 3)
    ids = []
    for n in range(5):
        ids.append(waiting.keep(b"%d" % n))
        world.clock.advance(1)
    assert [waiting.get(each) for each in ids] == [None, None, b"2", b"3", b"4"]
    monkeypatch.setattr("countenance.casework.waiting.MOST_BYTES", 100)
    large = waiting.keep(bytes(90))
    assert waiting.get(large) == bytes(90)
    assert [waiting.get(each) for each in ids] == [None] * 5
