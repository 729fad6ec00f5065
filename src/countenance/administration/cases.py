"""Cases: opened with an authorisation and its clock, searched under a mandate, their leads withheld, shown or exported.

Every step is in the ledger before it is in force. A search goes through the guard. Where the rules demand reviewers,
leads are withheld until they have judged (`reviews.py`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from countenance.administration.case_file import CaseFile, CaseResult, SearchState, seen_key
from countenance.administration.custodian import Custodian
from countenance.administration.journal import Journal
from countenance.administration.mandates import Mandates
from countenance.administration.pending_pictures import PendingPicture, PendingPictures
from countenance.casework import (
    Authorisation,
    Case,
    CaseLead,
    CaseRecords,
    CaseSearch,
    EvidenceKind,
    ExportUse,
    ProbeQuality,
    SearchOutcome,
    export_text,
)
from countenance.custody import HoldState
from countenance.engine import STORED
from countenance.errors import BadRequest, Conflict, Denied, Held, NoFace, NotFound
from countenance.faces import DetectedFace
from countenance.ledger import Ledger, Receipt
from countenance.mandates import MandateState
from countenance.operations import (
    Caller,
    Detect,
    Guard,
    QualityFilter,
    SearchByImage,
    Tools,
    WorstGroup,
    evidence_summary,
    reasons_against,
)
from countenance.operations.evidence import worst_group
from countenance.redaction.portraits import portrait
from countenance.signing import JSON

LEAST_REVIEWERS = 2
"""How many people judge each lead, if the rules demand any."""

PROBE_LIMITS = {
    "LOW_CONFIDENCE": "it is not certain that it shows a face",
    "SMALL_BOUNDING_BOX": "the face is small",
    "LOW_SHARPNESS": "the face is blurred",
    "LOW_BRIGHTNESS": "the face is dark",
    "EXTREME_POSE": "the face is turned away",
    "LOW_FACE_QUALITY": "the face shows little to tell people apart by",
}
"""What makes a search's error higher than measured, in words."""


