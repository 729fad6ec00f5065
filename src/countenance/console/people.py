"""Operators, settings as they are read, and one's own record."""

from __future__ import annotations

from starlette.responses import Response

from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import page


def _operators(asked: ConsoleRequest) -> Response:
    services, now = asked.services, asked.services.accounts.now()
    rows = [
        (
            each,
            "revoked" if each.revoked_at else "active" if each.active(now) else "expired",
            services.accounts.has_account(each),
        )
        for each in services.operators.all()
    ]
    return page(asked, "operators.html", rows=rows)


def _settings(asked: ConsoleRequest) -> Response:
    return page(asked, "settings.html", settings=asked.services.status.settings)


def _mine(asked: ConsoleRequest) -> Response:
    services, who = asked.services, asked.by.operator
    now = services.mandates.now()
    mandates = [
        (each, each.state(now).value)
        for each in reversed(services.mandates.list())
        if who.name in (each.requested_by, each.approved_by)
    ]
    holds = [each for each in services.custodian.holds() if who.name in (*each.agreed, *each.disagreed)]
    return page(
        asked,
        "mine.html",
        mandates=mandates[:200],
        holds=holds,
        sessions=services.accounts.sessions_of(who),
        began_at=asked.by.began_at,
    )


PAGES = (
    ConsolePage("/operators", _operators),
    ConsolePage("/settings", _settings),
    ConsolePage("/me", _mine),
)
