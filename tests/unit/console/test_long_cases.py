"""The page of a case with many searches unseals what it shows, and no more."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from tests.unit.console.conftest import ConsoleWorld
from tests.unit.console.test_casework_pages import TWO, case_of, judge, picture, search

from countenance.administration import CaseFile
from countenance.casework import CaseRecords, CaseSearch, SearchOutcome
from countenance.policy import Verdict
from countenance.policy.obligations import Obligation
from countenance.signing import JSON

pytestmark = pytest.mark.parametrize("verdict", [Verdict.PERMIT])


@pytest.fixture
def unsealed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is unsealed from now on: to what each is bound."""
    seen: list[str] = []
    opened = CaseRecords._opened

    def counted(records: CaseRecords, sealed: bytes, bound_to: str) -> bytes:
        seen.append(bound_to)
        return opened(records, sealed, bound_to)

    monkeypatch.setattr(CaseRecords, "_opened", counted)
    return seen


def more_searches(world: ConsoleWorld, like: CaseSearch, first: int, end: int) -> None:
    for n in range(first, end):
        made = replace(like, search_id=f"search-{n}", hold="")
        world.services.cases._records.add("search", made.search_id, like.case_id, made.json())


def first_search(world: ConsoleWorld) -> tuple[CaseFile, CaseSearch]:
    file = world.services.cases.file
    (listed,) = file.searches(file.page(0)[0][0][0])
    return file, listed.search


def test_what_a_page_unseals_does_not_grow_with_its_case(world: ConsoleWorld, unsealed: list[str]) -> None:
    ann, case = case_of(world)
    search(ann, case, 3)
    _, like = first_search(world)
    counts = []
    for first, end in ((1, 25), (25, 60)):
        more_searches(world, like, first, end)
        unsealed.clear()
        page = ann.get(case).text
        counts.append(len(unsealed))
        assert sum(each.startswith("search\n") for each in unsealed) == 20 + 1  # those shown, and one that taints
    assert counts[0] == counts[1] < 30
    assert page.count("/searches/search-") == 20
    assert "search-59" in page
    assert 'href="?page=1"' in page
    last = ann.get(case + "?page=2").text
    assert last.count("/searches/search-") == 20
    assert like.search_id in last
    assert 'href="?page=1"' in last
    assert "?page=3" not in last
    assert "nothing on this page" in ann.get(case + "?page=9").text


def test_videos_come_by_pages_and_their_people_stay_sealed(world: ConsoleWorld, unsealed: list[str]) -> None:
    ann, case = case_of(world)
    case_id = case.rpartition("/")[2]
    for n in range(25):
        value: dict[str, JSON] = {"by": "ann asks", "bucket": "films", "name": f"{n}.mp4", "job": f"job-{n}"}
        world.services.cases._records.add("video", f"video-{n}", case_id, value)
        world.services.cases._records.add("people", f"video-{n}", case_id, {"people": [], "left_out": 0, "until": ""})
    unsealed.clear()
    page = ann.get(case).text
    assert page.count("/videos/video-") == 20
    assert "films/24.mp4" in page
    assert sum(each.startswith("video\n") for each in unsealed) == 20
    assert not any(each.startswith("people\n") for each in unsealed)
    assert 'href="?videos=1"' in page
    assert ann.get(case + "?videos=1").text.count("/videos/video-") == 5


def test_searches_that_can_never_taint_are_unsealed_once(world: ConsoleWorld, unsealed: list[str]) -> None:
    ann, case = case_of(world)
    search(ann, case, 9)
    _, like = first_search(world)
    assert like.outcome is SearchOutcome.NOBODY
    more_searches(world, like, 1, 60)
    ann.get(case)
    unsealed.clear()
    assert "holds leads" not in ann.get(case).text
    assert sum(each.startswith("search\n") for each in unsealed) == 20


@pytest.mark.parametrize("obligations", [TWO])
def test_the_list_says_how_many_leads_were_upheld_and_unseals_no_evidence(
    world: ConsoleWorld, obligations: tuple[Obligation, ...], unsealed: list[str]
) -> None:
    ann, case = case_of(world)
    where = search(ann, case, 3)
    sue = world.signed_in("ben approves")
    sue.post(where + "/pictures", page=where, files={"picture": picture(3)}, lead="1")
    for name in ("rex reviews", "roy reviews"):
        judge(world.signed_in(name), "moderate-same")
    evidence = {"lead": "1", "kind": "witness", "what": "a neighbour saw her there", "independent": "yes"}
    assert ann.post(where + "/evidence", page=where, **evidence).status_code == 303
    unsealed.clear()
    assert re.search("judged: 1 lead upheld", ann.get(case).text)
    assert {each.partition("\n")[0] for each in unsealed} == {"case", "authorisation", "search", "judged"}
