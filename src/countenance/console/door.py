"""What stands before every page: limits, who is signed in and with which roles, forms that are ours, safe headers."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from countenance.administration import Role, SignedIn
from countenance.api.admission import (
    MIB,
    Admission,
    AdmissionLimits,
    BodyTooLarge,
    BodyTooSlow,
    ClientGone,
    declared_bytes,
)
from countenance.api.guarded import note_failure
from countenance.console.asked import ConsoleRequest, form_of
from countenance.console.looks import HOME, faulty
from countenance.console.services import ConsoleServices
from countenance.console.words import catalogue, wanted
from countenance.errors import AlreadyExists, BadRequest, Conflict, CountenanceError, Denied

log = logging.getLogger(__name__)

SESSION, BEFORE, LANGUAGE = "countenance_session", "countenance_form", "countenance_language"
"""Cookies: of a session, of a form before there is one, of a language that was chosen."""

POLICY = (
    "default-src 'self'; img-src 'self' data:; script-src 'none'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), interest-cohort=()",
    "cache-control": "no-store",
}
"""Of every answer that sets none of its own, as `scripted` does. `data:` is for the picture that somebody just sent,
which is not kept.
"""

FORM_BYTES = 65_536
"""Of a form, where its page says nothing else."""
LIMITS = AdmissionLimits(requests=32, body_bytes=16 * MIB, held_bytes=256 * MIB, body_seconds=30.0)

Handler = Callable[[ConsoleRequest], Response]
EVERYBODY = frozenset(Role)


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One page: who may open it, how many bytes its form has. public: also for those who are not signed in. form: of a
    page that takes a form, the page of that form, shown again with what was typed where it was refused.
    """

    path: str
    show: Handler
    method: str = "GET"
    roles: frozenset[Role] = field(default=EVERYBODY)
    public: bool = False
    body_bytes: int = FORM_BYTES
    form: Handler | None = None


class Door:
    """Lets requests through to pages; one for each application, since it counts what is in hand."""

    def __init__(self, services: ConsoleServices) -> None:
        self._services = services
        self._admission = Admission(LIMITS)

    def endpoint(self, page: ConsolePage) -> Callable[[Request], Awaitable[Response]]:
        """`page` as an endpoint of Starlette."""

        async def answer(request: Request) -> Response:
            try:
                response = await self._answer(page, request)
            except ClientGone:
                response = Response(status_code=400)  # nobody reads it
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return answer

    async def _answer(self, page: ConsolePage, request: Request) -> Response:
        language = wanted(request.cookies.get(LANGUAGE), request.headers.get("accept-language", ""))
        asked = ConsoleRequest(request, self._services, None, catalogue(language), language, "")
        before = request.cookies.get(BEFORE, "")
        try:
            with self._admission.request():
                who = await self._who(request)
                fresh = "" if who or 20 <= len(before) <= 100 else secrets.token_urlsafe(32)
                token = who.form_token if who else self._services.accounts.form_token(fresh or before)
                asked = ConsoleRequest(request, self._services, who, asked.words, language, token)
                if who is None and not page.public:
                    return _to_sign_in(request)
                if who and not page.public and not who.operator.roles & page.roles:
                    raise Denied(f"this needs the role {' or '.join(sorted(page.roles))}")
                if request.method == "POST":
                    asked = await self._form(page, asked)
                response = await asyncio.to_thread(_shown, page, asked)
                if fresh:
                    remember(response, request, BEFORE, fresh)
                return response
        except CountenanceError as error:
            return await asyncio.to_thread(faulty, asked, error)
        except ClientGone:
            raise
        except Exception as error:
            note_failure(log, "a page", error)
            return await asyncio.to_thread(faulty, asked, CountenanceError("internal"))

    async def _who(self, request: Request) -> SignedIn | None:
        cookie = request.cookies.get(SESSION, "")
        if not 20 <= len(cookie) <= 100:
            return None
        return await asyncio.to_thread(self._services.accounts.session, cookie)

    async def _form(self, page: ConsolePage, asked: ConsoleRequest) -> ConsoleRequest:
        """The request with its form, if that form came from a page of ours."""
        headers = asked.request.headers
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != headers.get("host"):
            raise Denied("this form was sent from a page of another address")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise Denied("this form was sent from a page of another address")
        try:
            declared = declared_bytes(asked.request.scope["headers"])
            async with self._admission.body(declared, asked.request.receive, page.body_bytes) as body:
                texts, files = await form_of(headers, body)
        except BodyTooLarge:
            raise BadRequest(f"what was sent is larger than {page.body_bytes:,} bytes") from None
        except BodyTooSlow:
            raise BadRequest("what was sent took too long") from None
        sent = texts.get("form_token", ("",))[0]
        if not hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), asked.form_token.encode()):
            raise Denied("this form is of an earlier session, or not of this server: open its page again")
        return replace(asked, texts=texts, files=files)


def _shown(page: ConsolePage, asked: ConsoleRequest) -> Response:
    try:
        return page.show(asked)
    except (AlreadyExists, BadRequest, Conflict) as error:
        if page.form is None:
            raise
        response = page.form(replace(asked, refused=str(error)))
        response.status_code = faulty(asked, error).status_code
        return response


def scripted(response: Response) -> Response:
    """The page with leave to run the console's own script files."""
    response.headers["content-security-policy"] = POLICY.replace("script-src 'none'", "script-src 'self'")
    return response


def remember(response: Response, request: Request, name: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie of the console: no script reads it, no other site sends it with a form."""
    response.set_cookie(
        name, value, max_age=max_age, path="/", httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )


def _to_sign_in(request: Request) -> Response:
    if request.method != "GET":
        return RedirectResponse(f"{HOME}/sign-in", 303)
    wanted_path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{HOME}/sign-in?next={quote(wanted_path, safe='/')}", 303)
