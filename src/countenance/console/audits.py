"""Audits of tables that somebody sends, their reports, and the evidence that the installation trusts."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from countenance.administration import AuditOrder, AuditReport, EvidenceStanding, Role
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage, scripted
from countenance.console.looks import go, page
from countenance.console.progress import events
from countenance.console.streams import Progress
from countenance.console.words import _
from countenance.errors import BadRequest, CountenanceError

TABLE_BYTES = 15 * 2**20
STAGES = {
    "read": _("The table is read."),
    "computed": _("Rates and their intervals are computed; this may take minutes."),
    "written": _("The report is written."),
}
"""What is done, in words."""
EVIDENCE_STATES = {
    "in use": "well",
    "in date": "well",
    "not yet": "soft",
    "ended": "warn",
    "of another model": "soft",
}
"""How evidence stands -> its colour."""
_WAIT_S = 0.2
_PER_PAGE = 50


def _all(asked: ConsoleRequest) -> Response:
    every, at = asked.services.audits.all(), asked.query_number("page")
    return page(
        asked,
        "audits.html",
        rows=every[at * _PER_PAGE : (at + 1) * _PER_PAGE],
        at=at,
        more=len(every) > (at + 1) * _PER_PAGE,
        megabytes=TABLE_BYTES // 2**20,
    )


def _begin(asked: ConsoleRequest) -> Response:
    scores, plan, labels = (asked.files.get(name, b"") for name in ("scores", "plan", "labels"))
    if not scores:
        raise BadRequest("scores: choose a table, CSV or Parquet")
    high_from = asked.number("high_from", 0, -1e9, 1e9) if asked.text("high_from") else None
    order = AuditOrder(
        asked.text("title", most=200),
        high_from,
        asked.several("factors"),
        asked.text("label_warning"),
        asked.text("labelled_by"),
    )
    audits = asked.services.audits
    begun = audits.begin(asked.by.operator.name, scores, plan, labels, order)
    audits.wait(begun.audit_id, _WAIT_S)
    return go(f"/audits/{begun.audit_id}")


def _one(asked: ConsoleRequest) -> Response:
    audit = asked.services.audits.show(asked.path["audit_id"])
    if audit.state == "running":
        return scripted(page(asked, "audit.html", audit=audit, says=_says(asked, audit)))
    return page(asked, "audit.html", audit=audit)


def _says(asked: ConsoleRequest, audit: AuditReport) -> str:
    return asked.words.gettext(STAGES.get(audit.stage, STAGES["read"]))


def _events(asked: ConsoleRequest) -> Response:
    audits, audit_id = asked.services.audits, asked.path["audit_id"]
    audits.show(audit_id)

    def look() -> Progress:
        audit = audits.show(audit_id)
        return Progress(_says(asked, audit), audit.state != "running")

    return events(asked, look)


def _report(asked: ConsoleRequest) -> Response:
    """A page of its own, with its own style: its policy lets that in, and nothing else; it runs in a sandbox."""
    response = HTMLResponse(asked.services.audits.report(asked.path["audit_id"]))
    response.headers["content-security-policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox"
    )
    return response


def _bundle(asked: ConsoleRequest) -> Response:
    audit_id = asked.path["audit_id"]
    headers = {"content-disposition": f'attachment; filename="{audit_id}.zip"'}
    return Response(asked.services.audits.bundle(audit_id), media_type="application/zip", headers=headers)


def _erase(asked: ConsoleRequest) -> Response:
    asked.services.audits.erase(asked.path["audit_id"], asked.by.operator.name)
    return go("/audits")


def _evidence(asked: ConsoleRequest) -> Response:
    every: list[EvidenceStanding] = []
    summary = fault = ""
    try:
        every, summary = asked.services.status.held_evidence(), asked.services.status.evidence
    except CountenanceError as error:
        fault = str(error)
    return page(asked, "evidence.html", every=every, summary=summary, fault=fault, colours=EVIDENCE_STATES)


_AUDITS = frozenset({Role.AUDIT})
_ONE = "/audits/{audit_id}"
PAGES = (
    ConsolePage("/audits", _all, roles=_AUDITS),
    ConsolePage("/audits", _begin, "POST", _AUDITS, body_bytes=TABLE_BYTES + 65_536),
    ConsolePage(_ONE, _one, roles=_AUDITS),
    ConsolePage(_ONE + "/events", _events, roles=_AUDITS),
    ConsolePage(_ONE + "/report", _report, roles=_AUDITS),
    ConsolePage(_ONE + "/bundle", _bundle, roles=_AUDITS),
    ConsolePage(_ONE + "/erasure", _erase, "POST", _AUDITS),
    ConsolePage("/evidence", _evidence),
)
