"""Blind review: withheld before, each alone, a third where two differ, and a right that ends by itself."""

from __future__ import annotations

import pytest
from tests.fakes.engine import picture_of
from tests.unit.casework.conftest import CaseWorld

from countenance.administration import EvidenceKind, ExportUse, Grade, PartFinding, SearchState
from countenance.custody import HoldState
from countenance.errors import BadRequest, Conflict, Denied, Held, NotFound
from countenance.operations import QualityFilter, SearchByImage

SAME, OTHER, NOTHING = Grade.STRONG_SAME, Grade.MODERATE_DIFFERENT, Grade.INSUFFICIENT
ASK = SearchByImage("g1", picture_of(3), 10, 80.0, QualityFilter.AUTO, 0)


def test_leads_are_withheld_until_two_others_have_judged(reviewed: CaseWorld) -> None:
    search = reviewed.searched(reviewed.opened(), 3)
    assert reviewed.seen(search).state is SearchState.PICTURES
    assert reviewed.reviews.next("rex") is None
    reviewed.cases.bring(search.search_id, 0, "sue", picture_of(3))
    for name in (None, "rex"):
        if name:
            reviewed.judged(name, SAME)
        found = reviewed.seen(search)
        assert (found.state, found.conclusions, found.shown) == (SearchState.REVIEW, (), ())
        with pytest.raises(Conflict):
            reviewed.cases.enter_evidence(
                search.search_id, 0, "ann", EvidenceKind.PLACE, "a long enough text", independent=True
            )
        with pytest.raises(Held):
            reviewed.guard.carry_out(reviewed.caller, ASK)
    reviewed.judged("roy", Grade.LIMITED_SAME)
    found = reviewed.seen(search)
    assert found.state is SearchState.REVIEWED
    (conclusion,) = found.shown
    assert conclusion.grade is Grade.LIMITED_SAME
    assert [each.reviewer for each in conclusion.judgements] == ["rex", "roy"]
    assert reviewed.guard.carry_out(reviewed.caller, ASK).result.candidates  # every lead of it was upheld
    assert reviewed.searched(reviewed.cases.file.case(search.case_id), 3).search_id == search.search_id


def test_nobody_judges_what_they_asked_for_or_saw_or_judged(reviewed: CaseWorld) -> None:
    search = reviewed.under_review()
    for name in ("ann", "sue", "City police"):  # who asked, who brought the picture, who holds the mandate
        assert reviewed.reviews.next(name) is None, name
    reviewed.judged("rex", SAME)
    assert reviewed.reviews.next("rex") is None
    item = reviewed.reviews.next("roy")
    assert item
    reviewed.cases.show(search.case_id, "roy", supervises=True)
    with pytest.raises(Conflict, match="seen more"):
        reviewed.reviews.judge(item, "roy", NOTHING, {})
    assert reviewed.reviews.next("roy") is None


def test_no_more_people_are_asked_than_are_wanted(reviewed: CaseWorld) -> None:
    reviewed.under_review()
    items = {name: reviewed.reviews.next(name) for name in ("rex", "roy", "ray")}
    assert items["rex"] and items["roy"] and items["ray"] is None
    assert reviewed.reviews.next("rex") == items["rex"]
    reviewed.clock.advance(86400)  # not judged within a day: it goes to somebody else
    assert reviewed.reviews.next("ray")
    with pytest.raises(Conflict, match="within a day"):
        reviewed.reviews.judge(str(items["rex"]), "rex", NOTHING, {})


def test_a_reviewer_sees_two_portraits_and_nothing_else_and_the_second_only_after_the_first(
    reviewed: CaseWorld,
) -> None:
    reviewed.under_review()
    item = str(reviewed.reviews.next("rex"))
    assert reviewed.reviews.picture(item, "rex", probe=True).startswith(b"\xff\xd8\xff")
    with pytest.raises(Conflict, match="alone first"):
        reviewed.reviews.picture(item, "rex", probe=False)
    with pytest.raises(BadRequest, match="at least one feature"):
        reviewed.reviews.judge(item, "rex", SAME, {"nose": PartFinding.SIMILAR})
    reviewed.reviews.looked(item, "rex", frozenset({"nose"}))
    assert reviewed.reviews.picture(item, "rex", probe=False).startswith(b"\xff\xd8\xff")
    for use in (
        lambda: reviewed.reviews.picture(item, "roy", probe=True),
        lambda: reviewed.reviews.item(item, "roy"),
        lambda: reviewed.reviews.judge(item, "roy", SAME, {}),
    ):
        with pytest.raises(NotFound):
            use()
    shown = reviewed.reviews.item(item, "rex")
    assert (shown.looked, shown.judged, shown.truth) == (True, None, None)
    assert reviewed.changes("review") == ["given out", "picture shown", "looked", "picture shown"]


