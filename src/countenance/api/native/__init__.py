"""Our own HTTP API under /v1: what people do about mandates, held results, moratoria, rules and the record.

RFC 9457 problems, bearer tokens of operators, an OpenAPI document that is generated and checked in (docs/openapi.json).
"""

from countenance.api.native.application import PREFIX, Services, app, document
from countenance.api.native.middleware import BodyLimits

__all__ = ["PREFIX", "BodyLimits", "Services", "app", "document"]
