"""The state of cases, derived from their records: searches, conclusions, and what may be seen of them now.

Read only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from countenance.administration.custodian import Custodian
from countenance.administration.mandates import Mandates
from countenance.casework import (
    Authorisation,
    Case,
    CaseRecord,
    CaseRecords,
    CaseSearch,
    CaseVideo,
    EvidenceKind,
    Grade,
    IndependentEvidence,
    LeadConclusion,
    PartFinding,
    ReviewJudgement,
    VideoSight,
    fused,
)
from countenance.errors import NotFound
from countenance.mandates import MandateState

_REMEMBERED = 100_000


class SearchState(StrEnum):
    """What may be seen of a search now."""

    UNFIT = "unfit"
    NOBODY = "nobody"
    LEADS = "leads"
    """the rules demanded no review"""
    PICTURES = "pictures"
    """under review, but a lead's picture is still missing"""
    REVIEW = "review"
    """withheld: people are judging"""
    REVIEWED = "reviewed"
    FROZEN = "frozen"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """A search with what may be seen of it. frozen: why nothing may be. conclusions: only once all are in, or if none
    is needed. evidence: independent evidence by the place of its lead.
    """

    search: CaseSearch
    state: SearchState
    frozen: str
    conclusions: tuple[LeadConclusion, ...]
    evidence: Mapping[int, tuple[IndependentEvidence, ...]]

    @property
    def shown(self) -> tuple[LeadConclusion, ...]:
        """The leads that may be seen, in the order of the search."""
        if self.state is SearchState.LEADS:
            return self.conclusions
        return tuple(each for each in self.conclusions if each.upheld) if self.state is SearchState.REVIEWED else ()


@dataclass(frozen=True, slots=True)
class SearchOfCase:
    """A search in the list of its case. upheld: how many of its leads reviewers upheld; 0 before the review is over."""

    search: CaseSearch
    state: SearchState
    upheld: int


