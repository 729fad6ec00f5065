"""Blind review: people judge pairs of pictures one by one, without knowing the case or each other's answers. Score,
rank, name and case are hidden, and known pairs look like any other. A judgement is in the ledger before anything
follows from it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import RLock

from countenance.administration.case_file import SearchState
from countenance.administration.cases import Cases
from countenance.administration.custodian import Custodian
from countenance.administration.journal import Journal
from countenance.administration.mandates import Mandates
from countenance.casework import (
    COMPONENTS,
    CaseRecord,
    CaseRecords,
    Grade,
    LeadConclusion,
    PartFinding,
    ReviewerRates,
    ReviewLimits,
    exceeded,
    rates_of,
    still_wanted,
)
from countenance.engine import STORED
from countenance.errors import BadRequest, Conflict, Denied, NoFace, NotFound
from countenance.ledger import Ledger
from countenance.operations import Caller, Detect, Guard, Tools
from countenance.redaction.portraits import portrait
from countenance.signing import JSON

HELD_FOR = timedelta(hours=24)
"""A pair that is not judged for this long goes to another reviewer."""

_chance = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A pair in front of a reviewer. looked: whether the reviewer has described the first picture alone. judged: the
    committed judgement. visible: the components that the reviewer found visible in the first picture. truth: whether it
    was the same person, shown once a known pair is judged; None before, and for all other pairs.
    """

    item_id: str
    looked: bool
    visible: frozenset[str]
    judged: Grade | None
    truth: bool | None


@dataclass(frozen=True, slots=True)
class ReviewerStatus:
    """Whether a reviewer may review, and the rates that decide it.

    ended: why the right to review ended, empty while it holds. since: from when rates count.
    """

    reviewer: str
    rates: ReviewerRates
    judged: int
    ended: str
    since: datetime | None


