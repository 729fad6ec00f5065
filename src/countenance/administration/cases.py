"""Cases: opened with an authorisation and its clock, searched under a mandate, their leads withheld, shown or exported.

Every step is in the ledger before it is in force. A search goes through the guard. Where the rules demand reviewers,
leads are withheld until they have judged (`reviews.py`).
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    SearchKind,
    SearchOutcome,
    VideoSight,
    WaitingPictures,
    export_text,
    two_digits,
)
from countenance.custody import HoldState
from countenance.engine import STORED
from countenance.errors import BadRequest, Conflict, Denied, Held, NoFace, NotFound
from countenance.faces import DetectedFace
from countenance.ledger import Ledger, Receipt
from countenance.mandates import MandateState
from countenance.operations import (
    Caller,
    Compare,
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
from countenance.redaction.portraits import cropped, portrait
from countenance.signing import JSON, digest

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


SECOND_PICTURE = "the second picture"
"""The name of a comparison's lead."""


@dataclass(frozen=True, slots=True)
class _SearchOutcome:
    """What the guard lets through of a search or comparison; the fields are those of `CaseSearch`."""

    hold: str = ""
    reviewers: int = 0
    says: str = ""
    receipt: str = ""
    least: float = 0.0
    size: int = 0
    expected: float = 0.0
    leads: tuple[CaseLead, ...] = ()