def test_a_judgement_stands_and_rests_on_features(reviewed: CaseWorld) -> None:
    reviewed.under_review()
    item = str(reviewed.reviews.next("rex"))
    reviewed.reviews.looked(item, "rex", frozenset())
    with pytest.raises(BadRequest):
        reviewed.reviews.judge(item, "rex", SAME, {"nose": PartFinding.UNCLEAR})
    with pytest.raises(BadRequest, match="components are"):
        reviewed.reviews.judge(item, "rex", SAME, {"aura": PartFinding.SIMILAR})
    reviewed.reviews.judge(item, "rex", SAME, {"nose": PartFinding.SIMILAR})
    with pytest.raises(Conflict, match="a judgement stands"):
        reviewed.reviews.judge(item, "rex", OTHER, {"nose": PartFinding.DIFFERENT})
    with pytest.raises(Conflict):
        reviewed.reviews.picture(item, "rex", probe=True)


def test_where_two_disagree_a_third_decides(reviewed: CaseWorld) -> None:
    search = reviewed.under_review()
    reviewed.judged("rex", SAME)
    reviewed.judged("roy", OTHER)
    assert reviewed.seen(search).state is SearchState.REVIEW
    reviewed.judged("ray", Grade.LIMITED_DIFFERENT)
    found = reviewed.seen(search)
    assert found.state is SearchState.REVIEWED
    assert found.shown == ()  # none of them
    assert found.conclusions[0].grade is Grade.LIMITED_DIFFERENT
    with pytest.raises(Held, match="rejected"):
        reviewed.guard.carry_out(reviewed.caller, ASK)


def test_of_several_leads_each_is_judged_and_only_those_upheld_are_shown(reviewed: CaseWorld) -> None:
    case = reviewed.opened()
    search = reviewed.searched(case, 3, similarity=0.0)
    assert len(search.leads) > 1
    for place, name in reviewed.cases.file.missing(search.search_id).items():
        reviewed.cases.bring(search.search_id, place, "sue", picture_of(int(name.removeprefix("p-"))))
    for reviewer in ("rex", "roy"):
        while item := reviewed.reviews.next(reviewer):
            part = reviewed.records.get("item", item).value["part"]
            reviewed.reviews.looked(item, reviewer, frozenset())
            reviewed.reviews.judge(item, reviewer, SAME if part == "0" else OTHER, {"nose": PartFinding.SIMILAR})
    found = reviewed.seen(search)
    assert [found.search.leads[each.place].name for each in found.shown] == ["p-3"]
    assert len(found.conclusions) == len(search.leads)
    (hold,) = reviewed.custodian.holds()
    assert hold.state(reviewed.clock.now) is HoldState.REJECTED  # not released as a whole
    evidence = "the clerk knows her, statement 3"
    reviewed.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, evidence, independent=True)
    text = reviewed.cases.export(search.search_id, 0, "ann", ExportUse.WARRANT)
    assert f"1 of {len(search.leads)} leads were upheld" in text
    assert "rex: strong-same" in text
    with pytest.raises(Conflict, match="not upheld"):
        reviewed.cases.export(search.search_id, 1, "ann", ExportUse.WARRANT)


def test_the_hold_of_a_case_is_not_reviewed_round_the_blind_review(reviewed: CaseWorld) -> None:
    search = reviewed.under_review()
    with pytest.raises(Conflict, match="judged blind"):
        reviewed.custodian.review(search.hold, "rex", agrees=True)
    with pytest.raises(Conflict, match="judged blind"):
        reviewed.custodian.contents_for(search.hold, "rex")
    with pytest.raises(Conflict, match="another case"):
        reviewed.searched(reviewed.opened(), 3)


