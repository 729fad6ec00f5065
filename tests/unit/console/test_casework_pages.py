"""Cases and reviews as people meet them: what a page shows, and what it hides until it may be seen."""

from __future__ import annotations

import re

import pytest
from tests.fakes.engine import picture_of
from tests.unit.console.conftest import Browser, ConsoleWorld

from countenance.operations import Caller, StartVideoDetection, StartVideoSearch
from countenance.policy import Verdict
from countenance.policy.obligations import Obligation, Reviewers

pytestmark = pytest.mark.parametrize("verdict", [Verdict.PERMIT])
TWO = (Reviewers(2, "x-1"),)
FACTS = {"purpose": "find a witness", "offence": "a theft", "authority": "court 3", "reference": "w-17", "until": "2"}
WITNESS = "a neighbour saw her at the shop, statement 12"


def picture(*people: int) -> tuple[str, bytes, str]:
    return ("a.jpg", picture_of(*people), "image/jpeg")


def case_of(world: ConsoleWorld) -> tuple[Browser, str]:
    """ann's browser and the path of a case of hers; persons 0 to 4 are enrolled."""
    mandate = world.granted()
    ann = world.signed_in("ann asks")
    ann.post(f"/galleries/{mandate}", page="/galleries", gallery="g1")
    where = f"/galleries/{mandate}/g1"
    for person in range(5):
        ann.post(where + "/faces", page=where, files={"picture": picture(person)}, external_id=f"p-{person}")
    opened = ann.post("/cases", page="/cases/new", mandate=mandate, **FACTS)
    return ann, opened.headers["location"].removeprefix("/console")


def search(ann: Browser, case: str, *people: int, face: str = "1") -> str:
    seen = ann.post(case + "/pictures", page=case, files={"picture": picture(*people)}).text
    found = re.search(r'name="picture_id" value="([^"]+)"', seen)
    assert found, seen
    sent = {"picture_id": found[1], "face": face, "gallery": "g1", "similarity": "80", "limit": "5"}
    return ann.post(case + "/searches", page=case, **sent).headers["location"].removeprefix("/console")


def judge(reviewer: Browser, grade: str) -> str:
    """Take the next pair, look, judge; the page afterwards."""
    pair = reviewer.post("/review/next", page="/review").headers["location"].removeprefix("/console")
    assert "/pair/" in pair
    assert "The first picture alone" in reviewer.get(pair).text
    assert reviewer.get(pair + "/first.jpg").headers["content-type"] == "image/jpeg"
    assert reviewer.get(pair + "/second.jpg").status_code == 409
    reviewer.post(pair + "/looked", page=pair, visible="nose, ears")
    page = reviewer.get(pair).text
    assert page.count("<fieldset>") >= 3
    for hidden in ("p-3", "a theft", "court 3", "similarity", "ann asks", "case-", "search-", "rank"):
        assert hidden not in page, hidden
    assert reviewer.get(pair + "/second.jpg").status_code == 200
    fields = {"feature-nose": "similar", "grade": grade}
    assert reviewer.post(pair + "/judgement", page=pair, **fields).status_code == 303
    return reviewer.get(pair).text


def test_from_a_case_to_leads_and_out_only_with_other_evidence(world: ConsoleWorld) -> None:
    ann, case = case_of(world)
    assert "2 days left" in ann.get(case).text
    where = search(ann, case, 77, 3, face="2")
    found = ann.get(where).text
    for part in ("<h1>1 lead</h1>", "p-3", "innocent people are expected", "no identification", "does not leave"):
        assert part in found
    assert not re.search(r"\bmatch", re.sub(r"<[^>]*>|false match rate", "", found), re.I)
    assert "Hand it on" not in found
    refused = ann.post(where + "/export", page=where, lead="1", use="warrant")
    assert refused.status_code == 409
    assert "independent evidence" in refused.text
    evidence = {"lead": "1", "kind": "witness", "what": WITNESS}
    assert ann.post(where + "/evidence", page=where, **evidence).status_code == 400
    assert ann.post(where + "/evidence", page=where, independent="yes", **evidence).status_code == 303
    text = ann.post(where + "/export", page=where, lead="1", use="warrant").text
    assert WITNESS in text
    assert "no probable cause" in text
    assert "This case holds leads of a face search" in ann.get(case).text
    for odd in ({"kind": "rumour"}, {"lead": "0"}, {"lead": "x"}):
        assert ann.post(where + "/evidence", page=where, independent="yes", **{**evidence, **odd}).status_code == 400


