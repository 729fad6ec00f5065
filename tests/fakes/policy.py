"""Requests to decide about: described shortly, or drawn at random near the edges of the rules."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from countenance.errors import BadRequest
from countenance.policy import Action, Grant, Party, Power, Request, Tier
from countenance.policy.authoring.changed_facts import DERIVED, with_fact
from countenance.policy.facts import FACTS, CedarValue, Fact, Moment, seconds
from countenance.policy.packs.pack import Pack, read_pack, shipped

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACES = [
    "FR",
    "GB",
    "US",
    "US-WA",
    "US-CO",
    "US-MD",
    "US-VA",
    "US-IL",
    "US-TX",
    "US-OR-PORTLAND",
    "US-CA-SAN_FRANCISCO",
    "US-MI-DETROIT",
    "US-NV",
]
SPANS = [0, 1, -1, 60, -60, 86400, 86399, 86401, -86400, -86399, -86401, -86340, -172800, -172801, -176400, 10**7]
NUMBERS = [0, 1, 2, 47, 48, 365, 366, 1095, 1096, 10000, 10001, 979000, 980000, 10**6, 10**6 + 1]


def grant(now: datetime = NOW) -> Grant:
    """A mandate in order."""
    return Grant(
        id="m-1",
        active=True,
        starts_at=now - timedelta(days=1),
        expires_at=now + timedelta(days=30),
        operation_granted=True,
        gallery_granted=True,
    )


def asked(operation: Action = Action.IDENTIFY, **facts: object) -> Request:
    """A request by a shop with a mandate in order, and `facts` stated over it."""
    plain = Request(operation=operation, actor=Party(class_name="shop"), mandate=grant())
    return replace(plain, **facts)  # type: ignore[arg-type]


class Drawer:
    """Draws requests: the cases of packs, with some facts said otherwise or not at all."""

    def __init__(self, seed: int, packs: tuple[str, ...] | None = None) -> None:
        self._draw = random.Random(seed)
        self.packs: tuple[Pack, ...] = tuple(read_pack(name) for name in packs or shipped())
        self._cases = [case for pack in self.packs for case in pack.cases]
        self._facts = [fact for fact in FACTS if fact.path not in DERIVED]

    def next(self) -> tuple[Request, Moment]:
        """A request and the moment at which it is asked."""
        case = self._draw.choice(self._cases)
        request, moment = case.request, case.moment
        for _ in range(self._draw.choice((0, 1, 1, 2, 3, 5, 8))):
            fact = self._draw.choice(self._facts)
            request = self.changed(request, fact, moment)
        if self._draw.random() < 0.2:
            request = replace(request, operation=self._draw.choice(list(Action)))
        if self._draw.random() < 0.1:
            party = Party(
                class_name="agency",
                powers=frozenset(self._draw.sample(list(Power), 2)),
                tier=self._draw.choice(list(Tier)),
                jurisdictions=frozenset({self._draw.choice(PLACES)}),
            )
            request = replace(request, on_behalf_of=party)
        return request, moment

    def changed(self, request: Request, fact: Fact, moment: Moment) -> Request:
        """`request` with `fact` drawn anew; as it was where the vocabulary does not allow that."""
        try:
            return with_fact(request, fact.path, self.value(fact, moment))
        except (ValueError, BadRequest):
            return request

    def value(self, fact: Fact, moment: Moment) -> CedarValue | None:
        """Something that `fact` may say; sometimes nothing."""
        if fact.optional and self._draw.random() < 0.3:
            return None
        if fact.cedar == "Bool":
            return self._draw.random() < 0.5
        if fact.cedar == "Long" and (fact.name.endswith("_at") or fact.name == "trained_until"):
            return seconds(moment.now) + self._draw.choice(SPANS)
        if fact.cedar == "Long":
            return self._draw.choice(NUMBERS)
        words = list(fact.choices) or (
            PLACES if fact.name in ("jurisdictions", "touched") else ["gender", "race", "m", "c"]
        )
        if fact.cedar == "String":
            return self._draw.choice(words)
        return sorted(self._draw.sample(words, self._draw.choice((0, 1, 1, 2))))
