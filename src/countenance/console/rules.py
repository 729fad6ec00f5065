"""Policy: the texts in force, a described use decided and explained, the fine print."""

from __future__ import annotations

import json

from starlette.responses import HTMLResponse, Response

from countenance.administration import Action, templates
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage
from countenance.console.looks import HOME, page
from countenance.errors import BadRequest

FINE_PRINT = "fine-print.js"
_EXAMPLE = {
    "operation": "identify",
    "actor": {"class_name": "city police", "powers": ["arrest"], "tier": "municipal"},
    "use": {"purpose": "criminal_investigation"},
}


def _packs(asked: ConsoleRequest) -> Response:
    form = templates().get(asked.query("template"))
    described: dict[str, object] = {}
    if form:
        facts = form.filled(form.example())
        use = facts.get("use")
        purpose = {**(use if isinstance(use, dict) else {}), "purpose": form.purpose}
        actor = {"class_name": form.kind, "powers": []}
        described = {"operation": str(form.operations[-1]), "actor": actor, **facts, "use": purpose}
    return _shown(asked, json.dumps(described or _EXAMPLE, indent=2), None, "")


def _explain(asked: ConsoleRequest) -> Response:
    text = asked.text("request", most=16_384, lines=True)
    try:
        decision = asked.services.explainer.explain(asked.facts("request"))
    except BadRequest as error:
        return _shown(asked, text, None, str(error), 400)
    return _shown(asked, text, decision.record(), "")


def _shown(asked: ConsoleRequest, text: str, decision: object, fault: str, status: int = 200) -> Response:
    return page(
        asked,
        "policy.html",
        status,
        packs=asked.services.explainer.packs,
        forms=list(templates().values()),
        actions=sorted(Action),
        text=text,
        decision=decision,
        fault=fault,
    )


def _fine_print(asked: ConsoleRequest) -> Response:
    """A page of its own, with its own style and script: its policy lets those in, and nothing else."""
    response = HTMLResponse(asked.services.explainer.fine_print(f"{HOME}/static/{FINE_PRINT}"))
    response.headers["content-security-policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; img-src 'self' data:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return response


PAGES = (
    ConsolePage("/policy", _packs),
    ConsolePage("/policy", _explain, "POST"),
    ConsolePage("/policy/fine-print", _fine_print),
)
