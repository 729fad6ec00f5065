"""What people do about results in custody, and what time does; each in the ledger before it is in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from countenance.custody import Custody, Hold, HoldState
from countenance.errors import Conflict, NotFound
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import MandateState, Register
from countenance.signing import JSON

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class CustodyReport:
    """What a period's ledger entries add up to; anybody with the entries can recompute it.

    decisions: by operation and verdict. clauses: how often each refused. counters: by the reports that laws want.
    """

    first: date
    last: date
    decisions: dict[str, dict[str, int]]
    refusals_by_clause: dict[str, int]
    counters: dict[str, int]


class Custodian:
    """The custody, with the ledger in front of every change."""

    def __init__(
        self, custody: Custody, register: Register, gallery: Gallery, ledger: Ledger, now: Callable[[], datetime]
    ) -> None:
        self._custody = custody
        self._register = register
        self._gallery = gallery
        self._ledger = ledger
        self._now = now
        self.now = now
        self.show = custody.show
        self.holds = custody.holds
        self.contents = custody.contents

    def shown_to(self, hold_id: str, reviewer: str) -> JSON:
        """What a held result says, for who reviews it; that it was shown is an entry. Never for who asked for it."""
        hold = self._reviewable(hold_id, reviewer)
        said = self._custody.contents(hold_id)
        self._record("shown", hold, {}, {"reviewer": reviewer})
        return said

    def review(self, hold_id: str, reviewer: str, *, agrees: bool) -> Hold:
        """Enter what somebody who looked at a result says; never who asked for it, and each person once."""
        hold = self._reviewable(hold_id, reviewer)
        if reviewer in (*hold.agreed, *hold.disagreed):
            raise Conflict(f"this reviewer has spoken on {hold_id} already")
        if (state := hold.state(self._now())) in (HoldState.SHREDDED, HoldState.FROZEN):
            raise Conflict(f"{hold_id} is {state} and takes no reviews")
        self._record("reviewed", hold, {"agrees": agrees}, {"reviewer": reviewer})
        return self._custody.review(hold_id, reviewer, agrees=agrees)

    def authorise(self, hold_id: str, by: str, *, granted: bool) -> Hold:
        """Enter that authorisation was asked for, or granted; a frozen use goes on."""
        hold = self._custody.show(hold_id)
        if hold.refused_at is not None:
            raise Conflict(f"authorisation for {hold_id} was refused, and it is shredded")
        self._record("authorised" if granted else "authorisation requested", hold, {}, {"by": by})
        return self._custody.authorisation(hold_id, granted=granted)

    def refuse(self, hold_id: str, by: str) -> Hold:
        """Enter that authorisation was refused: the result and its openings are destroyed, and the mandate ends."""
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
        """Erase every face whose term has ended; how many there were. A face that should be gone is so within a run."""
        erased = 0
        for term in self._custody.terms():
            before = self._now() - timedelta(days=term.days)
            while face_ids := self._gallery.enrolled_before(term.gallery_id, before, _AT_ONCE):
                entry: dict[str, JSON] = {"kind": "retention", "clause": term.clause, "faces": len(face_ids)}
                self._ledger.append(entry, {"gallery": term.gallery_id, "faces": list(face_ids)}).wait()
                try:
                    gone = self._gallery.erase(term.gallery_id, face_ids).deleted
                    self._ledger.erase_openings_about(gone)
                    erased += len(gone)
                except NotFound:  # the gallery was deleted meanwhile, and its faces with it
                    break
        return erased

    def report(self, first: date, last: date) -> CustodyReport:
        """Count the decisions of the days `first` to `last` (UTC, both included) from the ledger's entries."""
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
            said = _texts(entry.fields["obligations"])
            counters.update(each.removeprefix("count ") for each in said if each.startswith("count "))
        return CustodyReport(first, last, {k: dict(v) for k, v in decisions.items()}, dict(clauses), dict(counters))

    def _reviewable(self, hold_id: str, reviewer: str) -> Hold:
        hold = self._custody.show(hold_id)
        mandate = self._register.show(hold.mandate_id)
        if reviewer in (mandate.holder.name, mandate.requested_by):
            raise Conflict("a result is reviewed by somebody else than who asked for it")
        return hold

    def _entries_of(self, hold: Hold) -> list[int]:
        results = (
            entry.sequence
            for entry in self._ledger.entries(hold.decision + 1)
            if entry.kind == "result" and entry.fields.get("decision") == hold.decision
        )
        return [hold.decision, *([found] if (found := next(results, None)) is not None else [])]

    def _record(self, change: str, hold: Hold, public: dict[str, JSON], private: dict[str, JSON]) -> None:
        entry: dict[str, JSON] = {"kind": "custody", "change": change, "hold": hold.hold_id, "of": hold.decision}
        self._ledger.append({**entry, **public}, private).wait()


def _texts(value: JSON) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