class Reviews:
    """The reviews of one installation; every step is recorded first."""

    def __init__(
        self,
        cases: Cases,
        records: CaseRecords,
        custodian: Custodian,
        mandates: Mandates,
        guard: Guard,
        ledger: Ledger,
        tools: Callable[[], Tools],
        limits: ReviewLimits,
    ) -> None:
        self._cases = cases
        self._file = cases.file
        self._records = records
        self._custodian = custodian
        self._mandates = mandates
        self._guard = guard
        self._tools = tools
        self._journal = Journal(ledger, "review")
        self._lock = RLock()
        self.limits = limits
        self.now = records.now

    def waits(self, reviewer: str) -> bool:
        """Whether there is a pair that the reviewer could judge now."""
        return self._open_item(reviewer) is not None or bool(self._eligible(reviewer))

    def next(self, reviewer: str) -> str | None:
        """The id of the pair to judge next: one already begun, else one drawn at random; None if none waits.

        Known pairs are mixed in at the rate of the limits. `Denied` where the right to review ended.
        """
        with self._lock:
            self._check_right(reviewer)
            begun = self._open_item(reviewer)
            if begun:
                return begun.record_id
            waiting = self._eligible(reviewer)
            if not waiting:
                return None
            known = self._unseen_pairs(reviewer) if _chance.random() < self.limits.known_rate else []
            if known:
                owner, part = _drawn(known), "other"
            else:
                owner, part = _chance.choice(waiting)
            item_id = f"pair-{secrets.token_hex(8)}"
            self._journal.record("given out", {"item": item_id}, {"reviewer": reviewer, "of": f"{owner}/{part}"})
            self._records.add("item", item_id, reviewer, {"owner": owner, "part": part, "known": bool(known)})
            self._records.add("assigned", item_id, f"{owner}/{part}", {"reviewer": reviewer})
            return item_id

    def item(self, item_id: str, reviewer: str) -> ReviewItem:
        """A pair that was given to this reviewer; `NotFound` to everybody else."""
        item = self._item(item_id, reviewer)
        judged = self._judged(item_id)
        grade = Grade(judged.value["grade"]) if judged else None
        truth = None
        if judged and item.value["known"]:
            truth = bool(self._records.get("pair", item.value["owner"]).value["same"])
        looked = self._records.has("looked", item_id)
        visible = frozenset(self._records.get("looked", item_id).value["visible"]) if looked else frozenset()
        return ReviewItem(item_id, looked, visible, grade, truth)

    def picture(self, item_id: str, reviewer: str, *, probe: bool) -> bytes:
        """A picture of a pair, JPEG; it is recorded that it was shown.

        The second one only after the probe was judged alone.
        """
        item = self._unjudged(item_id, reviewer)
        if not probe and not self._records.has("looked", item_id):
            raise Conflict("look at the first picture alone first")
        part = "probe" if probe else item.value["part"]
        content = self._records.picture(item.value["owner"], part)
        self._journal.record("picture shown", {"item": item_id}, {"reviewer": reviewer, "part": part})
        return content

    def looked(self, item_id: str, reviewer: str, visible: frozenset[str]) -> None:
        """Commit which components the first picture shows; only then is the other picture shown."""
        self._unjudged(item_id, reviewer)
        _check_components(visible)
        if not self._records.has("looked", item_id):
            seen: list[JSON] = [*sorted(visible)]
            self._journal.record("looked", {"item": item_id}, {"reviewer": reviewer, "visible": seen})
            self._records.add("looked", item_id, item_id, {"visible": seen})

    def judge(
        self, item_id: str, reviewer: str, grade: Grade, features: Mapping[str, PartFinding], remarks: str = ""
    ) -> None:
        """Commit a conclusion, for good, and in the ledger before anything is revealed. `BadRequest` if no feature
        could be compared, unless the conclusion is insufficient.
        """
        _check_components(frozenset(features))
        with self._lock:
            item = self._unjudged(item_id, reviewer)
            compared = [each for each in features.values() if each is not PartFinding.UNCLEAR]
            if grade is not Grade.INSUFFICIENT and not (compared and self._records.has("looked", item_id)):
                raise BadRequest("a conclusion rests on at least one feature that could be compared in both pictures")
            if len(remarks) > 1000:
                raise BadRequest("remarks have at most 1,000 characters")
            owner, part, known = item.value["owner"], item.value["part"], bool(item.value["known"])
            judged: dict[str, JSON] = {"reviewer": reviewer, "grade": str(grade), "remarks": remarks}
            judged["features"] = {part: str(finding) for part, finding in features.items()}
            self._journal.record("judged", {"item": item_id}, {**judged, "of": f"{owner}/{part}"})
            self._records.add("judged", item_id, f"{owner}/{part}", judged)
            if known:
                same = bool(self._records.get("pair", owner).value["same"])
                self._records.add("known", item_id, reviewer, {"same": same, "grade": str(grade)})
                self._end_right_if_over(reviewer)
            else:
                self._finish(owner)

    def sweep(self) -> None:
        """End the reviews whose last missing conclusions are of faces that were erased meanwhile."""
        with self._lock:
            for search in self._file.under_review():
                self._finish(search.search_id)

    def status(self, reviewer: str) -> ReviewerStatus:
        """A reviewer's rates on known pairs, and whether the right to review holds."""
        rights = self._records.of("right", reviewer)
        restored = [each.at for each in rights if not each.value["ended"]]
        since = restored[-1] if restored else None
        known = [
            (bool(each.value["same"]), Grade(each.value["grade"]))
            for each in self._records.of("known", reviewer)
            if since is None or each.at > since
        ]
        ended = rights[-1].value["why"] if rights and rights[-1].value["ended"] else ""
        judged = sum(self._judged(each.record_id) is not None for each in self._records.of("item", reviewer))
        return ReviewerStatus(reviewer, rates_of(known), judged, ended, since)

    def statuses(self) -> list[ReviewerStatus]:
        """The status of everybody who was ever given a pair, by name."""
        return [self.status(name) for name in sorted({each.parent for each in self._records.of("item")})]

    def restore(self, reviewer: str, by: str, why: str) -> None:
        """Give the right to review back, for example after training; rates start again. Nobody restores their own."""
        if by == reviewer:
            raise Denied("somebody else gives the right to review back")
        if not why:
            raise BadRequest("say what has changed")
        if not self.status(reviewer).ended:
            raise Conflict("the right to review holds")
        self._right(reviewer, False, why, by)

    def add_pair(self, by: str, caller: Caller, one: bytes, other: bytes, *, same: bool) -> str:
        """Add a known pair, as portraits of the largest faces of two pictures, detected under a mandate. It is never
        given to whoever enters it. The more alike the strangers are, the more their rate shows.
        """
        shown = []
        for picture in (one, other):
            faces = self._guard.carry_out(caller, Detect(picture)).result.faces
            if not faces:
                raise NoFace("a known pair needs a face in each picture")
            pixels = self._tools().engine.decoded(picture, STORED)
            shown.append(portrait(pixels, faces[0].box, [each.box for each in faces[1:]]))
        pair_id = f"known-{secrets.token_hex(6)}"
        self._journal.record("pair entered", {"pair": pair_id}, {"by": by, "same": same})
        self._records.keep_picture(pair_id, "probe", shown[0])
        self._records.keep_picture(pair_id, "other", shown[1])
        self._records.add("pair", pair_id, by, {"same": same, "by": by})
        return pair_id

    def remove_pair(self, pair_id: str, by: str) -> None:
        """Erase a known pair's pictures; what was judged of it still counts."""
        self._records.get("pair", pair_id)
        self._journal.record("pair removed", {"pair": pair_id}, {"by": by})
        self._records.erase_pictures(pair_id)

    def pairs(self) -> list[tuple[str, bool, str]]:
        """The known pairs in use: id, whether it is the same person, who entered it."""
        have = self._records.owners_of_pictures()
        rows = self._records.of("pair")
        return [(each.record_id, bool(each.value["same"]), each.value["by"]) for each in rows if each.record_id in have]

    def _eligible(self, reviewer: str) -> list[tuple[str, str]]:
        """The leads that this reviewer may judge now: (search, place)."""
        leads = []
        for search in self._file.under_review():
            mandate = self._mandates.show(self._file.case(search.case_id).mandate_id)
            if reviewer in (mandate.requested_by, mandate.holder.name, search.asked_by):
                continue
            if self._file.has_seen(search.case_id, reviewer):
                continue
            gone = self._file.erased(search.search_id)
            for place in (n for n in range(len(search.leads)) if n not in gone):
                judgements = self._file.judgements(search.search_id, place)
                busy = self._busy(search.search_id, place)
                wanted = still_wanted([each.grade for each in judgements], search.reviewers)
                mine = reviewer in busy or any(each.reviewer == reviewer for each in judgements)
                if not mine and wanted > len(busy):
                    leads.append((search.search_id, str(place)))
        return leads

    def _busy(self, search_id: str, place: int) -> set[str]:
        """The reviewers who have begun to judge that lead."""
        after = self.now() - HELD_FOR
        return {
            each.value["reviewer"]
            for each in self._records.of("assigned", f"{search_id}/{place}")
            if each.at > after and self._judged(each.record_id) is None
        }

    def _open_item(self, reviewer: str) -> CaseRecord | None:
        """The pair that the reviewer has begun, if it can still be judged."""
        for each in reversed(self._records.of("item", reviewer)):
            if each.at <= self.now() - HELD_FOR:
                return None
            if self._judged(each.record_id) is None and not self._withdrawn(each):
                return each
        return None

    def _withdrawn(self, item: CaseRecord) -> str:
        """Why a pair can no longer be judged; empty where it can."""
        owner = item.value["owner"]
        if item.at <= self.now() - HELD_FOR:
            return "it went to somebody else: it was not judged within a day"
        if item.value["part"] not in self._records.pictures_of(owner):
            return "its review is over"
        if item.value["known"]:
            return ""
        search = self._file.search(owner)
        state = self._file.seen_now(search).state
        if state is SearchState.FROZEN:
            return "its review stands still"
        if self._file.has_seen(search.case_id, item.parent):
            return "you have seen more than the two pictures"
        return "" if state is SearchState.REVIEW else "its review is over"

    def _unseen_pairs(self, reviewer: str) -> list[tuple[str, bool]]:
        seen = {each.value["owner"] for each in self._records.of("item", reviewer)}
        return [(pair, same) for pair, same, by in self.pairs() if pair not in seen and by != reviewer]

    def _item(self, item_id: str, reviewer: str) -> CaseRecord:
        item = self._records.get("item", item_id)
        if item.parent != reviewer:
            raise NotFound("there is no such item")
        return item

    def _unjudged(self, item_id: str, reviewer: str) -> CaseRecord:
        self._check_right(reviewer)
        item = self._item(item_id, reviewer)
        if self._judged(item_id):
            raise Conflict("this pair was judged already, and a judgement stands")
        withdrawn = self._withdrawn(item)
        if withdrawn:
            raise Conflict(f"this pair can no longer be judged: {withdrawn}")
        return item

    def _judged(self, item_id: str) -> CaseRecord | None:
        return self._records.get("judged", item_id) if self._records.has("judged", item_id) else None

    def _finish(self, search_id: str) -> None:
        """End a review when every lead has its conclusion: settle the hold, erase the pictures."""
        search = self._file.search(search_id)
        conclusions: list[LeadConclusion] = []
        for place in range(len(search.leads)):
            conclusion = self._file.conclusion(search, place)
            if conclusion.grade is None:
                return
            conclusions.append(conclusion)
        upheld = sum(each.upheld for each in conclusions)
        entry: dict[str, JSON] = {"search": search_id, "leads": len(conclusions), "upheld": upheld}
        self._journal.record("complete", entry, {"grades": [str(each.grade) for each in conclusions]})
        self._records.add("reviewed", search_id, search.case_id, {})
        if search.hold:
            people = dict.fromkeys(each.reviewer for conclusion in conclusions for each in conclusion.judgements)
            self._custodian.settle(
                search.hold, list(people)[: max(1, search.reviewers)], upheld=upheld == len(conclusions)
            )
        self._cases.sweep()

    def _check_right(self, reviewer: str) -> None:
        ended = self.status(reviewer).ended
        if ended:
            raise Denied(f"your right to review ended: {ended}; somebody who supervises can give it back")

    def _end_right_if_over(self, reviewer: str) -> None:
        over = exceeded(self.status(reviewer).rates, self.limits)
        if over:
            self._right(reviewer, True, over, None)

    def _right(self, reviewer: str, ended: bool, why: str, by: str | None) -> None:
        private = {"reviewer": reviewer, "why": why, "by": by}
        self._journal.record("right ended" if ended else "right restored", {}, private)
        number = len(self._records.of("right", reviewer)) + 1
        self._records.add("right", f"{reviewer}.{number}", reviewer, {"ended": ended, "why": why})


def _drawn(pairs: list[tuple[str, bool]]) -> str:
    """One of the pairs: a coin decides between strangers and the same person, so that both kinds come equally often."""
    same = _chance.random() < 0.5
    kind = [pair for pair, truth in pairs if truth == same] or [pair for pair, _truth in pairs]
    return _chance.choice(kind)


def _check_components(names: frozenset[str]) -> None:
    if not names <= {each.id for each in COMPONENTS}:
        raise BadRequest(f"components are {', '.join(each.id for each in COMPONENTS)}")
