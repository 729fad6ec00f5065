"""The guard: the only way to run an operation.

Access key -> mandate -> decision of the rules -> decision entry -> look -> that entry is on disk -> act -> result entry
-> that entry is on disk -> the answer leaves, with a receipt. If the ledger cannot be written, nothing is answered.
A denied operation leaves one entry and no other trace.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Generic, TypeVar

from countenance.budgets import Left
from countenance.custody import Custody, HoldState
from countenance.errors import (
    BudgetSpent,
    CountenanceError,
    Denied,
    Held,
    NotAsRecorded,
    NotRecorded,
    Unauthenticated,
)
from countenance.ledger import Ledger, Receipt
from countenance.logs import TOLD
from countenance.mandates import Mandate, Register
from countenance.observing import NOBODY, Observer, observed, stage
from countenance.operations.charging import BudgetKeeper
from countenance.operations.duties import Duties
from countenance.operations.floor import THRESHOLD, carried
from countenance.operations.galleries import DeleteGallery
from countenance.operations.images import opened_by
from countenance.operations.moratoria import MoratoriaInForce
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.request import request_for
from countenance.policy import Action, Decision, Rules
from countenance.signing import JSON, digest

log = logging.getLogger(__name__)

Result = TypeVar("Result")
Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller who has proved possession of an access key."""

    access_key: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[Result]):
    """A result, its receipt from the ledger, and the headers of the answer.

    reviewed: whether people first had to verify the result or authorise the use, and the result was released.
    reviewers: how many had to verify it.
    """

    result: Result
    receipt: str
    headers: Mapping[str, str] = field(default_factory=dict)
    reviewed: bool = False
    reviewers: int = 0


