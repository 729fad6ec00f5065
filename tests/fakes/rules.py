"""Rules that always say the same, of everything or with more for what compares faces."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from countenance.policy import Action, Decision, Request, Verdict
from countenance.policy.clauses import Effect, Status
from countenance.policy.decision import Ground, PackIdentity
from countenance.policy.obligations import Obligation

PACK = PackIdentity("test", "1", "0" * 64, "Test rules")


class FixedRules:
    """Answers every request with one verdict, and remembers the requests."""

    def __init__(self, verdict: Verdict, *obligations: Obligation) -> None:
        self._verdict = verdict
        self.obligations = obligations
        self.asked: list[Request] = []
        self.told: dict[str, object] = {}

    def decide(self, request: Request, now: datetime, **more: object) -> Decision:
        self.asked.append(request)
        self.told = more
        effect = Effect.PERMIT if self._verdict is Verdict.PERMIT else Effect.FORBID
        ground = Ground("test-1", PACK, effect, "Nothing is allowed.", "nowhere", Status.IN_FORCE, "Other rules.")
        return Decision(self._verdict, (ground,), (), (), self.obligations, "nobody", (PACK,), date(2026, 1, 1))


class SearchRules(FixedRules):
    """What they oblige to holds for what compares faces only."""

    def decide(self, request: Request, now: datetime, **more: object) -> Decision:
        decision = super().decide(request, now, **more)
        compares = request.operation in (Action.IDENTIFY, Action.VERIFY)
        return decision if compares else replace(decision, obligations=())