class CaseFile:
    """The cases of one installation, for its own parts to read; people use `Cases`, which records that they looked."""

    def __init__(self, records: CaseRecords, custodian: Custodian, mandates: Mandates) -> None:
        self._records = records
        self._custodian = custodian
        self._mandates = mandates
        self.now = records.now
        self._never_shown: set[str] = set()  # searches that can never show a lead; what is forgotten is looked up again

    def page(self, number: int, size: int = 50) -> tuple[list[tuple[Case, str]], bool]:
        """`size` cases, the latest first, of the page with that number from 0, each with why it is frozen, as `frozen`
        says; whether there is another page. The records of other cases are not read.
        """
        records, more = self._records.page("case", number, size)
        ids = [each.record_id for each in records]
        given, closed = (self._records.of_each(kind, ids) for kind in ("authorisation", "closing"))
        cases = [_case(each, given[each.record_id], closed[each.record_id]) for each in records]
        mandates = {each.mandate_id: self._mandate_stops(each.mandate_id) for each in cases}
        return [(each, self._ended(each) or mandates[each.mandate_id]) for each in cases], more

    def case(self, case_id: str) -> Case:
        """A case, or `NotFound`."""
        record = self._records.get("case", case_id)
        return _case(record, self._records.of("authorisation", case_id), self._records.of("closing", case_id))

    def search(self, search_id: str, case_id: str = "") -> CaseSearch:
        """A search, or `NotFound`. case_id: the case of which it has to be."""
        record = self._records.get("search", search_id)
        if case_id and record.parent != case_id:
            raise NotFound("there is no such search in this case")
        return CaseSearch.of(search_id, record.parent, record.at, record.value)

    def holds(self, hold_id: str) -> bool:
        """Whether a held result belongs to a case."""
        return self._records.has("hold", hold_id)

    def searches(self, case: Case) -> list[SearchOfCase]:
        """All searches of a case, the latest first, each with what may be seen of it."""
        return self._listed(case, self._records.of("search", case.case_id)[::-1])

    def searches_page(self, case: Case, number: int, size: int = 20) -> tuple[list[SearchOfCase], bool]:
        """`size` of a case's searches, the latest first, of the page with that number from 0; whether there is another
        page. The others are not unsealed.
        """
        records, more = self._records.page("search", number, size, case.case_id)
        return self._listed(case, records), more

    def _listed(self, case: Case, records: Sequence[CaseRecord]) -> list[SearchOfCase]:
        searches = [CaseSearch.of(each.record_id, each.parent, each.at, each.value) for each in records]
        frozen = self.frozen(case)
        states = [self._state(each, frozen or self._refused(each.hold)) for each in searches]
        upheld = [
            sum(each.upheld for each in self.conclusions(search)) if state is SearchState.REVIEWED else 0
            for search, state in zip(searches, states, strict=True)
        ]
        return [SearchOfCase(*each) for each in zip(searches, states, upheld, strict=True)]

    def seen_now(self, search: CaseSearch) -> CaseResult:
        """What may be seen of a search."""
        frozen = self.frozen(self.case(search.case_id), search.hold)
        state = self._state(search, frozen)
        if frozen:
            return CaseResult(search, state, frozen, (), {})
        return CaseResult(search, state, "", self.conclusions(search), self._evidence_of(search.search_id))

    def _state(self, search: CaseSearch, frozen: str) -> SearchState:
        """What may be seen of a search. frozen: why nothing may; empty where something may."""
        if frozen:
            return SearchState.FROZEN
        if not search.reviewers:
            return SearchState(search.outcome)
        if self._is_reviewed(search):
            return SearchState.REVIEWED
        return SearchState.PICTURES if self._missing(search) else SearchState.REVIEW

    def frozen(self, case: Case, hold_id: str = "") -> str:
        """Why nothing may be seen, searched or exported in a case now; empty where it may."""
        return self._ended(case) or self._mandate_stops(case.mandate_id) or self._refused(hold_id)

    def _refused(self, hold_id: str) -> str:
        if hold_id and self._custodian.show(hold_id).refused_at is not None:
            return "authorisation was refused, and the result is destroyed"
        return ""

    def _ended(self, case: Case) -> str:
        until = case.authorisation.until
        if self.now() >= until:
            return f"the authorisation ended on {until:%Y-%m-%d %H:%M} UTC; another one has to be entered"
        return ""

    def _mandate_stops(self, mandate_id: str) -> str:
        """Why nothing may be done under a mandate now; empty where it may."""
        state = self._mandates.show(mandate_id).state(self.now())
        if state is not MandateState.ACTIVE:
            return f"the mandate is {state}"
        if self._custodian.overdue(mandate_id):
            return "an authorisation that the rules demand was not requested in time"
        return ""

    def tainted(self, case_id: str) -> bool:
        """Whether leads of a face search were shown in this case, or in one that it arose from."""
        looked_at: set[str] = set()
        while case_id and case_id not in looked_at:
            looked_at.add(case_id)
            if any(map(self._showed_leads, self._records.ids("search", case_id))):
                return True
            case_id = self._records.get("case", case_id).value["arose_from"]
        return False

    def _showed_leads(self, search_id: str) -> bool:
        """Whether a lead of the search may be seen, or was before its case was frozen."""
        if search_id in self._never_shown:
            return False
        search = self.search(search_id)
        if any(each.upheld or not search.reviewers for each in self.conclusions(search)):
            return True
        if not search.reviewers or self._is_reviewed(search):
            if len(self._never_shown) >= _REMEMBERED:
                self._never_shown.clear()
            self._never_shown.add(search_id)
        return False

    def missing(self, search_id: str) -> dict[int, str]:
        """Leads under review of which no picture was brought yet: place -> name."""
        return self._missing(self.search(search_id))

    def _missing(self, search: CaseSearch) -> dict[int, str]:
        have, gone = self._records.pictures_of(search.search_id), self.erased(search.search_id)
        return {n: lead.name for n, lead in enumerate(search.leads) if str(n) not in have and n not in gone}

    def erased(self, search_id: str) -> frozenset[int]:
        """The leads whose enrolled faces were erased while they were under review, by place."""
        return frozenset(each.value["lead"] for each in self._records.of("face erased", search_id))

    def video(self, video_id: str) -> CaseVideo:
        """A video of a case, or `NotFound`."""
        record = self._records.get("video", video_id)
        video = _video(record)
        if not self._records.has("people", video_id):
            return video
        seen = self._records.get("people", video_id).value
        people = tuple(VideoSight.of(each) for each in seen["people"])
        until = datetime.fromisoformat(seen["until"])
        return replace(video, people=people, left_out=seen["left_out"], until=until)

    def videos_of_jobs(self, job_ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """Of those jobs that find the people of a case's video: the case and the video, by id."""
        jobs = self._records.those("video job", job_ids)
        cases = {each.record_id: each.parent for each in self._records.those("video", [each.parent for each in jobs])}
        return {each.record_id: (cases[each.parent], each.parent) for each in jobs}

    def video_ids(self, case_id: str) -> list[str]:
        """The ids of the videos of a case, the latest first."""
        return self._records.ids("video", case_id)[::-1]

    def videos_page(self, case_id: str, number: int, size: int = 20) -> tuple[list[CaseVideo], bool]:
        """`size` of a case's videos without their people, the latest first, of the page with that number from 0;
        whether there is another page.
        """
        records, more = self._records.page("video", number, size, case_id)
        return [_video(each) for each in records], more

    def judgements(self, search_id: str, place: int) -> tuple[ReviewJudgement, ...]:
        """All judgements of one lead."""
        return tuple(map(_judgement, self._records.of("judged", f"{search_id}/{place}")))

    def has_seen(self, case_id: str, name: str) -> bool:
        """Whether somebody opened or saw a case, and so cannot judge it blind."""
        return self.case(case_id).opened_by == name or self._records.has("seen", seen_key(case_id, name))

    def under_review(self) -> list[CaseSearch]:
        """The searches whose leads people can judge now, oldest first."""
        searches = []
        over = {each.record_id for each in self._records.of("reviewed")}
        for each in self._records.of("search"):
            if each.value["reviewers"] and each.record_id not in over:
                search = CaseSearch.of(each.record_id, each.parent, each.at, each.value)
                if self.seen_now(search).state is SearchState.REVIEW and not self.case(search.case_id).closed_at:
                    searches.append(search)
        return searches

    def conclusions(self, search: CaseSearch) -> tuple[LeadConclusion, ...]:
        """The conclusions on all leads; empty while one is missing, or without leads."""
        if not search.reviewers:
            return tuple(LeadConclusion(n, (), None) for n in range(len(search.leads)))
        return self._concluded(search) if self._is_reviewed(search) else ()

    def _is_reviewed(self, search: CaseSearch) -> bool:
        return bool(search.reviewers) and self._records.has("reviewed", search.search_id)

    def conclusion(self, search: CaseSearch, place: int) -> LeadConclusion:
        """What all judgements of one lead come to; insufficient if its face was erased meanwhile."""
        return self._concluded(search)[place]

    def _concluded(self, search: CaseSearch) -> tuple[LeadConclusion, ...]:
        """What all judgements come to, lead by lead."""
        leads = [f"{search.search_id}/{place}" for place in range(len(search.leads))]
        judged, gone = self._records.of_each("judged", leads), self.erased(search.search_id)
        concluded = []
        for place, lead in enumerate(leads):
            judgements = tuple(map(_judgement, judged[lead]))
            grade = fused([each.grade for each in judgements], search.reviewers)
            concluded.append(LeadConclusion(place, judgements, Grade.INSUFFICIENT if place in gone else grade))
        return tuple(concluded)

    def _evidence_of(self, search_id: str) -> dict[int, tuple[IndependentEvidence, ...]]:
        by_lead: dict[int, tuple[IndependentEvidence, ...]] = {}
        for each in self._records.of("evidence", search_id):
            value = each.value
            made = IndependentEvidence(EvidenceKind(value["kind"]), value["what"], value["by"], each.at)
            by_lead[value["lead"]] = (*by_lead.get(value["lead"], ()), made)
        return by_lead


def _judgement(record: CaseRecord) -> ReviewJudgement:
    value = record.value
    features = {part: PartFinding(finding) for part, finding in value["features"].items()}
    return ReviewJudgement(value["reviewer"], Grade(value["grade"]), features, value["remarks"], record.at)


def _case(record: CaseRecord, given: Sequence[CaseRecord], closed: Sequence[CaseRecord]) -> Case:
    value = record.value
    return Case(
        record.record_id,
        value["mandate"],
        value["by"],
        record.at,
        value["purpose"],
        value["offence"],
        value["arose_from"],
        tuple(Authorisation.of(each.value) for each in given),
        closed[0].at if closed else None,
    )


def _video(record: CaseRecord) -> CaseVideo:
    """A video without its people."""
    value = record.value
    made_of = (value["by"], record.at, value["bucket"], value["name"], value["job"])
    return CaseVideo(record.record_id, record.parent, *made_of)


def seen_key(case_id: str, name: str) -> str:
    """The id of the record which says that somebody saw a case."""
    return f"{case_id}.{hashlib.sha256(name.encode()).hexdigest()[:32]}"