class Cases:
    """The cases of one installation."""

    def __init__(
        self,
        records: CaseRecords,
        waiting: WaitingPictures,
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
        self._pending = PendingPictures(waiting)
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
        self._records.add("authorisation", f"{case_id}.1", case_id, given.json())
        self._records.add("case", case_id, mandate_id, {**facts, "mandate": mandate_id, "arose_from": arose_from})
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

    def close(self, case_id: str, by: str, *, supervises: bool) -> Case:
        """Close a case for good, for the same people as `show`; pictures under review are erased."""
        case = self.show(case_id, by, supervises=supervises)
        self._check_open(case)
        self._record("closed", case_id, {}, {"by": by})
        self._records.add("closing", case_id, case_id, {"by": by})
        self.sweep()
        return self.file.case(case_id)

    def look(
        self,
        case_id: str,
        by: str,
        caller: Caller,
        picture: bytes,
        *,
        cropped: str = "",
        seen_in: VideoSight | None = None,
    ) -> PendingPicture:
        """Find the faces of a picture, for choosing one; the picture is kept, sealed, for 15 minutes."""
        self.usable(case_id, by)
        detected = self._guard.carry_out(caller, Detect(picture)).result
        return self._pending.keep((case_id, by), picture, detected.faces, cropped, seen_in)

    def crop(
        self,
        case_id: str,
        by: str,
        caller: Caller,
        picture_id: str,
        *,
        left: float,
        top: float,
        right: float,
        bottom: float,
    ) -> PendingPicture:
        """Look at a part of a picture from `look`. Its edges: ratios of the width and height, from the left and the
        top; `BadRequest` unless it lies in the picture.
        """
        self.usable(case_id, by)
        pending = self._pending.get(picture_id, (case_id, by))
        content = cropped(self._tools().engine.decoded(pending.content, STORED), left, top, right, bottom)
        says = f"{left:.0%} to {right:.0%} of the width, {top:.0%} to {bottom:.0%} of the height"
        if pending.cropped:
            says = f"{pending.cropped}, and of that {says}"
        seen = self.look(case_id, by, caller, content, cropped=says, seen_in=pending.seen_in)
        self._pending.forget(picture_id)
        return seen

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
        case = self.usable(case_id, by)
        pending, face = self._chosen(case_id, by, picture_id, place)
        ask = SearchByImage(gallery_id, pending.content, limit, similarity, QualityFilter.AUTO, place)
        tools, told = self._tools(), self._searched(caller, ask)
        facts = json.loads(self._mandates.show(case.mandate_id).terms.facts)
        provenance = str(facts.get("gallery", {}).get("provenance", "not stated"))
        made = self._made(case, ask, told, tools, pending, face, gallery_id=gallery_id, provenance=provenance)
        return self._kept(case, made, [(pending, place, "probe")])

    def compare(
        self, case_id: str, by: str, caller: Caller, *, pictures: Sequence[tuple[str, int]], similarity: float
    ) -> CaseSearch:
        """Compare faces of two pictures from `look`: ids, and places of the faces. The record is that of a search with
        one lead at most, the face of the second picture, and is withheld and exported as such.
        """
        case = self.usable(case_id, by)
        if len(pictures) != 2:
            raise BadRequest("two pictures are compared")
        (pending, face), (other, other_face) = (self._chosen(case_id, by, *each) for each in pictures)
        place, other_place = pictures[0][1], pictures[1][1]
        ask = Compare(pending.content, other.content, similarity, QualityFilter.AUTO, place, other_place)
        tools, told = self._tools(), self._compared(caller, ask)
        made = self._made(case, ask, told, tools, pending, face, kind=SearchKind.PICTURE, other=_quality(other_face))
        return self._kept(case, made, [(pending, place, "probe"), (other, other_place, "0")])

    def result(self, search_id: str, by: str, *, supervises: bool) -> CaseResult:
        """A search with what may be seen of it, for the same people as `show`; it is recorded that they looked."""
        search = self.file.search(search_id)
        self.show(search.case_id, by, supervises=supervises)
        result = self.file.seen_now(search)
        self._record("looked at", search.case_id, {"search": search_id, "state": result.state}, {"by": by})
        return result

    def to_bring(self, result: CaseResult, by: str) -> dict[int, str]:
        """The leads whose pictures `by` may bring for the review: place -> name; none to the case's opener."""
        search = result.search
        if self.file.case(search.case_id).opened_by == by or result.state is not SearchState.PICTURES:
            return {}
        return self.file.missing(search.search_id)

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
            if self._records.has("people", owner):
                views = self._records.get("people", owner)
                over = self.now() >= datetime.fromisoformat(views.value["until"])
                if over or self.file.case(views.parent).closed_at:
                    self._record("pictures erased", views.parent, {"video": owner}, {})
                    erased += self._records.erase_pictures(owner)
                continue
            if not self._records.has("search", owner):
                continue  # a known pair, or a search being recorded
            search = self.file.search(owner)
            case = self.file.case(search.case_id)
            refused = bool(search.hold) and self._custodian.show(search.hold).state(self.now()) is HoldState.SHREDDED
            if case.closed_at or refused or self.file.conclusions(search):
                self._record("pictures erased", case.case_id, {"search": owner}, {})
                erased += self._records.erase_pictures(owner)
        return erased

    def _chosen(self, case_id: str, by: str, picture_id: str, place: int) -> tuple[PendingPicture, DetectedFace]:
        pending = self._pending.get(picture_id, (case_id, by))
        if not 0 <= place < len(pending.faces):
            raise BadRequest(f"choose a face from 1 to {len(pending.faces)}")
        return pending, pending.faces[place]

    def _kept(self, case: Case, made: CaseSearch, pictures: Sequence[tuple[PendingPicture, int, str]]) -> CaseSearch:
        """Record a search, or return the record of the same one from before. pictures: each with the place of its face
        and what it is to reviewers.
        """
        for row in self._records.of("search", case.case_id):
            earlier = CaseSearch.of(row.record_id, case.case_id, row.at, row.value)
            if made.reviewers and (earlier.hold == made.hold if made.hold else earlier.request == made.request):
                self._forget(pictures)
                return earlier
        if made.hold and self.file.holds(made.hold):
            raise Conflict("this very search was made in another case, and its leads are judged there")
        public: dict[str, JSON] = {"search": made.search_id, "outcome": made.outcome, "reviewers": made.reviewers}
        change = "searched" if made.kind is SearchKind.GALLERY else "compared"
        self._record(change, case.case_id, public, {"by": made.asked_by, "gallery": made.gallery_id})
        for pending, place, part in pictures if made.reviewers else ():
            pixels = self._tools().engine.decoded(pending.content, STORED)
            others = [each.box for n, each in enumerate(pending.faces) if n != place]
            self._records.keep_picture(made.search_id, part, portrait(pixels, pending.faces[place].box, others))
        if made.hold:
            self._records.add("hold", made.hold, made.search_id, {})
        self._records.add("search", made.search_id, case.case_id, made.json())
        self._forget(pictures)
        return made

    def _forget(self, pictures: Sequence[tuple[PendingPicture, int, str]]) -> None:
        for pending, _place, _part in pictures:
            self._pending.forget(pending.picture_id)

    def _searched(self, caller: Caller, ask: SearchByImage) -> _SearchOutcome:
        """What the guard lets through of a search."""
        try:
            answer = self._guard.carry_out(caller, ask)
        except NoFace as error:
            return _SearchOutcome(says=str(error), receipt=error.receipt or "", least=ask.similarity)
        except Held as error:
            told = self._held(error)
            result = self._ledger.entry(Receipt.parse(told.receipt).index).fields
            size, expected = int(str(result["gallery_size"])), float(str(result["expected_false_matches"]))
            leads = self._held_leads(told.hold)
            return replace(told, leads=leads, size=size, expected=expected, reviewers=told.reviewers if leads else 0)
        found = answer.result
        leads = tuple(
            CaseLead(c.face.face_id, c.face.external_id or c.face.face_id, c.similarity, c.fmr)
            for c in found.candidates
        )
        return _SearchOutcome(
            receipt=answer.receipt,
            reviewers=self._demanded(answer.reviewers) if leads else 0,  # verified in another way, not blind
            least=float(answer.headers.get("x-countenance-threshold", ask.similarity)),
            size=found.gallery_size,
            expected=found.expected_false_matches,
            leads=leads,
        )

    def _compared(self, caller: Caller, ask: Compare) -> _SearchOutcome:
        """What the guard lets through of a comparison."""
        try:
            answer = self._guard.carry_out(caller, ask)
        except NoFace as error:
            return _SearchOutcome(says=str(error), receipt=error.receipt or "", least=ask.similarity)
        except Held as error:
            told = self._held(error)
            contents = self._custodian.contents(told.hold)
            assert isinstance(contents, dict)
            similarities = contents["similarities"]
            assert isinstance(similarities, list)
            return self._one_lead(told, [float(str(each)) for each in similarities])
        told = _SearchOutcome(receipt=answer.receipt, reviewers=self._demanded(answer.reviewers), least=ask.similarity)
        return self._one_lead(told, [similarity for _, similarity in answer.result.matches])

    def _one_lead(self, told: _SearchOutcome, similarities: Sequence[float]) -> _SearchOutcome:
        calibration = self._tools().calibration
        leads = tuple(
            CaseLead(SECOND_PICTURE, SECOND_PICTURE, each, calibration.fmr(calibration.score(each)))
            for each in similarities
        )
        expected = calibration.fmr(calibration.score(told.least))
        return replace(told, leads=leads, size=1, expected=expected, reviewers=told.reviewers if leads else 0)

    def _held(self, error: Held) -> _SearchOutcome:
        """A result that is in custody: not yet its leads."""
        if not error.hold_id:
            raise error
        receipt = error.receipt or ""
        result = self._ledger.entry(Receipt.parse(receipt).index).fields
        decision = self._ledger.entry(int(str(result["decision"]))).fields
        reviewers = self._demanded(self._custodian.show(error.hold_id).reviewers)
        return _SearchOutcome(error.hold_id, reviewers, receipt=receipt, least=float(str(decision["min_similarity"])))

    def _made(
        self,
        case: Case,
        ask: SearchByImage | Compare,
        told: _SearchOutcome,
        tools: Tools,
        pending: PendingPicture,
        face: DetectedFace,
        *,
        kind: SearchKind = SearchKind.GALLERY,
        gallery_id: str = "",
        provenance: str = "",
        other: ProbeQuality | None = None,
    ) -> CaseSearch:
        now = self.now()
        outcome = SearchOutcome.LEADS if told.leads else SearchOutcome.NOBODY
        return CaseSearch(
            search_id=f"search-{secrets.token_hex(6)}",
            case_id=case.case_id,
            asked_by=case.opened_by,
            asked_at=now,
            gallery_id=gallery_id,
            provenance=provenance,
            outcome=SearchOutcome.UNFIT if told.says else outcome,
            says=told.says,
            hold=told.hold,
            reviewers=told.reviewers,
            least=told.least,
            size=told.size,
            expected=told.expected,
            version=tools.engine.version,
            evidence=evidence_summary(tools.evidence, tools.engine.model, tools.calibration.identity, now),
            worst=_worst(worst_group(tools.evidence, tools.calibration, now)),
            receipt=told.receipt,
            quality=_quality(face),
            leads=told.leads,
            kind=kind,
            cropped=pending.cropped,
            seen_in=pending.seen_in,
            other=other,
            request=digest([ask.name, dict(ask.private()), ask.similarity]),
        )

    def _demanded(self, reviewers: int) -> int:
        return max(LEAST_REVIEWERS, reviewers) if reviewers else 0

    def _held_leads(self, hold_id: str) -> tuple[CaseLead, ...]:
        contents = self._custodian.contents(hold_id)
        assert isinstance(contents, dict)
        rows = contents["candidates"]
        assert isinstance(rows, list)
        calibration = self._tools().calibration
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

    def usable(self, case_id: str, by: str) -> Case:
        """A case of one's own that is neither closed nor frozen: `NotFound`, `Conflict`."""
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


def limits_of(face: DetectedFace) -> tuple[str, ...]:
    """Why a search for this face is wrong more often than measured, in words of `PROBE_LIMITS`; empty if it is not."""
    return tuple(PROBE_LIMITS.get(each, each) for each in reasons_against(face, QualityFilter.HIGH))


def _quality(face: DetectedFace) -> ProbeQuality:
    measured = face.quality
    return ProbeQuality(measured.size_px, measured.sharpness, measured.brightness, face.pose.yaw, limits_of(face))


def _worst(worst: WorstGroup | None) -> str:
    if worst is None:
        return ""
    return (
        f"At a similarity of {worst.similarity:g}, the group served worst ({worst.factor}: {worst.group}, "
        f"{worst.people:,} people) had a false match rate of {two_digits(worst.fmr)}, at most {two_digits(worst.high)}"
    )
