"""What the rules in force would decide about a described request; nothing is done and nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cached_property

from countenance.errors import BadRequest
from countenance.operations import MoratoriaInForce
from countenance.policy import Decision, PackIdentity, Rules
from countenance.policy.description import request_of
from countenance.policy.fine_print.html import page, script
from countenance.policy.fine_print.matrix import Matrix, matrix
from countenance.policy.packs.pack import fine_print

FINE_PRINT_SCRIPT = script()


class Explainer:
    """Applies the rules and moratoria that the guard applies. now: the clock, UTC."""

    def __init__(self, rules: Rules, moratoria: MoratoriaInForce, now: Callable[[], datetime]) -> None:
        self._rules = rules
        self._moratoria = moratoria
        self._now = now

    @property
    def packs(self) -> tuple[PackIdentity, ...]:
        """The rule packs in force."""
        return tuple(pack.identity for pack in self._rules.packs)

    @cached_property
    def _matrix(self) -> Matrix:
        return matrix(fine_print("matrix"), self._rules.packs)

    def fine_print(self, script_at: str) -> str:
        """The fine print of the packs in force, as an HTML page: what each text alone stops, by actor and use.

        script_at: the address of the page's script, `FINE_PRINT_SCRIPT`.
        """
        return page(self._matrix, script_at)

    def explain(
        self, described: Mapping[str, object], *, now: datetime | None = None, as_of: date | None = None
    ) -> Decision:
        """Decide a request that is described in the vocabulary of `countenance policy words`.

        now: the time of the request. as_of: the day whose law applies. `BadRequest` for an unknown fact or value.
        """
        when = now or self._now()
        try:
            request = request_of(described, when)
            return self._rules.decide(request, when, moratoria=self._moratoria.in_force(), as_of=as_of)
        except (ArithmeticError, ValueError) as error:
            raise BadRequest("a number or time in the request is beyond all bounds") from error