class Guard:
    """Runs operations. Thread-safe; a call blocks until its answer may leave."""

    def __init__(
        self,
        tools: Tools,
        rules: Rules,
        ledger: Ledger,
        register: Register,
        custody: Custody,
        moratoria: MoratoriaInForce,
        now: Callable[[], datetime],
        budgets: BudgetKeeper,
        observer: Observer = NOBODY,
    ) -> None:
        self._tools = tools
        self._rules = rules
        self._ledger = ledger
        self._register = register
        self._custody = custody
        self._moratoria = moratoria
        self._now = now
        self._budgets = budgets
        self._observer = observer
        self._latest = now()
        self._clock = Lock()
        self._running = 0

    def carry_out(self, caller: Caller, operation: Operation[Seen, Result]) -> Answer[Result]:
        """Decide, record, run, record, answer. `Denied` if the rules do not permit it, `Held` until people act."""
        now, latest = self._begin()
        try:
            with observed(self._observer, operation.name):
                return self._carry_out(caller, operation, now, latest)
        finally:
            with self._clock:
                self._running -= 1

    def _carry_out(
        self, caller: Caller, operation: Operation[Seen, Result], now: datetime, latest: datetime
    ) -> Answer[Result]:
        try:
            mandate = self._register.mandate_of(caller.access_key)
        except NotAsRecorded as error:
            error.receipt = self._ledger.append({"kind": "alarm", "what": str(error)}).wait().header()
            raise
        if mandate is None:
            raise Unauthenticated("there is no such access key")
        self._tools.check_offered(operation)
        operation = operation.completed(mandate, self._tools)
        asked_similarity = operation.min_similarity
        operation = carried(operation, self._tools, now)
        request = request_for(mandate, operation, self._tools, now)
        decision = self._rules.decide(request, now, latest_seen=latest, moratoria=self._moratoria.in_force())
        duties = Duties.of(decision.obligations, operation.action)
        refusal = self._refusal(mandate, decision, duties)
        entry = self._decision_entry(mandate, operation, decision, duties)
        raised: dict[str, str] = {}
        if operation.min_similarity != asked_similarity:
            entry["asked_similarity"] = asked_similarity
            raised = {THRESHOLD: f"{operation.min_similarity:g}"}
        if refusal is not None:
            if decision.permitted:
                entry |= {"verdict": "deny", "refused_for": "overdue" if isinstance(refusal, Held) else "unenforceable"}
            refusal.receipt = self._ledger.append(entry, operation.private()).wait().header()
            self._refused(entry)
            raise refusal
        decided = self._ledger.append(entry, operation.private())
        if self._running == 1:  # otherwise the next entry of another call is written with it
            decided.hasten()
        left = None
        try:
            seen = operation.look(self._tools)
            with stage("ledger"):
                decided.wait()
            if duties.keep_at_most and operation.gallery and operation.action is Action.ENROL:
                self._custody.retain(operation.gallery, *duties.keep_at_most)
            charge = partial(self._budgets.charge, caller.access_key, mandate, operation.gallery, duties.keeps_probes)
            left = charge(operation.charge_before(self._tools, seen))
            days = duties.keep_at_most[0] if duties.keep_at_most else None
            result = operation.act(self._tools, Permit(mandate, caller.access_key, duties.holds, days, now), seen)
            left = charge(operation.charge_after(self._tools, seen, result)) or left
        except NotRecorded:
            raise
        except Exception as error:
            spent: dict[str, JSON] = {"budget": error.which} if isinstance(error, BudgetSpent) else {}
            if isinstance(error, BudgetSpent):
                self._observer.refused(mandate.mandate_id, [f"budget:{error.which}"])
            receipt = self._record(decided.wait(), type(error).__name__, spent | _charged(left), opened_by(operation))
            if isinstance(error, CountenanceError):
                error.receipt = receipt.header()
            raise
        private_result = {**operation.private_result(result), **opened_by(operation)}
        held = self._hold(mandate, operation, result, decided.wait(), duties)
        near = {"near_duplicates": left.alike} if left and left.alike else {}
        counts = {**operation.counts(result), **near, **_charged(left)}
        receipt = self._record(decided.wait(), "held" if held else "done", counts, private_result)
        if held:
            held.receipt = receipt.header()
            raise held
        if isinstance(operation, DeleteGallery):
            self._custody.release(operation.gallery_id)
            self._tools.gallery.scrub()
        rest = {"x-countenance-budget-left": left.header()} if left else {}
        headers = {**operation.headers(result), **raised, **duties.headers(), **rest}
        return Answer(result, receipt.header(), headers, reviewed=duties.holds, reviewers=duties.reviewers)

    def _begin(self) -> tuple[datetime, datetime]:
        """Begin a call: the time, and the latest time that this guard has seen (the ledger checks its own).

        Both are read under one lock. Otherwise a call that is overtaken by another would see a later time and
        conclude that the clock was put back.
        """
        with self._clock:
            now = self._now()
            self._latest = max(self._latest, now)
            self._running += 1
            return now, self._latest

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
        self, mandate: Mandate, operation: Operation[Seen, Result], result: Result, decided: Receipt, duties: Duties
    ) -> Held | None:
        """Take the result into custody if the duties demand it. Returns the error to raise while it is held."""
        if not (duties.holds and operation.goes_into_custody):
            return None
        now, contents = self._now(), dict(operation.private_result(result))
        hold = self._custody.hold(
            mandate_id=mandate.mandate_id,
            decision=decided.index,
            request_hash=digest([operation.name, dict(operation.private()), *opened_by(operation).values()]),
            result_hash=digest(contents),
            contents=contents,
            reviewers=duties.reviewers,
            authorise_by=duties.authorise_by(now),
            clauses=duties.clauses,
        )
        state = hold.state(now)
        if state is HoldState.RELEASED:
            return None
        held = Held(
            f"Held as {hold.hold_id}: {state}, {len(hold.agreed)} of {hold.reviewers} reviewers agree "
            f"(clause {', '.join(hold.clauses)}). Ask again when it is released."
        )
        held.hold_id = hold.hold_id
        return held

    def _decision_entry(
        self, mandate: Mandate, operation: Operation[Seen, Result], decision: Decision, duties: Duties
    ) -> dict[str, JSON]:
        return {
            "kind": "decision",
            "mandate": mandate.mandate_id,
            "powers": list(mandate.holder.powers),
            "purpose": mandate.terms.purpose,
            "operation": operation.name,
            "asks": operation.action,
            "min_similarity": operation.min_similarity,
            "model": self._tools.engine.model,
            "calibration": self._tools.calibration_id,
            "verdict": str(decision.verdict),
            "law_date": decision.law_date.isoformat(),
            "clauses": list(decision.clauses),
            "obligations": list(duties.texts),
            "packs": {pack.name: pack.hash for pack in decision.packs},
        }

    def _record(
        self, decided: Receipt, outcome: str, counts: Mapping[str, JSON], private: Mapping[str, JSON]
    ) -> Receipt:
        entry: dict[str, JSON] = {"kind": "result", "decision": decided.index, "outcome": outcome, **counts}
        charged = counts.get("charged")
        check = None if charged is None else partial(self._budgets.check_charge, str(charged))
        with stage("ledger"):
            try:
                return self._ledger.append(entry, private, check).wait()
            except NotAsRecorded as error:
                without: dict[str, JSON] = {"kind": "result", "decision": decided.index, "outcome": "NotAsRecorded"}
                error.receipt = self._ledger.append(without).wait().header()
                raise

    def _refused(self, entry: Mapping[str, JSON]) -> None:
        """Tell the operator: which mandate, what, by which clauses. No face, gallery, name or secret."""
        cause, clauses = entry.get("refused_for"), entry["clauses"]
        causes = [str(cause)] if cause else [str(clause) for clause in clauses] if isinstance(clauses, list) else []
        mandate, operation, verdict = entry["mandate"], entry["operation"], entry["verdict"]
        self._observer.refused(str(mandate), causes)
        notice = {"mandate": mandate, "operation": operation, "verdict": verdict, "causes": causes}
        says = "refused: %s asked for %s (%s): %s"
        log.warning(says, mandate, operation, verdict, ", ".join(causes), extra={TOLD: notice})


def _charged(left: Left | None) -> dict[str, JSON]:
    """What a result's entry says of the charge."""
    return {} if left is None else {"charged": left.charged}