class Cases:
    """The cases of one installation."""

    def __init__(
        self,
        records: CaseRecords,
        custodian: Custodian,
        mandates: Mandates,
        guard: Guard,
        ledger: Ledger,
        tools: Callable[[], Tools],
    ) -> None:
        """tools: loads the models on first use."""
        self._records = records
        self._custodian = custodian
        self._mandates = mandates
        self._guard = guard
        self._ledger = ledger
        self._tools = tools
        self._journal = Journal(ledger, "case")
        self._pending = PendingPictures(records.now)
        self.now = records.now
        self.file = CaseFile(records, custodian, mandates)

    def open(
        self,
        mandate_id: str,
        by: str,
        *,
        purpose: str,
        offence: str,
        authority: str,
        reference: str,
        until: datetime,
        arose_from: str = "",
    ) -> Case:
        """Open a case under a mandate that `by` asked for and that is in force. until: when the authorisation ends.

        arose_from: the case that led to this one, if any; evidence that is not independent there is not independent
        here.
        """
        mandate = self._mandates.show(mandate_id)
        if mandate.requested_by != by:
            raise Denied("a case is opened under a mandate that one asked for oneself")
        if mandate.state(self.now()) is not MandateState.ACTIVE:
            raise Conflict("the mandate is not in force")
        if not (purpose and offence):
            raise BadRequest("a case names its purpose and the offence, or the event, that it is about")
        given = Authorisation(authority, reference, until, by)
        given.check_term(self.now())
        if arose_from and self.file.case(arose_from).opened_by != by:
            raise NotFound("there is no such case of yours that this one could have arisen from")
        case_id = f"case-{secrets.token_hex(6)}"
        facts: dict[str, JSON] = {"by": by, "purpose": purpose, "offence": offence}
        public: dict[str, JSON] = {"mandate": mandate_id, "until": until.isoformat(), "arose_from": arose_from}
        self._record("opened", case_id, public, {**facts, "authority": authority, "reference": reference})
        self._records.add("case", case_id, mandate_id, {**facts, "mandate": mandate_id, "arose_from": arose_from})
        self._records.add("authorisation", f"{case_id}.1", case_id, given.json())
        return self.file.case(case_id)

    def show(self, case_id: str, by: str, *, supervises: bool) -> Case:
        """A case, for its opener.

        Others must be supervisors; it is recorded that they looked, and they no longer judge it.
        """
        case = self.file.case(case_id)
        if by != case.opened_by:
            if not supervises:
                raise NotFound("there is no such case of yours")
            self._note_seen(case_id, by)
        return case

    def authorise(self, case_id: str, by: str, *, authority: str, reference: str, until: datetime) -> Case:
        """Enter another authorisation; `Denied` to the case's opener.

        Unfreezes what was frozen because the last one ended.
        """
        case = self.file.case(case_id)
        self._check_open(case)
        if by == case.opened_by:
            raise Denied("another authorisation is entered by somebody else than who opened the case")
        given = Authorisation(authority, reference, until, by)
        given.check_term(self.now())
        self._note_seen(case_id, by)
        public: dict[str, JSON] = {"until": until.isoformat()}
        self._record("authorised", case_id, public, {"by": by, "authority": authority, "reference": reference})
        self._records.add("authorisation", f"{case_id}.{len(case.authorisations) + 1}", case_id, given.json())
        return self.file.case(case_id)

    def close(self, case_id: str, by: str) -> Case:
        """Close a case for good; pictures under review are erased."""
        case = self.file.case(case_id)
        self._check_open(case)
        self._record("closed", case_id, {}, {"by": by})
        self._records.add("closing", case_id, case_id, {"by": by})
        self.sweep()
        return self.file.case(case_id)

    def look(self, case_id: str, by: str, caller: Caller, picture: bytes) -> PendingPicture:
        """Find the faces of a picture, for choosing one; the picture is kept in memory for 15 minutes."""
        self._usable(case_id, by)
        detected = self._guard.carry_out(caller, Detect(picture)).result
        return self._pending.keep((case_id, by), picture, detected.faces)

    def search(
        self,
        case_id: str,
        by: str,
        caller: Caller,
        *,
        picture_id: str,
        place: int,
        gallery_id: str,
        similarity: float,
        limit: int,
    ) -> CaseSearch:
        """Search a gallery for a face of a picture from `look`; repeating the search returns the same record. Finding
        nobody, and a picture that is not good enough, are results. If the rules demand reviewers, the leads are
        withheld.
        """
        case = self._usable(case_id, by)
        pending = self._pending.get(picture_id, (case_id, by))
        if not 0 <= place < len(pending.faces):
            raise BadRequest(f"choose a face from 1 to {len(pending.faces)}")
        ask = SearchByImage(gallery_id, pending.content, limit, similarity, QualityFilter.AUTO, place)
        searched = self._told(case, caller, ask, pending.faces[place])
        for row in self._records.of("search", case_id):
            earlier = CaseSearch.of(row.record_id, case_id, row.at, row.value)
            same = (earlier.gallery_id, earlier.leads) == (searched.gallery_id, searched.leads)
            if searched.reviewers and (earlier.hold == searched.hold if searched.hold else same):
                self._pending.forget(picture_id)
                return earlier
        if searched.hold and self.file.holds(searched.hold):
            raise Conflict("this very search was made in another case, and its leads are judged there")
        public: dict[str, JSON] = {
            "search": searched.search_id,
            "outcome": searched.outcome,
            "reviewers": searched.reviewers,
        }
        self._record("searched", case_id, public, {"by": by, "gallery": gallery_id})
        if searched.reviewers:
            pixels = self._tools().engine.decoded(pending.content, STORED)
            others = [each.box for n, each in enumerate(pending.faces) if n != place]
            self._records.keep_picture(searched.search_id, "probe", portrait(pixels, pending.faces[place].box, others))
        if searched.hold:
            self._records.add("hold", searched.hold, searched.search_id, {})
        self._records.add("search", searched.search_id, case_id, searched.json())
        self._pending.forget(picture_id)
        return searched

    def result(self, search_id: str, by: str, *, supervises: bool) -> CaseResult:
        """A search with what may be seen of it, for the same people as `show`; it is recorded that they looked."""
        search = self.file.search(search_id)
        self.show(search.case_id, by, supervises=supervises)
        result = self.file.seen_now(search)
        self._record("looked at", search.case_id, {"search": search_id, "state": result.state}, {"by": by})
        return result

    def bring(self, search_id: str, place: int, by: str, picture: bytes) -> None:
        """Supply the picture from which a lead was enrolled, for the reviewers; `Denied` to the case's opener.
        `BadRequest` unless it is that very file: the gallery knows its sha256. Only the face is kept, sealed, until the
        review is over. Whoever supplies it learns who the lead is, and may not judge it.
        """
        search = self.file.search(search_id)
        case = self.file.case(search.case_id)
        if by == case.opened_by:
            raise Denied("the result is withheld: its pictures are brought by somebody else than who searched")
        if self.file.seen_now(search).state not in (SearchState.PICTURES, SearchState.REVIEW):
            raise Conflict("this search is not under review")
        if place not in self.file.missing(search_id):
            raise Conflict("the picture of this lead is there already")
        tools = self._tools()
        digest, box = tools.gallery.source(search.gallery_id, search.leads[place].face_id)
        if hashlib.sha256(picture).hexdigest() != digest:
            raise BadRequest("this is not the file that the face was enrolled from")
        self._note_seen(case.case_id, by)
        shown = portrait(tools.engine.decoded(picture, STORED), box)
        self._record("picture brought", case.case_id, {"search": search_id}, {"by": by, "lead": place})
        self._records.keep_picture(search_id, str(place), shown)

    def enter_evidence(
        self, search_id: str, place: int, by: str, kind: EvidenceKind, what: str, *, independent: bool
    ) -> None:
        """Enter evidence for a lead.

        independent: the declaration that it was found without the lead; `BadRequest` without it.
        """
        result = self._seen_lead(search_id, place, by)
        if not independent:
            raise BadRequest("evidence that was found by following the lead is not independent of it")
        if len(what) < 10:
            raise BadRequest("say what the evidence is, and where it comes from")
        number = sum(map(len, result.evidence.values())) + 1
        entry: dict[str, JSON] = {"by": by, "lead": place, "what": what}
        self._record("evidence", result.search.case_id, {"search": search_id, "what_kind": kind}, entry)
        self._records.add("evidence", f"{search_id}.{number}", search_id, {**entry, "kind": kind})

    def export(self, search_id: str, place: int, by: str, use: ExportUse) -> str:
        """The text of a lead's export; `Conflict` without independent evidence for the lead, or while frozen."""
        result = self._seen_lead(search_id, place, by)
        case = self.file.case(result.search.case_id)
        evidence = result.evidence.get(place, ())
        if not evidence:
            raise Conflict(
                f"for a {use}, independent evidence for the lead has to be on record; there is none for this one"
            )
        self._record("exported", case.case_id, {"search": search_id, "use": use}, {"by": by, "lead": place})
        conclusion = result.conclusions[place]
        every = result.conclusions if result.state is SearchState.REVIEWED else ()
        return export_text(case, result.search, conclusion, every, evidence, use, by, self.now())

    def sweep(self) -> int:
        """Forget pictures that waited too long, erase those whose review is over or cannot go on; returns how many."""
        self._pending.sweep()
        erased = 0
        for owner in self._records.owners_of_pictures():
            if not self._records.has("search", owner):
                continue  # a known pair, or a search being recorded
            search = self.file.search(owner)
            case = self.file.case(search.case_id)
            refused = bool(search.hold) and self._custodian.show(search.hold).state(self.now()) is HoldState.SHREDDED
            if case.closed_at or refused or self.file.conclusions(search):
                self._record("pictures erased", case.case_id, {"search": owner}, {})
                erased += self._records.erase_pictures(owner)
        return erased

    def _told(self, case: Case, caller: Caller, ask: SearchByImage, face: DetectedFace) -> CaseSearch:
        """The search with what the guard lets through."""
        tools, now = self._tools(), self.now()
        limits = tuple(PROBE_LIMITS.get(each, each) for each in reasons_against(face, QualityFilter.HIGH))
        hold, reviewers, says, receipt = "", 0, "", ""
        leads: tuple[CaseLead, ...] = ()
        least, size, expected = ask.similarity, 0, 0.0
        try:
            answer = self._guard.carry_out(caller, ask)
            receipt, search_result = answer.receipt, answer.result
            least = float(answer.headers.get("x-countenance-threshold", least))
            size, expected = search_result.gallery_size, search_result.expected_false_matches
            leads = tuple(
                CaseLead(c.face.face_id, c.face.external_id or c.face.face_id, c.similarity, c.fmr)
                for c in search_result.candidates
            )
            reviewers = self._demanded(answer.reviewers) if leads else 0  # verified in another way, not blind
        except NoFace as error:
            says, receipt = str(error), error.receipt or ""
        except Held as error:
            if not error.hold_id:
                raise
            hold, receipt = error.hold_id, error.receipt or ""
            leads = self._held_leads(hold, tools)
            result = self._ledger.entry(Receipt.parse(receipt).index).fields
            size, expected = int(str(result["gallery_size"])), float(str(result["expected_false_matches"]))
            decision = self._ledger.entry(int(str(result["decision"]))).fields
            least = float(str(decision["min_similarity"]))
            reviewers = self._demanded(self._custodian.show(hold).reviewers) if leads else 0
        outcome = SearchOutcome.UNFIT if says else SearchOutcome.LEADS if leads else SearchOutcome.NOBODY
        facts = json.loads(self._mandates.show(case.mandate_id).terms.facts)
        return CaseSearch(
            search_id=f"search-{secrets.token_hex(6)}",
            case_id=case.case_id,
            asked_by=case.opened_by,
            asked_at=now,
            gallery_id=ask.gallery_id,
            provenance=str(facts.get("gallery", {}).get("provenance", "not stated")),
            outcome=outcome,
            says=says,
            hold=hold,
            reviewers=reviewers,
            least=least,
            size=size,
            expected=expected,
            version=tools.engine.version,
            evidence=evidence_summary(tools.evidence, tools.engine.model, tools.calibration.identity, now),
            worst=_worst(worst_group(tools.evidence, tools.calibration, now)),
            receipt=receipt,
            quality=ProbeQuality(
                face.quality.size_px, face.quality.sharpness, face.quality.brightness, face.pose.yaw, limits
            ),
            leads=leads,
        )

    def _demanded(self, reviewers: int) -> int:
        return max(LEAST_REVIEWERS, reviewers) if reviewers else 0

    def _held_leads(self, hold_id: str, tools: Tools) -> tuple[CaseLead, ...]:
        contents = self._custodian.contents(hold_id)
        assert isinstance(contents, dict)
        rows = contents["candidates"]
        assert isinstance(rows, list)
        calibration = tools.calibration
        leads = []
        for row in rows:
            assert isinstance(row, list)
            face_id, similarity, name = str(row[0]), float(str(row[1])), str(row[2] or row[0])
            leads.append(CaseLead(face_id, name, similarity, calibration.fmr(calibration.score(similarity))))
        return tuple(leads)

    def _seen_lead(self, search_id: str, place: int, by: str) -> CaseResult:
        """The search of a lead, for the case's opener; `Conflict` if the lead may not be seen."""
        search = self.file.search(search_id)
        case = self.file.case(search.case_id)
        if case.opened_by != by:
            raise Denied("only who opened the case enters evidence and exports its leads")
        self._check_open(case)
        result = self.file.seen_now(search)
        if result.frozen:
            raise Conflict(f"frozen: {result.frozen}")
        if place not in [each.place for each in result.shown]:
            raise Conflict("this lead is withheld, was not upheld, or does not exist")
        return result

    def _usable(self, case_id: str, by: str) -> Case:
        case = self.file.case(case_id)
        if case.opened_by != by:
            raise NotFound("there is no such case of yours")
        self._check_open(case)
        frozen = self.file.frozen(case)
        if frozen:
            raise Conflict(f"frozen: {frozen}")
        return case

    def _check_open(self, case: Case) -> None:
        if case.closed_at:
            raise Conflict(f"{case.case_id} is closed")

    def _note_seen(self, case_id: str, by: str) -> None:
        if not self._records.has("seen", seen_key(case_id, by)):
            self._record("seen", case_id, {}, {"by": by})
            self._records.add("seen", seen_key(case_id, by), case_id, {"by": by})

    def _record(
        self, change: str, case_id: str, public: Mapping[str, JSON], private: Mapping[str, JSON | None]
    ) -> None:
        self._journal.record(change, {"case": case_id, **public}, private)


def _worst(worst: WorstGroup | None) -> str:
    if worst is None:
        return ""
    return (
        f"At a similarity of {worst.similarity:g}, the group served worst ({worst.factor}: {worst.group}, "
        f"{worst.people:,} people) had a false match rate of {worst.fmr:.2g}, at most {worst.high:.2g}"
    )
