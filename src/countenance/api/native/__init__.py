"""Our own HTTP API under /v1: faces, and what people do about mandates, held results, moratoria, rules and the record.

RFC 9457 problems, access keys of mandates, bearer tokens of operators; the OpenAPI document is generated and checked in
(docs/openapi.json).
"""

from countenance.api.native.application import PREFIX, PROBES, Services, app, document
from countenance.api.native.cases import CaseDoor
from countenance.api.native.key_access import KEY_LIMITS, FaceDoor
from countenance.api.native.middleware import OPERATOR_LIMITS
from countenance.api.native.redactions import SPOOL

__all__ = [
    "KEY_LIMITS",
    "OPERATOR_LIMITS",
    "PREFIX",
    "PROBES",
    "SPOOL",
    "CaseDoor",
    "FaceDoor",
    "Services",
    "app",
    "document",
]
