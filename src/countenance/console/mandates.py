"""Mandates: asked for by one, approved by another, revoked at once; a key is shown once."""

from __future__ import annotations

import json

from starlette.responses import Response

from countenance.administration import AccessKey, Mandate, MandateDraft, Power, Role, templates
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import go, page
from countenance.errors import NotFound

STATES = ("requested", "active", "expired", "revoked", "refused")


def mine_in_force(asked: ConsoleRequest) -> list[Mandate]:
    """The mandates in force under which whoever asks may act: those that they asked for."""
    now, name = asked.services.mandates.now(), asked.by.operator.name
    return [
        each
        for each in asked.services.mandates.list()
        if each.requested_by == name and each.state(now).value == "active"
    ]


def chosen(asked: ConsoleRequest, mandate_id: str) -> Mandate | None:
    """Of those, the one with that id, or the only one; None where there is something to choose still."""
    every = mine_in_force(asked)
    if not mandate_id:
        return every[0] if len(every) == 1 else None
    for each in every:
        if each.mandate_id == mandate_id:
            return each
    raise NotFound("there is no such mandate of yours in force")


def _all(asked: ConsoleRequest) -> Response:
    now = asked.services.mandates.now()
    state = asked.query("state")
    rows = [(each, each.state(now).value) for each in reversed(asked.services.mandates.list())]
    counts = {name: sum(each == name for _, each in rows) for name in STATES}
    chosen_rows = [row for row in rows if row[1] == state or state not in STATES]
    return page(
        asked,
        "mandates.html",
        rows=chosen_rows[:200],
        left_out=max(0, len(chosen_rows) - 200),
        counts=counts,
        state=state if state in STATES else "",
        asks=Role.REQUEST in asked.by.operator.roles,
    )


def _new(asked: ConsoleRequest) -> Response:
    forms = templates()
    form = forms.get(asked.query("template") or asked.typed("template"))
    return page(
        asked,
        "mandate_new.html",
        forms=list(forms.values()),
        form=form,
        example=json.dumps(form.example(), indent=2) if form and form.to_state else "{}",
        fills=json.dumps(dict(form.facts), indent=2) if form else "",
        powers=sorted(Power),
    )


def _ask(asked: ConsoleRequest) -> Response:
    draft = MandateDraft(
        asked.text("holder", needed=True, most=200),
        template=asked.text("template") or None,
        kind=asked.text("kind", most=100) or None,
        powers=asked.several("powers"),
        on_behalf_of=asked.several("on_behalf_of"),
        tier=asked.text("tier", most=64) or "none",
        jurisdictions=asked.several("jurisdictions"),
        purpose=asked.text("purpose", most=64) or None,
        legal_basis=asked.text("legal_basis", most=64) or None,
        galleries=asked.several("galleries"),
        operations=asked.several("operations"),
        facts=asked.facts("facts"),
        budget=asked.text("budget", most=200),
    )
    holder, terms = draft.filled()
    mandates = asked.services.mandates
    expires = asked.until("expires", mandates.now())
    mandate = mandates.request(holder, terms, requested_by=asked.by.operator.name, expires_at=expires)
    return go(f"/mandates/{mandate.mandate_id}")


def _one(asked: ConsoleRequest, key: AccessKey | None = None) -> Response:
    mandates, who = asked.services.mandates, asked.by.operator
    mandate = mandates.show(asked.path["mandate_id"])
    state = mandate.state(mandates.now()).value
    own = who.name in (mandate.requested_by, mandate.holder.name)
    approves = Role.APPROVE in who.roles
    return page(
        asked,
        "mandate.html",
        mandate=mandate,
        state=state,
        facts=json.dumps(json.loads(mandate.terms.facts), indent=2, ensure_ascii=False),
        budget=mandates.budget(mandate.mandate_id),
        own=own,
        approves=approves,
        may_approve=approves and not own,
        may_take_key=Role.REQUEST in who.roles and who.name == mandate.requested_by and state == "active",
        key=key,
    )


def _approve(asked: ConsoleRequest) -> Response:
    asked.services.mandates.approve(asked.path["mandate_id"], approved_by=asked.by.operator.name)
    return go(f"/mandates/{asked.path['mandate_id']}")


def _refuse(asked: ConsoleRequest) -> Response:
    why = asked.text("why", needed=True)
    asked.services.mandates.refuse(asked.path["mandate_id"], why, by=asked.by.operator.name)
    return go(f"/mandates/{asked.path['mandate_id']}")


def _renew(asked: ConsoleRequest) -> Response:
    mandates = asked.services.mandates
    expires = asked.until("expires", mandates.now())
    mandates.renew(asked.path["mandate_id"], approved_by=asked.by.operator.name, expires_at=expires)
    return go(f"/mandates/{asked.path['mandate_id']}")


def _revoke(asked: ConsoleRequest) -> Response:
    why = asked.text("why", needed=True)
    asked.services.mandates.end(asked.path["mandate_id"], why, by=asked.by.operator.name)
    return go(f"/mandates/{asked.path['mandate_id']}")


def _key(asked: ConsoleRequest) -> Response:
    key = asked.services.mandates.issue_key(asked.path["mandate_id"], to=asked.by.operator.name)
    return _one(asked, key=key)


_ASKS, _APPROVES = frozenset({Role.REQUEST}), frozenset({Role.APPROVE})
PAGES = (
    ConsolePage("/mandates", _all),
    ConsolePage("/mandates", _ask, "POST", _ASKS, form=_new),
    ConsolePage("/mandates/new", _new, roles=_ASKS),
    ConsolePage("/mandates/{mandate_id}", _one),
    ConsolePage("/mandates/{mandate_id}/approval", _approve, "POST", _APPROVES),
    ConsolePage("/mandates/{mandate_id}/refusal", _refuse, "POST", _APPROVES, form=_one),
    ConsolePage("/mandates/{mandate_id}/renewal", _renew, "POST", _APPROVES, form=_one),
    ConsolePage("/mandates/{mandate_id}/revocation", _revoke, "POST", _APPROVES, form=_one),
    ConsolePage("/mandates/{mandate_id}/keys", _key, "POST", _ASKS),
)
