"""Moratoria: what stands still, and the forms that carry a signature which sets or lifts one."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from countenance.administration import Action, Order, Power, Role, Scope, Signature
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import go, page
from countenance.errors import BadRequest


def _all(asked: ConsoleRequest) -> Response:
    every = sorted(asked.services.moratoria.all().values(), key=lambda each: each.order.set_at, reverse=True)
    return page(
        asked,
        "moratoria.html",
        every=every,
        actions=sorted(Action),
        powers=sorted(Power),
        carries=bool(asked.by.operator.roles & _CARRY),
    )


def _set(asked: ConsoleRequest) -> Response:
    moratorium_id = asked.text("moratorium_id", needed=True)
    scope = Scope.of(asked.several("operations"), asked.several("powers"))
    look_again = _moment(asked, "look_again_at") if asked.text("look_again_at") else None
    order = Order(moratorium_id, scope, asked.text("reason", needed=True), _moment(asked, "set_at"), look_again)
    asked.services.moratoria.set(order, _signature(asked))
    return go("/moratoria")


def _consent(asked: ConsoleRequest) -> Response:
    statute = asked.text("statute", needed=True)
    asked.services.moratoria.consent(asked.path["moratorium_id"], statute, _signature(asked))
    return go("/moratoria")


def _moment(asked: ConsoleRequest, name: str) -> datetime:
    try:
        at = datetime.fromisoformat(asked.text(name, needed=True))
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{name}: a time with a zone is expected, such as 2026-11-29T10:00:00Z") from error


def _signature(asked: ConsoleRequest) -> Signature:
    return Signature.of(asked.text("public_key"), asked.text("signature"))


_CARRY = frozenset({Role.REQUEST, Role.APPROVE, Role.REVIEW})
PAGES = (
    ConsolePage("/moratoria", _all),
    ConsolePage("/moratoria", _set, "POST", _CARRY, form=_all),
    ConsolePage("/moratoria/{moratorium_id}/consents", _consent, "POST", _CARRY),
)
