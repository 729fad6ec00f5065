"""Which roles may call which route: declared with it, checked before the body is parsed, shown in the document."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.routing import APIRoute

from countenance.administration import Operator, Role
from countenance.api.admission import ClientGone
from countenance.api.native.middleware import OPERATOR
from countenance.api.native.problems import MEDIA_TYPE, Problem, response_of
from countenance.errors import Denied, Unauthenticated

ROLES = "x-roles"
EVERYBODY = frozenset(Role)

_DESCRIPTIONS = {
    400: "The body is not JSON, or a value in it makes no sense here.",
    401: "The token or key is missing, unknown, expired or revoked.",
    403: "The rules forbid it, the operator's roles do not cover it, or one person may not do both steps.",
    404: "What was named is not there.",
    409: "The thing is there, and is in a state that forbids this.",
    413: "The body is larger than it may be, or an image is.",
    415: "Not a kind of picture, video or body that is read here.",
    429: "The budget of comparisons is spent, or a quota is used up.",
    422: "The request does not fit the schema; `faults` names the places.",
    503: "Too many requests at once, or the record cannot be written.",
}


def may(*roles: Role) -> dict[str, Any]:
    """The extra of a route that only operators with one of `roles` may call."""
    return {ROLES: sorted(roles), "security": [{"operator": []}]}


def everybody() -> dict[str, Any]:
    """The extra of a route that every operator may call."""
    return may(*EVERYBODY)


def public() -> dict[str, Any]:
    """The extra of a route that needs no token."""
    return {ROLES: [], "security": []}


def by_key() -> dict[str, Any]:
    """The extra of a route for callers with an access key; their mandate decides what they may do."""
    return {ROLES: [], "security": [{"key": []}]}


class GuardedRoute(APIRoute):
    """A route that checks the caller's roles first, and turns every error into a problem."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the check before it and errors turned into problems."""
        inner = super().get_route_handler()
        roles = frozenset(map(Role, (self.openapi_extra or {})[ROLES]))

        async def handler(request: Request) -> Response:
            try:
                if roles:
                    _check(caller(request), roles)
                return await inner(request)
            except ClientGone:
                raise
            except Exception as error:
                return response_of(error)

        return handler


def caller(request: Request) -> Operator:
    """The operator who calls."""
    operator = request.scope.get(OPERATOR)
    if not isinstance(operator, Operator):
        raise Unauthenticated("an operator's token is expected: Authorization: Bearer …")
    return operator


Caller = Annotated[Operator, Depends(caller)]


def router(tag: str, *statuses: int) -> APIRouter:
    """An empty router whose routes are guarded, and documented to answer the usual problems and `statuses`."""
    usual = {401, 403, 413, 422, 503, *statuses}
    return APIRouter(
        route_class=GuardedRoute,
        tags=[tag],
        responses={
            status: {"description": _DESCRIPTIONS[status], "content": {MEDIA_TYPE: {"schema": _PROBLEM}}}
            for status in sorted(usual)
        },
    )


_PROBLEM = {"$ref": f"#/components/schemas/{Problem.__name__}"}


def _check(operator: Operator, roles: frozenset[Role]) -> None:
    if not operator.roles & roles:
        raise Denied(
            f"this needs the role {' or '.join(sorted(roles))}; the operator holds {', '.join(operator.roles)}"
        )
