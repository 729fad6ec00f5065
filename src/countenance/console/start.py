"""The first page: what this is, whether it is well, what to do next."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from countenance.administration import Role
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import page
from countenance.console.mandates import mine_in_force
from countenance.errors import CountenanceError

LATE = timedelta(days=30)
"""From then on the page warns that no backup was made, or no checkpoint given out."""


def _overview(asked: ConsoleRequest) -> Response:
    services, now = asked.services, asked.services.status.now()
    kept = services.record.safekeeping
    status, roles = services.status, asked.by.operator.roles
    try:
        models, evidence, fault = status.models, status.evidence, ""
    except CountenanceError as error:
        models, evidence, fault = "", "", str(error)
    mandates = services.mandates.list()
    states = [mandate.state(now).value for mandate in mandates]
    mine = [each for each in mandates if each.requested_by == asked.by.operator.name]
    return page(
        asked,
        "start.html",
        models=models,
        evidence=evidence,
        in_date=evidence.startswith("in date"),
        fault=fault,
        check=status.last_check,
        size=services.record.size,
        backup=kept.last_backup,
        given=kept.last_checkpoint,
        late=now - LATE,
        stops=[each for each in services.moratoria.all().values() if not each.lifted],
        packs=services.explainer.packs,
        waiting=states.count("requested"),
        active=states.count("active"),
        mine_active=len(mine_in_force(asked)),
        mine_waiting=sum(each.state(now).value == "requested" for each in mine),
        held=sum(each.state(now).value == "waiting" for each in services.custodian.holds()),
        alone=sum(each.active(now) for each in services.operators.all()) < 2,
        asks=Role.REQUEST in roles,
        approves=Role.APPROVE in roles,
        audits=Role.AUDIT in roles,
    )


PAGES = (ConsolePage("", _overview),)
