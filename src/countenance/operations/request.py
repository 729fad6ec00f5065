"""Makes the rules' request out of a mandate and an operation."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from countenance.errors import BadRequest, NotFound
from countenance.mandates import Mandate, MandateState
from countenance.operations.evidence import evidence_facts
from countenance.operations.operation import Operation, Tools
from countenance.policy import Action, Grant, ModelFacts, Request
from countenance.policy.description import request_of
from countenance.policy.enums import Consent, LegalBasis
from countenance.policy.facts import Moment, context
from countenance.scoring import Calibration


def request_for(mandate: Mandate, operation: Operation[Any, Any], tools: Tools, now: datetime) -> Request:
    """The request that the rules decide: the mandate's facts and those of this call."""
    base = granted(mandate)
    gallery = operation.gallery
    return replace(
        base,
        operation=operation.action,
        mandate=replace(
            base.mandate,
            active=mandate.state(now) in (MandateState.ACTIVE, MandateState.EXPIRED),
            operation_granted=operation.action in mandate.terms.operations or "*" in mandate.terms.operations,
            gallery_granted=gallery is None or mandate.terms.covers(gallery),
        ),
        gallery=replace(base.gallery, id=gallery or ""),
        model=_model(operation, tools),
        evidence=evidence_facts(tools.evidence, tools.engine.model, tools.calibration_id, now),
    )


@lru_cache(maxsize=1024)
def granted(mandate: Mandate) -> Request:
    """The facts that hold for every call under `mandate`; `BadRequest` if one is not in the vocabulary.

    Unless it says otherwise, a mandate is for recorded pictures, and its answers are leads. One whose legal basis is
    consent states that people were told and continued, unless it says how they agreed.
    """
    try:
        further = json.loads(mandate.terms.facts)
    except ValueError as error:
        raise BadRequest("the further facts of a mandate are a JSON object") from error
    if not isinstance(further, dict):
        raise BadRequest("the further facts of a mandate are a JSON object")
    use = further.get("use", {})
    if not isinstance(use, dict):
        raise BadRequest("use: a table is expected")
    reserved = sorted({"operation", "actor", "mandate", "model", "evidence"} & further.keys())
    if reserved:
        raise BadRequest(f"{reserved[0]}: is not for a mandate to state")
    unknown = sorted(set(mandate.terms.operations) - {"*"} - set(Action))
    if unknown:
        raise BadRequest(f"an operation is one of {', '.join(Action)} or *, got {unknown[0]!r}")
    holder = mandate.holder
    subject = further.get("subject", {})
    if not isinstance(subject, dict):
        raise BadRequest("subject: a table is expected")
    if mandate.terms.legal_basis == LegalBasis.CONSENT:
        subject = {"consent": Consent.INFORMED, **subject}
    table = {
        **further,
        "operation": Action.READ,
        "actor": {
            "class_name": holder.kind,
            "powers": list(holder.powers),
            "tier": holder.tier,
            "jurisdictions": list(holder.jurisdictions),
        },
        "use": {
            "mode": "afterwards",
            "next_step": "lead",
            **use,
            "purpose": mandate.terms.purpose,
            "legal_basis": mandate.terms.legal_basis,
        },
        "subject": subject,
        "jurisdictions": list(holder.jurisdictions),
    }
    if holder.on_behalf_of:
        table["on_behalf_of"] = {"class_name": "not stated", "powers": list(holder.on_behalf_of)}
    since = mandate.approved_at or mandate.requested_at
    grant = Grant(
        id=mandate.mandate_id,
        active=False,
        starts_at=since,
        expires_at=mandate.expires_at,
        operation_granted=False,
        gallery_granted=False,
    )
    try:
        request = replace(request_of(table, mandate.requested_at), mandate=grant)
        context(request, Moment(since, since))
    except (ArithmeticError, ValueError) as error:
        raise BadRequest("a number or time in the facts is beyond all bounds") from error
    return request


@lru_cache(maxsize=1024)
def _fmr(calibration: Calibration, similarity: float) -> float:
    return calibration.fmr(calibration.score(similarity))


def _model(operation: Operation[Any, Any], tools: Tools) -> ModelFacts:
    if operation.min_similarity is None:
        return ModelFacts(id=tools.engine.model, calibration=tools.calibration_id)
    fmr = _fmr(tools.calibration, operation.min_similarity)
    fpir = None
    if operation.action is Action.IDENTIFY:
        try:
            fpir = 1.0 - (1.0 - fmr) ** operation.search_size(tools.gallery)
        except NotFound:  # if it is permitted, the operation itself reports that
            fpir = None
    return ModelFacts(id=tools.engine.model, calibration=tools.calibration.identity, fmr=fmr, fpir=fpir)
