"""The application: every router under /v1, behind admission; and the OpenAPI document that describes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp

from countenance.administration import Custodian, Explainer, Mandates, Moratoria, Operators, OutsideChecks, Record
from countenance.api.admission import AdmissionLimits
from countenance.api.native import (
    bulk,
    cases,
    custody,
    faces,
    galleries,
    health,
    liveness,
    mandates,
    moratoria,
    record,
    redactions,
    reviews,
    rules,
)
from countenance.api.native.access import public
from countenance.api.native.cases import CaseDoor
from countenance.api.native.key_access import KEY_LIMITS, FaceDoor, KeyAccess
from countenance.api.native.middleware import OPERATOR_LIMITS, PICTURE_LIMITS, OperatorAccess
from countenance.api.native.problems import FieldFault, Problem, response_of
from countenance.api.prefixes import PrefixRouter
from countenance.wire.faces import BulkLine, ComparisonBody, EnrolBody, PictureBody, SearchBody
from countenance.wire.redactions import BoxBody, RedactionBody
from countenance.wire.reviews import KnownPairBody

PREFIX = "/v1"
PROBES = ("/healthz", "/readyz")
"""Paths of this API beside the prefix: what orchestrators and load balancers ask."""
ALWAYS = frozenset({f"{PREFIX}/health", f"{PREFIX}/ready", *PROBES})
"""Paths that are answered however busy the server is: operators and their tools need them when something is wrong."""
PUBLIC = ALWAYS | {f"{PREFIX}/ledger/proof", f"{PREFIX}/openapi.json"}
"""Paths that need no token and read no body."""
SIGNED = frozenset({f"{PREFIX}/liveness/results"})
"""Paths that need no token since a signature in the body decides."""


@dataclass(frozen=True, slots=True)
class Services:
    """The services behind the API. All of them block, so they are called off the event loop.

    spool: folder for the video that is being covered; by default in the system's own.
    """

    operators: Operators
    mandates: Mandates
    custodian: Custodian
    moratoria: Moratoria
    explainer: Explainer
    record: Record
    faces: FaceDoor
    checks: OutsideChecks
    cases: CaseDoor
    loaded: Callable[[], bool] = lambda: True
    spool: Path | None = None


PICTURES = re.compile(rf"{PREFIX}/(cases/[^/]+/pictures|cases/[^/]+/searches/[^/]+/leads/[^/]+/picture|reviews/known)")
"""Paths to which operators send pictures."""
BY_KEY = tuple(f"{PREFIX}/{name}" for name in ("detections", "comparisons", "redactions", "galleries"))
"""Paths for callers with an access key."""


READ_BY_HAND = (PictureBody, ComparisonBody, SearchBody, EnrolBody, RedactionBody, BoxBody, KnownPairBody)
"""Bodies that come in several forms, with their models; the framework does not see these."""


def app(
    services: Services,
    limits: AdmissionLimits = OPERATOR_LIMITS,
    key_limits: AdmissionLimits = KEY_LIMITS,
    picture_limits: AdmissionLimits = PICTURE_LIMITS,
) -> ASGIApp:
    """The API as an ASGI application that answers /v1 and `PROBES`."""
    inside = _application(services)
    videos = frozenset({f"{PREFIX}/redactions"})
    faces_side = KeyAccess(inside, services.faces.credentials.secret_of, key_limits, videos)
    people_side = OperatorAccess(
        inside,
        services.operators.holding,
        PUBLIC,
        limits,
        ALWAYS,
        SIGNED,
        pictures=PICTURES,
        picture_limits=picture_limits,
    )
    return PrefixRouter(people_side, dict.fromkeys(BY_KEY, faces_side))


def document() -> dict[str, Any]:
    """The OpenAPI document; made without an installation, since no route is called."""
    nothing = cast("Any", None)
    return _document(_application(Services(*cast("Any", [*[None] * 8, CaseDoor(*[nothing] * 6)]))))


def _application(services: Services) -> FastAPI:
    application = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: f"{route.tags[0] if route.tags else 'document'}_{route.name}",
    )
    every = APIRouter(prefix=PREFIX)
    for router in (
        health.routes(services.record, services.loaded),
        mandates.routes(services.mandates),
        custody.routes(services.custodian),
        moratoria.routes(services.moratoria),
        liveness.routes(services.checks),
        cases.routes(services.cases),
        cases.pictures(services.cases),
        cases.video_jobs(services.cases),
        reviews.routes(services.cases),
        rules.routes(services.explainer),
        record.routes(services.record),
        faces.routes(services.faces),
        galleries.routes(services.faces),
        bulk.routes(services.faces),
        redactions.routes(services.faces, services.spool),
    ):
        every.include_router(router)
    application.include_router(every)
    application.include_router(health.probes(services.record, services.loaded), include_in_schema=False)
    documents: list[dict[str, Any]] = []

    @application.get(f"{PREFIX}/openapi.json", include_in_schema=False, openapi_extra=public())
    def openapi() -> dict[str, Any]:
        if not documents:
            documents.append(_document(application))
        return documents[0]

    application.add_exception_handler(HTTPException, _refused)
    return application


async def _refused(request: Request, error: Exception) -> Response:
    answer = response_of(error)
    if answer.status_code == 405:  # if several routes have this path, the framework names only the first one's methods
        answer.headers["allow"] = ", ".join(_methods(request))
    return answer


def _methods(request: Request) -> list[str]:
    """The methods that the path takes."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return sorted(methods)


def _document(application: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title="Countenance",
        version="1",
        summary="Faces, with what an answer is worth; mandates, cases, reviews, moratoria, rules and the record.",
        description="Callers with an access key ask about faces, operators about the rest. See docs/native-api.md.",
        routes=application.routes,
    )
    schemas = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    if "JsonValue" in schemas:
        schemas["JsonValue"] = {"title": "JsonValue", "description": "Any JSON value."}
    for model in (FieldFault, Problem, *READ_BY_HAND, BulkLine):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schema.pop("$defs", None)
        schemas[model.__name__] = schema
    document["components"]["securitySchemes"] = {
        "operator": {
            "type": "http",
            "scheme": "bearer",
            "description": "An operator's token, made by `countenance operator add`.",
        },
        "key": {
            "type": "http",
            "scheme": "basic",
            "description": "An access key of a mandate as the user, its secret as the password.",
        },
    }
    return document
