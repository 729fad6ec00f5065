"""What the rules in force would say about a described request; nothing is done and nothing is entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from countenance.administration.moratoria import Moratoria
from countenance.errors import BadRequest
from countenance.policy import Decision, PackIdentity, Rules
from countenance.policy.description import request_of


class Explainer:
    """Action the rules and moratoria that the guard asks. now: the clock, UTC."""

    def __init__(self, rules: Rules, moratoria: Moratoria, now: Callable[[], datetime]) -> None:
        self._rules = rules
        self._moratoria = moratoria
        self._now = now

    @property
    def packs(self) -> tuple[PackIdentity, ...]:
        """The texts that are asked."""
        return tuple(pack.identity for pack in self._rules.packs)

    def explain(
        self, described: Mapping[str, object], *, now: datetime | None = None, as_of: date | None = None
    ) -> Decision:
        """Decide a request that is described in the words of `countenance policy words`.

        now: when it is asked. as_of: the day whose law applies. A fact that does not exist, or a value that fits none:
        `BadRequest`.
        """
        when = now or self._now()
        try:
            request = request_of(described, when)
            return self._rules.decide(request, when, moratoria=self._moratoria.standing(), as_of=as_of)
        except (ArithmeticError, ValueError) as error:
            raise BadRequest("a number or time in the request is beyond all bounds") from error
