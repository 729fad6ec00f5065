"""What people do about results in custody, and the end of terms; each change is in the ledger before it is in force."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from countenance.administration.journal import Journal
from countenance.custody import AuthorisationOutcome, Custody, Hold, HoldState
from countenance.errors import BadRequest, Conflict, NotFound
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import MandateState, Register
from countenance.signing import JSON

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class CustodyReport:
    """Counts over the ledger entries of a period; anybody with the entries can recompute them.

    decisions: by operation and verdict. refusals_by_clause: refusals that each clause caused. counters: those that
    laws demand for their reports, by name.
    """

    first: date
    last: date
    decisions: dict[str, dict[str, int]]
    refusals_by_clause: dict[str, int]
    counters: dict[str, int]


class Custodian:
    """The custody of one installation; every change is recorded first."""

    def __init__(
        self,
        custody: Custody,
        register: Register,
        gallery: Gallery | None,
        ledger: Ledger,
        now: Callable[[], datetime],
        blind: Callable[[str], bool] = lambda _hold_id: False,
    ) -> None:
        """gallery: None on a server that enrols nobody, where nothing has to be erased.

        blind: whether a hold is under blind review in a case; then it is neither shown nor verified as a whole.
        """
        self._custody = custody
        self._register = register
        self._gallery = gallery
        self._ledger = ledger
        self._journal = Journal(ledger, "custody")
        self._now = now
        self._blind = blind
        self.now = now
        self.overdue = custody.overdue
        self.show = custody.show
        self.holds = custody.holds
        self.contents = custody.contents

    def contents_for(self, hold_id: str, reviewer: str) -> JSON:
        """The content of a held result, for a reviewer, never for its requester; the ledger has who saw it."""
        hold = self._reviewable(hold_id, reviewer)
        contents = self._custody.contents(hold_id)
        self._record("shown", hold, {}, {"reviewer": reviewer})
        return contents

    def review(self, hold_id: str, reviewer: str, *, agrees: bool) -> Hold:
        """Enter a reviewer's verdict on a result: once per person, and never its requester's."""
        return self._review(self._reviewable(hold_id, reviewer), reviewer, agrees=agrees)

    def settle(self, hold_id: str, reviewers: Sequence[str], *, upheld: bool) -> Hold:
        """Enter the outcome of a blind review: each reviewer verified the whole result, or it does not stand. A result
        that stands only in part is not released; its case shows that part.
        """
        hold = self._custody.show(hold_id)
        for reviewer in reviewers if upheld else reviewers[:1]:
            hold = self._review(hold, reviewer, agrees=upheld)
        return hold

    def _review(self, hold: Hold, reviewer: str, *, agrees: bool) -> Hold:
        hold_id = hold.hold_id
        if reviewer in (*hold.agreed, *hold.disagreed):
            raise Conflict(f"this reviewer has spoken on {hold_id} already")
        if (state := hold.state(self._now())) in (HoldState.SHREDDED, HoldState.FROZEN):
            raise Conflict(f"{hold_id} is {state} and takes no reviews")
        self._record("reviewed", hold, {"agrees": agrees}, {"reviewer": reviewer})
        return self._custody.review(hold_id, reviewer, agrees=agrees)

    def authorise(self, hold_id: str, by: str, outcome: AuthorisationOutcome) -> Hold:
        """Enter the outcome of the authorisation. Requested or granted: unfreezes a frozen use. Refused: the result and
        its openings are destroyed, and the mandate ends.
        """
        if outcome is AuthorisationOutcome.REFUSED:
            return self._refuse(hold_id, by)
        granted = outcome is AuthorisationOutcome.GRANTED
        hold = self._custody.show(hold_id)
        if hold.refused_at is not None:
            raise Conflict(f"authorisation for {hold_id} was refused, and it is shredded")
        self._record("authorised" if granted else "authorisation requested", hold, {}, {"by": by})
        return self._custody.authorisation(hold_id, granted=granted)

    def _refuse(self, hold_id: str, by: str) -> Hold:
        hold = self._custody.show(hold_id)
        self._record("authorisation refused", hold, {}, {"by": by})
        shredded = self._custody.shred(hold_id)
        for index in self._entries_of(hold):
            self._ledger.erase_openings(index)
        mandate = self._register.show(hold.mandate_id)
        if mandate.state(self._now()) in (MandateState.ACTIVE, MandateState.EXPIRED):
            self._register.end(hold.mandate_id, f"authorisation for {hold_id} was refused")
        self._record("shredded", hold, {"mandate": hold.mandate_id}, {})
        return shredded

    def sweep(self) -> int:
        """Erase every face whose term has ended; returns how many. One call erases all of them."""
        erased = 0
        if self._gallery is None:
            return erased
        for term in self._custody.terms():
            before = self._now() - timedelta(days=term.days)
            while face_ids := self._gallery.enrolled_before(term.gallery_id, before, _AT_ONCE):
                entry: dict[str, JSON] = {"kind": "retention", "clause": term.clause, "faces": len(face_ids)}
                self._ledger.append(entry, {"gallery": term.gallery_id, "faces": list(face_ids)}).wait()
                try:
                    erased += len(self._gallery.erase(term.gallery_id, face_ids).deleted)
                except NotFound:  # the gallery was deleted meanwhile, and its faces with it
                    break
        return erased

    def report(self, first: date, last: date) -> CustodyReport:
        """Count the decisions of the days `first` to `last` (UTC, both included) from the ledger's entries."""
        if last < first:
            raise BadRequest("the last day is not before the first")
        decisions: dict[str, Counter[str]] = {}
        clauses: Counter[str] = Counter()
        counters: Counter[str] = Counter()
        for entry in self._ledger.entries():
            day = datetime.fromisoformat(str(entry.fields["time"])).date()
            if entry.kind != "decision" or not first <= day <= last:
                continue
            verdict = str(entry.fields["verdict"])
            decisions.setdefault(str(entry.fields["operation"]), Counter())[verdict] += 1
            if verdict != "permit":
                clauses.update(_texts(entry.fields["clauses"]))
                continue
            obligations = _texts(entry.fields["obligations"])
            counters.update(each.removeprefix("count ") for each in obligations if each.startswith("count "))
        return CustodyReport(first, last, {k: dict(v) for k, v in decisions.items()}, dict(clauses), dict(counters))

    def _reviewable(self, hold_id: str, reviewer: str) -> Hold:
        hold = self._custody.show(hold_id)
        mandate = self._register.show(hold.mandate_id)
        if reviewer in (mandate.holder.name, mandate.requested_by):
            raise Conflict("a result is reviewed by somebody else than who asked for it")
        if self._blind(hold_id):
            raise Conflict(f"{hold_id} belongs to a case and is judged blind there, lead by lead")
        return hold

    def _entries_of(self, hold: Hold) -> list[int]:
        """The ledger indices of the decision and, if there is one, of its result."""
        results = (
            entry.sequence
            for entry in self._ledger.entries(hold.decision + 1)
            if entry.kind == "result" and entry.fields.get("decision") == hold.decision
        )
        return [hold.decision, *itertools.islice(results, 1)]

    def _record(self, change: str, hold: Hold, public: dict[str, JSON], private: dict[str, JSON]) -> None:
        self._journal.record(change, {"hold": hold.hold_id, "of": hold.decision, **public}, private)


def _texts(value: JSON) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
