"""Two pictures of a case compared, parts of pictures, and people of stored videos: under the rules of any search."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.fakes.engine import picture_of, vector_of
from tests.unit.casework.conftest import CaseWorld

from countenance.administration import (
    CaseVideo,
    EvidenceKind,
    ExportUse,
    Grade,
    PendingPicture,
    SearchKind,
    SearchState,
)
from countenance.casework import SearchOutcome
from countenance.errors import BadRequest, Conflict, NoSuchObject, NotFound
from countenance.jobs import JobState

WITNESS = "a neighbour saw her at the shop, statement 12"


def test_two_faces_are_compared_in_the_answer_form(world: CaseWorld) -> None:
    case = world.opened()
    search = world.compared(case, picture_of(77, 3), picture_of(5, 6, 3), 1, 2)
    assert (search.kind, search.gallery_id, search.size) == (SearchKind.PICTURE, "", 1)
    found = world.seen(search)
    assert found.state is SearchState.LEADS
    (lead,) = found.search.leads
    assert lead.similarity > 99
    assert 0 < lead.fmr <= search.expected < 1e-2
    assert found.search.other is not None
    assert world.changes("case") == ["opened", "compared", "looked at"]
    assert world.seen(world.compared(case, picture_of(3), picture_of(4))).state is SearchState.NOBODY
    with pytest.raises(BadRequest, match="from 1 to 1"):
        world.compared(case, picture_of(3), picture_of(4), 0, 1)
    with pytest.raises(BadRequest, match="two pictures"):
        world.cases.compare(case.case_id, "ann", world.caller, pictures=[], similarity=80)


@pytest.mark.parametrize("similarity", [0.0, 1e-6, 30.0, 74.999])
def test_a_case_tells_nothing_of_similarities_below_75_at_any_threshold(world: CaseWorld, similarity: float) -> None:
    case = world.opened()
    exact = [world.tools.calibration.similarity(float(vector_of(3) @ vector_of(other))) for other in (0, 1, 2, 4)]
    assert 0 < max(exact) < 75
    searched = world.searched(case, 3, similarity=similarity)
    strangers = [lead.similarity for lead in searched.leads if lead.name != "p-3"]
    assert strangers == ([0.0] * 4 if similarity == 0 else [])
    compared = world.compared(case, picture_of(3), picture_of(4), similarity=similarity)
    assert [lead.similarity for lead in compared.leads] == ([0.0] if similarity == 0 else [])


def test_a_picture_that_is_not_fit_to_be_compared_is_a_result(
    world: CaseWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countenance.operations.compare.reasons_against", lambda _face, _quality: ("LOW_SHARPNESS",))
    search = world.compared(world.opened(), picture_of(3), picture_of(3))
    assert search.outcome is SearchOutcome.UNFIT
    assert search.receipt


def test_a_comparison_leaves_only_with_independent_evidence_and_names_nobody(world: CaseWorld) -> None:
    search = world.compared(world.opened(), picture_of(3), picture_of(3))

    def export() -> str:
        return world.cases.export(search.search_id, 0, "ann", ExportUse.WARRANT)

    with pytest.raises(Conflict, match="independent evidence"):
        export()
    world.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, WITNESS, independent=True)
    text = export()
    assert "No gallery was searched" in text
    assert "p-3" not in text
    assert world.cases.file.tainted(search.case_id)


def test_a_comparison_is_withheld_and_judged_as_leads_are(reviewed: CaseWorld) -> None:
    case = reviewed.opened()
    search = reviewed.compared(case, picture_of(3), picture_of(9, 3), 0, 1)
    assert reviewed.seen(search).state is SearchState.REVIEW  # both pictures are there: nobody brings one
    assert reviewed.seen(search).shown == ()
    assert reviewed.compared(case, picture_of(3), picture_of(9, 3), 0, 1) == search
    assert len(reviewed.records.owners_of_pictures()) == 1
    item = reviewed.reviews.next("rex")
    assert item is not None
    reviewed.reviews.looked(item, "rex", frozenset({"nose"}))
    pictures = [reviewed.reviews.picture(item, "rex", probe=probe) for probe in (True, False)]
    assert all(picture.startswith(b"\xff\xd8") for picture in pictures)
    reviewed.judged("rex", Grade.STRONG_SAME)
    reviewed.judged("roy", Grade.MODERATE_SAME)
    found = reviewed.seen(search)
    assert [each.grade for each in found.shown] == [Grade.MODERATE_SAME]
    assert not reviewed.records.owners_of_pictures()


def test_a_part_of_a_picture_is_searched_with_and_said(world: CaseWorld) -> None:
    case = world.opened()
    seen = world.cases.look(case.case_id, "ann", world.caller, picture_of(3))

    def crop(picture_id: str, left: float, top: float, right: float, bottom: float) -> PendingPicture:
        edges = {"left": left, "top": top, "right": right, "bottom": bottom}
        return world.cases.crop(case.case_id, "ann", world.caller, picture_id, **edges)

    part = crop(seen.picture_id, 0.1, 0.2, 0.6, 0.6)
    assert part.cropped == "10% to 60% of the width, 20% to 60% of the height"
    with pytest.raises(NotFound):  # the whole one is gone
        crop(seen.picture_id, 0, 0, 1, 1)
    for edges in ((-0.1, 0, 0.5, 0.5), (0.8, 0, 1.3, 0.5), (0, 0, 0.05, 0.5), (0.7, 0, 0.2, 1)):
        with pytest.raises(BadRequest, match="within it"):
            crop(part.picture_id, *edges)
    search = world.searched_with(case.case_id, part.picture_id, limit=5)
    assert [lead.name for lead in world.seen(search).search.leads] == ["p-3"]
    world.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, WITNESS, independent=True)
    text = world.cases.export(search.search_id, 0, "ann", ExportUse.LINE_UP)
    assert "only a part was used: 10% to 60% of the width" in text


def watched(world: CaseWorld, *people: int) -> CaseVideo:
    case = world.opened()
    world.films.add("a.mp4", *people)
    video = world.videos.begin(case.case_id, "ann", world.caller, "films", "a.mp4")
    assert world.videos.job(video, world.caller).state is JobState.WAITING
    with pytest.raises(Conflict, match="still looked through"):
        world.videos.take_views(case.case_id, video.video_id, "ann", world.caller)
    world.films.run_jobs(world.tools.jobs, world.guard)
    return world.videos.take_views(case.case_id, video.video_id, "ann", world.caller)


def test_people_of_a_video_are_seen_in_time_and_searched_for(world: CaseWorld) -> None:
    video = watched(world, 3, 0, 0, 4, 3)
    assert video.people is not None
    first, second = video.people
    assert [(start // 100, end // 100) for start, end in first.spans] == [(0, 8), (40, 48)]
    assert [(start // 100, end // 100) for start, end in second.spans] == [(30, 38)]
    assert first.spans[0][0] <= first.best_ms <= first.spans[-1][1]
    assert world.videos.view(video.case_id, video.video_id, "ann", second.person).startswith(b"\x89PNG")
    seen = world.videos.look(video.case_id, video.video_id, "ann", world.caller, second.person)
    search = world.searched_with(video.case_id, seen.picture_id, limit=5)
    found = world.seen(search).search
    assert found.seen_in == second
    assert [lead.name for lead in found.leads] == ["p-4"]
    world.cases.enter_evidence(search.search_id, 0, "ann", EvidenceKind.WITNESS, WITNESS, independent=True)
    text = world.cases.export(search.search_id, 0, "ann", ExportUse.LINE_UP)
    assert f"person 2 of the video {video.video_id}, seen from 0:00:03 to 0:00:03" in text
    changes = world.changes("case")
    assert [each for each in changes if "v" in str(each)] == ["video begun", "views taken", "view shown", "evidence"]
    for refused in (5, -1):
        with pytest.raises(BadRequest, match="choose a person"):
            world.videos.look(video.case_id, video.video_id, "ann", world.caller, refused)
    with pytest.raises(Conflict, match="already"):
        world.videos.take_views(video.case_id, video.video_id, "ann", world.caller)


def test_leads_of_a_person_of_a_video_are_withheld_too(reviewed: CaseWorld) -> None:
    video = watched(reviewed, 3)
    seen = reviewed.videos.look(video.case_id, video.video_id, "ann", reviewed.caller, 0)
    search = reviewed.searched_with(video.case_id, seen.picture_id, limit=5)
    assert reviewed.seen(search).state is SearchState.PICTURES
    assert reviewed.records.picture(search.search_id, "probe").startswith(b"\xff\xd8")


def test_a_video_is_of_its_case_and_its_views_end(world: CaseWorld) -> None:
    video = watched(world, 3)
    other = world.opened()
    with pytest.raises(NotFound):
        world.videos.view(other.case_id, video.video_id, "ann", 0)
    with pytest.raises(NotFound):
        world.videos.view(video.case_id, video.video_id, "sue", 0)
    with pytest.raises(NoSuchObject):
        world.videos.begin(other.case_id, "ann", world.caller, "films", "b.mp4")
    assert video.until == world.clock.now + timedelta(days=7)
    assert world.cases.sweep() == 0
    world.clock.advance(2 * 86400)
    with pytest.raises(Conflict, match="frozen"):
        world.videos.view(video.case_id, video.video_id, "ann", 0)
    world.clock.advance(5 * 86400)
    assert world.cases.sweep() == 1


def test_closing_a_case_erases_its_views(world: CaseWorld) -> None:
    video = watched(world, 3)
    world.cases.close(video.case_id, "ann", supervises=False)
    assert not world.records.owners_of_pictures()