def test_what_was_verified_outside_a_case_is_judged_blind_in_it(reviewed: CaseWorld) -> None:
    with pytest.raises(Held) as held:
        reviewed.guard.carry_out(reviewed.caller, ASK)
    for name in ("tim", "tom"):
        reviewed.custodian.review(held.value.hold_id, name, agrees=True)
    search = reviewed.searched(reviewed.opened(), 3)
    assert (search.hold, search.reviewers) == ("", 2)
    assert reviewed.seen(search).state is SearchState.PICTURES


def test_pictures_are_the_enrolled_ones_and_go_when_the_review_is_over(reviewed: CaseWorld) -> None:
    search = reviewed.searched(reviewed.opened(), 3)
    with pytest.raises(BadRequest, match="not the file"):
        reviewed.cases.bring(search.search_id, 0, "sue", picture_of(4))
    with pytest.raises(Denied):
        reviewed.cases.bring(search.search_id, 0, "ann", picture_of(3))
    reviewed.cases.bring(search.search_id, 0, "sue", picture_of(3))
    assert reviewed.records.pictures_of(search.search_id) == {"probe", "0"}
    reviewed.judged("rex", NOTHING)
    reviewed.judged("roy", NOTHING)
    assert reviewed.records.pictures_of(search.search_id) == frozenset()
    assert reviewed.changes("case")[-1] == "pictures erased"
    closed = reviewed.under_review(person=2)
    reviewed.cases.close(closed.case_id, "ann", supervises=False)
    assert reviewed.records.pictures_of(closed.search_id) == frozenset()


def test_a_review_stands_still_while_its_case_is_frozen(reviewed: CaseWorld) -> None:
    reviewed.under_review()
    item = str(reviewed.reviews.next("rex"))
    reviewed.clock.advance(86399)
    reviewed.mandates.end(reviewed.mandate_id, "over", by="sue")
    with pytest.raises(Conflict, match="stands still"):
        reviewed.reviews.picture(item, "rex", probe=True)
    assert reviewed.reviews.next("roy") is None


@pytest.mark.parametrize("known_rate", [1.0])
def test_known_pairs_look_like_any_other_and_tell_their_truth_afterwards(reviewed: CaseWorld) -> None:
    reviewed.pairs(1, same=False)
    assert reviewed.reviews.next("rex") is None  # only among pairs of cases
    search = reviewed.under_review()
    item = reviewed.judged("rex", SAME)
    shown = reviewed.reviews.item(item, "rex")
    assert (shown.judged, shown.truth) == (SAME, False)
    assert reviewed.reviews.status("rex").rates.false_accept.errors == 1
    assert reviewed.seen(search).state is SearchState.REVIEW
    real = reviewed.judged("rex", SAME)  # each known pair comes once
    assert reviewed.reviews.item(real, "rex").truth is None
    public = [entry.fields for entry in reviewed.ledger.entries() if entry.kind == "review"]
    assert {tuple(sorted(each)) for each in public if each["change"] == "judged"} == {
        tuple(sorted(public[-1]))
    }  # the ledger's open part does not tell which was which


@pytest.mark.parametrize("known_rate", [1.0])
def test_the_right_to_review_ends_by_itself_and_is_given_back_by_another(reviewed: CaseWorld) -> None:
    reviewed.pairs(11, same=False)
    reviewed.under_review()
    for n in range(10):
        reviewed.judged("rex", SAME if n < 2 else OTHER)
    status = reviewed.reviews.status("rex")
    assert status.ended == "false accept rate 2 of 10, limit 0.1"
    with pytest.raises(Denied, match="right to review ended"):
        reviewed.reviews.next("rex")
    with pytest.raises(Denied):
        reviewed.reviews.restore("rex", "rex", "trained")
    reviewed.clock.advance(1)
    reviewed.reviews.restore("rex", "sue", "trained")
    status = reviewed.reviews.status("rex")
    assert (status.ended, status.rates.false_accept.trials) == ("", 0)
    assert reviewed.reviews.next("rex")
    assert reviewed.changes("review")[-3:] == ["right ended", "right restored", "given out"]


def test_a_known_pair_is_never_shown_to_who_entered_it_and_can_be_removed(reviewed: CaseWorld) -> None:
    reviewed.pairs(1, same=True)
    ((pair, same, by),) = reviewed.reviews.pairs()
    assert (same, by) == (True, "ann")
    assert reviewed.reviews._unseen_pairs("ann") == []
    reviewed.reviews.remove_pair(pair, "sue")
    assert reviewed.reviews.pairs() == []
