"""The gate: no operation runs but through here.

Who calls -> which mandate -> what do the rules say -> the decision is entered -> look -> the entry is durable -> act
-> the result is entered -> that entry is durable -> the answer leaves, with a receipt. Where the ledger cannot be
written, nothing is answered. A denied operation leaves one entry and no other trace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Generic, TypeVar

from countenance.administration.moratoria import Moratoria
from countenance.custody import Custody, HoldState
from countenance.errors import Conflict, CountenanceError, Denied, Held, NotRecorded, Unauthenticated
from countenance.ledger import Ledger, Receipt
from countenance.mandates import Mandate, Register
from countenance.operations.duties import Duties
from countenance.operations.images import opened_by
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.request import describe
from countenance.policy import Action, Decision, Rules
from countenance.signing import JSON, digest

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who proved to hold an access key."""

    access_key: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[Result]):
    """A result, the ledger's receipt for it, and what the answer says beside its body."""

    result: Result
    receipt: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Guard:
    """Runs operations, and nothing else does. Thread-safe; blocks until the answer may leave."""

    def __init__(
        self,
        tools: Tools,
        rules: Rules,
        ledger: Ledger,
        register: Register,
        custody: Custody,
        moratoria: Moratoria,
        now: Callable[[], datetime],
    ) -> None:
        self._tools = tools
        self._rules = rules
        self._ledger = ledger
        self._register = register
        self._custody = custody
        self._moratoria = moratoria
        self._now = now
        self._seen = now()
        self._clock = Lock()
        self._at_work = 0

    def carry_out(self, caller: Caller, ask: Operation[Seen, Result]) -> Answer[Result]:
        """Decide, record, run, record, answer. `Denied` where the rules do not permit it, `Held` where people must."""
        now, latest = self._moment()
        try:
            return self._carry_out(caller, ask, now, latest)
        finally:
            with self._clock:
                self._at_work -= 1

    def _carry_out(
        self, caller: Caller, ask: Operation[Seen, Result], now: datetime, latest: datetime
    ) -> Answer[Result]:
        mandate = self._register.mandate_of(caller.access_key)
        if mandate is None:
            raise Unauthenticated("there is no such access key")
        request = describe(mandate, ask, self._tools, now)
        decision = self._rules.decide(request, now, latest_seen=latest, moratoria=self._moratoria.standing())
        duties = Duties.of(decision.obligations, ask.asks)
        refusal = self._refusal(mandate, decision, duties)
        entry = self._decision_entry(mandate, ask, decision, duties)
        if refusal is not None:
            if decision.permitted:
                entry["verdict"] = "deny"
            refusal.receipt = self._ledger.append(entry, ask.private()).wait().header()
            raise refusal
        decided = self._ledger.append(entry, ask.private())
        if self._at_work == 1:  # else another call's entry takes it along, at less cost than a thread
            decided.hasten()
        try:
            seen = ask.look(self._tools)
            decided.wait()
            if duties.keep_at_most and ask.gallery and ask.asks is Action.ENROL:
                self._custody.retain(ask.gallery, *duties.keep_at_most)
            result = ask.act(self._tools, Permit(mandate), seen)
        except NotRecorded:
            raise
        except Exception as error:
            receipt = self._record(decided.wait(), type(error).__name__, {}, opened_by(ask))
            if isinstance(error, CountenanceError):
                error.receipt = receipt.header()
            raise
        found = {**ask.found(result), **opened_by(ask)}
        held = self._hold(mandate, ask, result, decided.wait(), duties)
        receipt = self._record(decided.wait(), "held" if held else "done", ask.outcome(result), found)
        if held:
            held.receipt = receipt.header()
            raise held
        face_ids, gallery_id = ask.erased(result)
        if face_ids or gallery_id is not None:
            try:
                self._ledger.erase_openings_about(face_ids, gallery_id=gallery_id)
            except Conflict as error:  # somebody reads an older state; the next erasure overwrites it
                log.warning("openings: %s", error)
        return Answer(result, receipt.header(), {**ask.notes(result), **duties.headers()})

    def _moment(self) -> tuple[datetime, datetime]:
        """A call begins: the time, and the latest that this guard has seen; what was before, the ledger's check knows.

        Read together: a call that is overtaken by another must not take the other's later time for a clock put back.
        """
        with self._clock:
            now = self._now()
            self._seen = max(self._seen, now)
            self._at_work += 1
            return now, self._seen

    def _refusal(self, mandate: Mandate, decision: Decision, duties: Duties) -> Denied | None:
        if not decision.permitted:
            return Denied(decision.sentence(), decision)
        overdue = self._custody.overdue(mandate.mandate_id)
        if overdue:
            return Held(
                f"Frozen: authorisation for {overdue[0].hold_id} had to be asked for by {overdue[0].authorise_by} "
                f"(clause {', '.join(overdue[0].clauses)}). Until it is, this mandate can do nothing."
            )
        if duties.unenforceable:
            return Denied(f"Denied: nothing here can enforce {', '.join(duties.unenforceable)} for this operation.")
        return None

    def _hold(
        self, mandate: Mandate, ask: Operation[Seen, Result], result: Result, decided: Receipt, duties: Duties
    ) -> Held | None:
        """Take the result into custody, where the duties want that; the error to raise while it may not leave."""
        if not duties.holds:
            return None
        now, says = self._now(), dict(ask.found(result))
        hold = self._custody.hold(
            mandate_id=mandate.mandate_id,
            decision=decided.index,
            ask=digest([ask.name, dict(ask.private()), *opened_by(ask).values()]),
            found=digest(says),
            says=says,
            reviewers=duties.reviewers,
            authorise_by=duties.authorise_by(now),
            clauses=duties.clauses,
        )
        state = hold.state(now)
        if state is HoldState.RELEASED:
            return None
        return Held(
            f"Held as {hold.hold_id}: {state}, {len(hold.agreed)} of {hold.reviewers} reviewers agree "
            f"(clause {', '.join(hold.clauses)}). Ask again when it is released."
        )

    def _decision_entry(
        self, mandate: Mandate, ask: Operation[Seen, Result], decision: Decision, duties: Duties
    ) -> dict[str, JSON]:
        return {
            "kind": "decision",
            "mandate": mandate.mandate_id,
            "powers": list(mandate.holder.powers),
            "purpose": mandate.terms.purpose,
            "operation": ask.name,
            "asks": ask.asks,
            "min_similarity": ask.min_similarity,
            "model": self._tools.engine.model,
            "calibration": self._tools.calibration.identity,
            "verdict": str(decision.verdict),
            "law_date": decision.law_date.isoformat(),
            "clauses": list(decision.clauses),
            "obligations": list(duties.said),
            "packs": {pack.name: pack.hash for pack in decision.packs},
        }

    def _record(self, decided: Receipt, outcome: str, counts: Mapping[str, JSON], found: Mapping[str, JSON]) -> Receipt:
        entry: dict[str, JSON] = {"kind": "result", "decision": decided.index, "outcome": outcome, **counts}
        return self._ledger.append(entry, found).wait()
