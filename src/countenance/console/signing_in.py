"""In and out: the first operator by the link that `serve` prints, others by a token; then by password and code, by a
passkey, or by an OpenID provider.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from countenance.administration import ProvenBy, new_seed, seed_picture
from countenance.console.asked import ConsoleRequest
from countenance.console.door import LANGUAGE, SESSION, ConsolePage, remember, scripted
from countenance.console.looks import HOME, go, page
from countenance.console.words import LANGUAGES
from countenance.errors import AlreadyExists, BadRequest, Unauthenticated

_PLACE = re.compile(r"/console(/[A-Za-z0-9._~*?=&%+-]+)*/?(\?[A-Za-z0-9._~*=&%+/-]*)?")
SIGN_IN = "/sign-in"
PROVIDER_RETURNS = "/sign-in/provider/return"
"""Below the console's address: where the provider sends browsers back to."""
_SEED = re.compile(r"[A-Z2-7]{32}")


def _form(asked: ConsoleRequest) -> Response:
    if asked.who:
        return go("")
    return _sign_in_page(asked, _place(asked.query("next")), out=bool(asked.query("out")))


def _sign_in_page(
    asked: ConsoleRequest, place: str, status: int = 200, fault: str = "", name: str = "", *, out: bool = False
) -> Response:
    """The form, with every way in that there is. out: somebody just signed out who had come by the provider."""
    passkeys, provider = asked.services.passkeys, asked.services.provider
    response = page(
        asked,
        "sign_in.html",
        status,
        next=place,
        fault=asked.words.gettext(fault) if fault else "",
        name=name[:64],
        passkey=passkeys.asked(asked.form_token) if passkeys.offered else None,
        provider=provider.name,
        second_factor=provider.needs_second_factor,
        sign_out_url=provider.sign_out_url() if out else None,
    )
    return scripted(response) if passkeys.offered else response


def _sign_in(asked: ConsoleRequest) -> Response:
    name = asked.secret("name")
    try:
        cookie = asked.services.accounts.sign_in(
            name, asked.secret("password"), asked.secret("one_time"), asked.address
        )
    except Unauthenticated as error:
        return _sign_in_page(asked, _place(asked.secret("next")), 401, str(error), name)
    return _in(asked, cookie, _place(asked.secret("next")))


def _by_passkey(asked: ConsoleRequest) -> Response:
    place = _place(asked.secret("next"))
    try:
        cookie = asked.services.passkeys.sign_in(
            asked.form_token, asked.secret("step"), asked.secret("answer"), asked.address
        )
    except Unauthenticated as error:
        return _sign_in_page(asked, place, 401, str(error))
    return _in(asked, cookie, place)


def _to_provider(asked: ConsoleRequest) -> Response:
    if asked.who:
        return go("")
    place = _place(asked.query("next"))
    try:
        return RedirectResponse(asked.services.provider.begin(asked.form_token, place), 303)
    except Unauthenticated as error:
        return _sign_in_page(asked, place, 503, str(error))


def _from_provider(asked: ConsoleRequest) -> Response:
    if asked.who:
        return go("")
    try:
        parameters = dict(asked.request.query_params)
        cookie, place = asked.services.provider.finish(asked.form_token, parameters, asked.address)
    except Unauthenticated as error:
        return _sign_in_page(asked, HOME, 401, str(error))
    return _in(asked, cookie, place)


def _sign_out(asked: ConsoleRequest) -> Response:
    by_provider = asked.who is not None and asked.who.proven_by is ProvenBy.PROVIDER
    if asked.who:
        asked.services.accounts.sign_out(asked.who.cookie)
    response = go(f"{SIGN_IN}?out=1" if by_provider else SIGN_IN)
    response.delete_cookie(SESSION, path="/", httponly=True, samesite="lax")
    return response


def _first_form(asked: ConsoleRequest) -> Response:
    code = asked.query("code")
    if not asked.services.accounts.is_first(code):
        return page(asked, "no_first.html", 403)
    return _set_up_page(asked, "first", code=code)


def _first(asked: ConsoleRequest) -> Response:
    name, accounts = asked.text("name", most=64), asked.services.accounts
    return _set_up(
        asked,
        "first",
        lambda: accounts.begin_first(
            asked.secret("code"), name, asked.secret("password"), asked.secret("seed"), asked.secret("one_time")
        ),
    )


def _join_form(asked: ConsoleRequest) -> Response:
    return _set_up_page(asked, "join")


def _join(asked: ConsoleRequest) -> Response:
    accounts = asked.services.accounts
    return _set_up(
        asked,
        "join",
        lambda: accounts.join(
            asked.secret("token").strip(),
            asked.secret("password"),
            asked.secret("seed"),
            asked.secret("one_time"),
            asked.address,
        ),
    )


def _set_up(asked: ConsoleRequest, kind: str, begin: Callable[[], str]) -> Response:
    try:
        if asked.secret("password") != asked.secret("again"):
            raise BadRequest("the two passwords differ")
        return _in(asked, begin(), HOME)
    except (AlreadyExists, BadRequest, Unauthenticated) as error:
        return _set_up_page(asked, kind, 400, code=asked.secret("code"), fault=asked.words.gettext(str(error)))


def _set_up_page(asked: ConsoleRequest, kind: str, status: int = 200, code: str = "", fault: str = "") -> Response:
    """The form with a seed: the same again after a fault, since it may be in the device already."""
    sent = asked.secret("seed")
    seed = sent if _SEED.fullmatch(sent) else new_seed()
    name = asked.secret("name")[:64]
    return page(
        asked,
        "set_up.html",
        status,
        kind=kind,
        code=code[:100],
        fault=fault,
        seed=seed,
        picture=Markup(seed_picture("operator", seed)),  # noqa: S704  # an SVG of our own
        name=name,
    )


def _in(asked: ConsoleRequest, cookie: str, place: str) -> Response:
    """A session that did not exist before: whatever cookie the browser brought is worth nothing now."""
    if asked.who:
        asked.services.accounts.sign_out(asked.who.cookie)
    response = RedirectResponse(place, 303)
    remember(response, asked.request, SESSION, cookie)
    return response


def _language(asked: ConsoleRequest) -> Response:
    came_from = urlsplit(asked.request.headers.get("referer", ""))
    response = RedirectResponse(_place(came_from.path + (f"?{came_from.query}" if came_from.query else "")), 303)
    if asked.secret("language") in LANGUAGES:
        remember(response, asked.request, LANGUAGE, asked.secret("language"), max_age=365 * 86400)
    return response


def _place(text: str) -> str:
    """A page of the console to go on to: never another site's, whatever a link says."""
    return text if _PLACE.fullmatch(text) else HOME


PAGES = (
    ConsolePage(SIGN_IN, _form, public=True),
    ConsolePage(SIGN_IN, _sign_in, "POST", public=True),
    ConsolePage("/sign-in/passkey", _by_passkey, "POST", public=True),
    ConsolePage("/sign-in/provider", _to_provider, public=True),
    ConsolePage(PROVIDER_RETURNS, _from_provider, public=True),
    ConsolePage("/sign-out", _sign_out, "POST", public=True),
    ConsolePage("/first", _first_form, public=True),
    ConsolePage("/first", _first, "POST", public=True),
    ConsolePage("/join", _join_form, public=True),
    ConsolePage("/join", _join, "POST", public=True),
    ConsolePage("/language", _language, "POST", public=True),
)
