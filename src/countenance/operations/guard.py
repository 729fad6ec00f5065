"""The gate: no operation runs but through here.

Who calls -> which mandate -> what do the rules say -> the decision is entered -> look -> the entry is durable -> act
-> the result is entered -> that entry is durable -> the answer leaves, with a receipt. Where the ledger cannot be
written, nothing is answered. A denied operation leaves one entry and no other trace.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from countenance.errors import CountenanceError, Denied, NotRecorded, Unauthenticated
from countenance.ledger import Ledger, Receipt
from countenance.mandates import Mandate, Register
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.vocabulary import describe
from countenance.policy import Decision, Rules
from countenance.signing import JSON

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
        self, tools: Tools, rules: Rules, ledger: Ledger, register: Register, now: Callable[[], datetime]
    ) -> None:
        self._tools = tools
        self._rules = rules
        self._ledger = ledger
        self._register = register
        self._now = now

    def carry_out(self, caller: Caller, ask: Operation[Seen, Result]) -> Answer[Result]:
        """Decide, record, run, record, answer. `Denied` where the rules do not permit it."""
        now = self._now()
        mandate = self._register.mandate_of(caller.access_key)
        if mandate is None:
            raise Unauthenticated("there is no such access key")
        decision = self._rules.decide(describe(mandate, ask, self._tools, now), now)
        decided = self._ledger.append(self._decision_entry(mandate, ask, decision), ask.private())
        if not decision.permitted:
            denied = Denied(decision.sentence(), decision)
            denied.receipt = decided.wait().header()
            raise denied
        try:
            seen = ask.look(self._tools)
            decided.wait()
            result = ask.act(self._tools, Permit(mandate), seen)
        except NotRecorded:
            raise
        except Exception as error:
            receipt = self._record(decided.wait(), type(error).__name__, {}, {})
            if isinstance(error, CountenanceError):
                error.receipt = receipt.header()
            raise
        receipt = self._record(decided.wait(), "done", ask.outcome(result), ask.found(result))
        return Answer(result, receipt.header(), ask.notes(result))

    def _decision_entry(self, mandate: Mandate, ask: Operation[Seen, Result], decision: Decision) -> dict[str, JSON]:
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
            "verdict": decision.verdict,
            "law_date": decision.law_date.isoformat(),
            "clauses": list(decision.clauses),
            "packs": {pack.name: pack.hash for pack in decision.packs},
        }

    def _record(self, decided: Receipt, outcome: str, counts: Mapping[str, JSON], found: Mapping[str, JSON]) -> Receipt:
        entry: dict[str, JSON] = {"kind": "result", "decision": decided.index, "outcome": outcome, **counts}
        return self._ledger.append(entry, found).wait()
