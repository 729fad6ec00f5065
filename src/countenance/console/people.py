"""Operators, settings as they are read, one's own record and passkeys."""

from __future__ import annotations

from starlette.responses import Response

from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage, scripted
from countenance.console.looks import go, page
from countenance.errors import AlreadyExists, BadRequest


def _operators(asked: ConsoleRequest) -> Response:
    services, now = asked.services, asked.services.accounts.now()
    rows = [
        (
            each,
            "revoked" if each.revoked_at else "active" if each.active(now) else "expired",
            services.accounts.ways_of(each),
        )
        for each in services.operators.all()
    ]
    return page(asked, "operators.html", rows=rows)


def _settings(asked: ConsoleRequest) -> Response:
    return page(asked, "settings.html", settings=asked.services.status.settings)


def _mine(asked: ConsoleRequest) -> Response:
    return _mine_page(asked)


def _mine_page(asked: ConsoleRequest, status: int = 200, fault: str = "") -> Response:
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
        status,
        fault=fault,
        ways=services.accounts.ways_of(who),
        link=services.provider.link_of(who.operator_id),
        passkeys_offered=services.passkeys.offered,
        passkeys=services.passkeys.of(who),
        mandates=mandates[:200],
        holds=holds,
        sessions=services.accounts.sessions_of(who),
        began_at=asked.by.began_at,
    )


def _new_passkey(asked: ConsoleRequest) -> Response:
    try:
        step = asked.services.passkeys.adding(asked.by, asked.text("name", most=64), asked.secret("one_time"))
    except BadRequest as error:
        return _mine_page(asked, 400, asked.words.gettext(str(error)))
    return scripted(page(asked, "passkey_new.html", passkey=step))


def _add_passkey(asked: ConsoleRequest) -> Response:
    try:
        asked.services.passkeys.add(asked.by, asked.secret("step"), asked.secret("answer"))
    except (AlreadyExists, BadRequest) as error:
        return _mine_page(asked, 400, asked.words.gettext(str(error)))
    return go("/me#passkeys")


def _remove_passkey(asked: ConsoleRequest) -> Response:
    asked.services.passkeys.remove(asked.by.operator, asked.path["passkey_id"])
    return go("/me#passkeys")


PAGES = (
    ConsolePage("/operators", _operators),
    ConsolePage("/settings", _settings),
    ConsolePage("/me", _mine),
    ConsolePage("/me/passkeys/new", _new_passkey, "POST"),
    ConsolePage("/me/passkeys", _add_passkey, "POST"),
    ConsolePage("/me/passkeys/{passkey_id}/removal", _remove_passkey, "POST"),
)