def test_nobody_and_an_unfit_picture_are_results(world: ConsoleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, case = case_of(world)
    assert "<h1>Nobody</h1>" in ann.get(search(ann, case, 77)).text
    assert "No face was found" in ann.post(case + "/pictures", page=case, files={"picture": picture()}).text
    monkeypatch.setattr("countenance.operations.search.reasons_against", lambda _face, _quality: ("LOW_SHARPNESS",))
    assert "<h1>The picture is not fit</h1>" in ann.get(search(ann, case, 3)).text


@pytest.mark.parametrize("obligations", [TWO])
def test_two_disagree_and_a_third_decides(world: ConsoleWorld, obligations: tuple[Obligation, ...]) -> None:
    ann, case = case_of(world)
    where = search(ann, case, 3)
    ben = world.signed_in("ben approves")
    assert ann.get(where + "/nothing").status_code == 404
    withheld = ann.get(where).text
    assert "<h1>Withheld</h1>" in withheld
    assert "p-3" not in withheld
    assert "p-3" in ben.get(where).text
    assert ben.post(where + "/pictures", page=where, lead="1", files={"picture": picture(4)}).status_code == 400
    assert ben.post(where + "/pictures", page=where, lead="1", files={"picture": picture(3)}).status_code == 303
    rex, roy, ray = (world.signed_in(f"{name} reviews") for name in ("rex", "roy", "ray"))
    assert rex.get("/cases").status_code == 403
    assert "strong support for the same person" in judge(rex, "strong-same")
    assert "Nothing waits for you" in rex.get("/review").text
    judge(roy, "moderate-different")
    assert "p-3" not in ann.get(where).text
    judge(ray, "limited-same")
    shown = ann.get(where).text
    assert "p-3" in shown
    assert "<strong>limited support for the same person</strong>" in shown
    assert "roy reviews: moderate support for different people" in shown
    assert ben.get("/review").text.count("holds") == 3


def test_an_expired_authorisation_freezes_the_result(world: ConsoleWorld) -> None:
    ann, case = case_of(world)
    where = search(ann, case, 3)
    world.clock.advance(3 * 86400)
    ann = world.signed_in("ann asks")
    frozen = ann.get(where).text
    assert "<h1>Frozen</h1>" in frozen
    assert "p-3" not in frozen
    assert ann.post(case + "/pictures", page=case, files={"picture": picture(3)}).status_code == 409
    ben = world.signed_in("ben approves")
    more = {"authority": "court 3", "reference": "w-18", "until": "2026-12-24T18:00"}
    assert ann.post(case + "/authorisations", page=case, **more).status_code == 403
    for odd in ("soon", "2026-13-01T10:00", "2026-11-01T10:00", "9999"):
        assert ben.post(case + "/authorisations", page=case, **{**more, "until": odd}).status_code == 400
    assert ben.post(case + "/authorisations", page=case, **more).status_code == 303
    assert "p-3" in ann.get(where).text


def test_a_case_is_not_everybodys(world: ConsoleWorld) -> None:
    ann, case = case_of(world)
    where = search(ann, case, 3)
    ben, flo = world.signed_in("ben approves"), world.signed_in("flo does all")
    listed = ben.get("/cases").text
    assert "a theft" not in listed
    assert case in listed
    assert ben.get(case.replace("case-", "case-0")).status_code == 404
    other = flo.get(where.replace(case, "/cases/case-000000000000"))
    assert other.status_code == 404
    assert ben.post(case + "/closing", page=case).status_code == 303
    assert "Closed" in ann.get(case).text


def test_known_pairs_are_entered_and_removed(world: ConsoleWorld) -> None:
    case_of(world)
    ann, ben = world.signed_in("ann asks"), world.signed_in("ben approves")
    files = {"one": picture(1), "other": picture(2)}
    mandate = world.services.mandates.list()[0].mandate_id
    sent = {"mandate": mandate, "truth": "different"}
    assert ann.post("/review/known", page="/review/known", files=files, **{**sent, "truth": "?"}).status_code == 400
    assert ann.post("/review/known", page="/review/known", files=files, **sent).status_code == 303
    pair = re.search(r'name="pair" value="([^"]+)"', ben.get("/review/known").text)
    assert pair
    assert ben.post("/review/known/removal", page="/review/known", pair=pair[1]).status_code == 303
    assert "There is none yet" in ben.get("/review/known").text
    assert ben.post("/review/rights", page="/review", reviewer="rex reviews", why="x").status_code == 409


def test_a_part_of_a_picture_is_looked_at_before_a_search(world: ConsoleWorld) -> None:
    ann, case = case_of(world)
    seen = ann.post(case + "/pictures", page=case, files={"picture": picture(3)}).text
    assert "what that does to the error" in seen
    assert "the face is blurred: the error is above what was measured" in re.sub(r"\s+", " ", seen)
    (found,) = set(re.findall(r'name="picture_id" value="([^"]+)"', seen))
    part = {"picture_id": found, "left": "10", "top": "20", "right": "60", "bottom": "60"}
    for odd in ({"left": "70"}, {"right": "101"}, {"top": "x"}, {"bottom": "21"}):
        assert ann.post(case + "/crops", page=case, **{**part, **odd}).status_code == 400
    again = ann.post(case + "/crops", page=case, **part).text
    assert "10% to 60% of the width" in again
    (found,) = set(re.findall(r'name="picture_id" value="([^"]+)"', again))
    sent = {"picture_id": found, "face": "1", "gallery": "g1", "similarity": "80", "limit": "5"}
    where = ann.post(case + "/searches", page=case, **sent).headers["location"].removeprefix("/console")
    assert "10% to 60% of the width" in ann.get(where).text


def compared(ann: Browser, case: str, one: int, other: int) -> str:
    files = {"one": picture(7, one), "other": picture(other)}
    seen = ann.post(case + "/pairs", page=case, files=files).text
    ids = re.findall(r'name="(picture_[12])" value="([^"]+)"', seen)
    sent = {"face_1": "2", "face_2": "1", "similarity": "80", **dict(ids)}
    return ann.post(case + "/comparisons", page=case, **sent).headers["location"].removeprefix("/console")


def test_two_pictures_of_a_case_are_compared(world: ConsoleWorld) -> None:
    ann, case = case_of(world)
    where = compared(ann, case, 8, 8)
    found = ann.get(where).text
    for part in ("<h1>Similar</h1>", "two different people are as similar", "no identification", "does not leave"):
        assert part in found
    assert "innocent people are expected" not in found
    assert "<h1>Not that similar</h1>" in ann.get(compared(ann, case, 8, 9)).text
    assert ann.get(case).text.count("another picture") == 2
    assert (
        "No face was found" in ann.post(case + "/pairs", page=case, files={"one": picture(), "other": picture(3)}).text
    )


@pytest.mark.parametrize("obligations", [TWO])
def test_a_comparison_is_withheld_until_two_have_judged(
    world: ConsoleWorld, obligations: tuple[Obligation, ...]
) -> None:
    ann, case = case_of(world)
    where = compared(ann, case, 8, 8)
    assert "<h1>Withheld</h1>" in ann.get(where).text
    for name in ("rex", "roy"):
        judge(world.signed_in(f"{name} reviews"), "strong-same")
    assert "<h1>Similar</h1>" in ann.get(where).text


def test_people_of_a_video_are_shown_in_time_and_searched_for(world: ConsoleWorld) -> None:
    ann, case = case_of(world)
    world.films.add("a.mp4", 3, 0, 0, 4)
    assert ann.post(case + "/videos", page=case, bucket="films", name="b.mp4").status_code == 404
    begun = ann.post(case + "/videos", page=case, bucket="films", name="a.mp4")
    video = begun.headers["location"].removeprefix("/console")
    waits = ann.get(video)
    assert "The video waits for its turn" in waits.text
    events = re.search(r'data-progress="/console(/videos/[0-9a-f]{64})/events"', waits.text)
    assert events
    assert "script-src 'self'" in waits.headers["content-security-policy"]
    listed = ann.get("/videos").text
    assert "films/a.mp4" in listed
    assert ">waits<" in listed
    assert "of a case" in listed
    assert ann.get(events[1]).headers["location"] == "/console" + video
    assert ann.post(video + "/views", page=case).status_code == 409
    world.run_jobs()
    assert "2 people were found" in ann.get(video).text
    assert ann.post(video + "/views", page=case).status_code == 303
    shown = ann.get(video).text
    assert "0:00:00–0:00:00" in shown
    assert "0:00:03–0:00:03" in shown
    assert ann.get(video + "/people/2.png").content.startswith(b"\x89PNG")
    for nobody in ("0", "9", "x", "\u0662"):
        assert ann.get(f"{video}/people/{nobody}.png").status_code in (400, 404)
    seen = ann.post(video + "/people/2", page=case).text
    assert "best view of person 2" in seen
    (found,) = set(re.findall(r'name="picture_id" value="([^"]+)"', seen))
    sent = {"picture_id": found, "face": "1", "gallery": "g1", "similarity": "80", "limit": "5"}
    where = ann.post(case + "/searches", page=case, **sent).headers["location"].removeprefix("/console")
    result = ann.get(where).text
    assert "<h1>1 lead</h1>" in result
    assert "person 2" in result
    assert "g1: leads" in ann.get(video).text
    assert video in ann.get(case).text
    told = ann.get(events[1] + "/events").text
    assert '"over": true' in told
    assert ">looked through<" in ann.get("/videos").text
    supervised = world.signed_in("ben approves").get("/videos").text
    assert "a.mp4" not in supervised
    assert ">looked through<" in supervised
    assert "ann asks" in supervised
    assert world.signed_in("rex reviews").get("/videos").status_code == 403
    assert world.signed_in("flo does all").get(events[1]).status_code == 404
    for other in (world.signed_in("ben approves"), world.signed_in("flo does all")):
        assert other.get(video).status_code in (403, 404)
        assert other.get(video + "/people/2.png").status_code in (403, 404)


def test_a_job_of_no_case_shows_its_people_and_leads_with_their_error(world: ConsoleWorld) -> None:
    ann, _case = case_of(world)
    world.films.add("a.mp4", 3, 0, 9)
    world.films.add("bad.mp4", 1)
    mandate = world.services.mandates.list()[0].mandate_id
    caller = Caller(world.accounts.key_under(world.operators.named("ann asks"), mandate))
    carry_out = world.services.guard.carry_out
    searched = carry_out(caller, StartVideoSearch("g1", world.films.stored("films", "a.mp4"))).result
    found = carry_out(caller, StartVideoDetection(world.films.stored("films", "a.mp4"))).result
    broken = carry_out(caller, StartVideoDetection(world.films.stored("films", "bad.mp4"))).result
    world.films.spoil("bad.mp4")
    assert "The video waits for its turn" in ann.get(f"/videos/{searched}").text
    assert "searched in g1" in re.sub("<[^>]+>", "", ann.get("/videos").text)
    world.run_jobs()
    page = ann.get(f"/videos/{searched}").text
    assert "2 people were found" in page
    assert "innocent people are expected to be named by chance alone" in page
    assert "p-3: similarity" in page
    assert "false match rate" in page
    assert "Receipt" in page
    assert not re.search(r"\bmatch(?:es|ed)?\b(?! rate)", re.sub("<[^>]+>", "", page))
    page = ann.get(f"/videos/{found}").text
    assert "2 people were found" in page
    assert "p-3" not in page
    assert "The video could not be looked through" in ann.get(f"/videos/{broken}").text
    assert ann.get("/videos").text.count(">looked through<") == 2
    assert world.signed_in("flo does all").get(f"/videos/{searched}").status_code == 404
    world.services.mandates.end(mandate, "over", by="ben approves")
    assert ann.get(f"/videos/{searched}").status_code == 404
    assert ">failed<" in ann.get("/videos").text
