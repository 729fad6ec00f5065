"""From values to pages: one frame, one way to say that something went wrong."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from markupsafe import Markup
from starlette.responses import HTMLResponse, RedirectResponse, Response

from countenance import errors
from countenance.administration import Decision, Role, two_digits
from countenance.api.native.problems import INTERNAL_DETAIL, KINDS
from countenance.console.asked import ConsoleRequest
from countenance.console.words import LANGUAGES
from countenance.drawing.html import translated

HOME = "/console"
MENU: tuple[tuple[str, str, frozenset[Role]], ...] = (
    ("", "Overview", frozenset()),
    ("/try", "Try it", frozenset({Role.REQUEST})),
    ("/search", "Search", frozenset({Role.REQUEST})),
    ("/cases", "Cases", frozenset({Role.REQUEST, Role.APPROVE})),
    ("/videos", "Videos", frozenset({Role.REQUEST, Role.APPROVE})),
    ("/review", "Review", frozenset({Role.REVIEW, Role.APPROVE})),
    ("/mandates", "Mandates", frozenset()),
    ("/galleries", "Galleries", frozenset({Role.REQUEST})),
    ("/policy", "Policy", frozenset()),
    ("/moratoria", "Moratoria", frozenset()),
    ("/ledger", "Ledger", frozenset()),
    ("/evidence", "Evidence", frozenset()),
    ("/audits", "Audits", frozenset({Role.AUDIT})),
    ("/operators", "Operators", frozenset()),
    ("/settings", "Settings", frozenset()),
)
"""Path below `HOME`, name, and the roles that it is of use to; none for everybody."""


def page(asked: ConsoleRequest, template: str, status: int = 200, **values: object) -> HTMLResponse:
    """The page that a template makes of `values`, in the frame and the language of whoever asks."""
    who = asked.who.operator if asked.who else None
    menu = [
        (HOME + path, asked.words.gettext(name), _here(asked.request.url.path, HOME + path))
        for path, name, roles in MENU
        if who and (not roles or who.roles & roles)
    ]
    return HTMLResponse(
        translated(
            "countenance.console",
            template,
            asked.words,
            home=HOME,
            who=who,
            menu=menu,
            language=asked.language,
            languages=LANGUAGES,
            form_token=asked.form_token,
            refused=asked.refused,
            typed=asked.typed,
            faulty_field=asked.faulty_field,
            invalid=partial(_invalid, asked),
            day=day,
            moment=moment,
            number=_number,
            two_digits=two_digits,
            **values,
        ),
        status,
    )


def _invalid(asked: ConsoleRequest, name: str) -> str:
    """Attributes of a field: what says that it was refused, and why, to those who do not see it."""
    return Markup(' aria-invalid="true" aria-describedby="refused"') if asked.faulty_field == name else ""


def go(path: str) -> Response:
    """On to another page of the console, after something was done."""
    return RedirectResponse(HOME + path, 303)


def faulty(asked: ConsoleRequest, error: errors.CountenanceError) -> HTMLResponse:
    """The page of an error, with the rules' reasons where they refused. What is internal is not told."""
    kind = next(KINDS[each] for each in type(error).__mro__ if each in KINDS)
    decision = getattr(error, "decision", None)
    refused = decision.record() if isinstance(decision, Decision) and not decision.permitted else None
    response = page(
        asked,
        "fault.html",
        kind.status,
        title=asked.words.gettext(kind.title),
        says=INTERNAL_DETAIL if kind.status == 500 else str(error),
        decision=refused,
        unfit=isinstance(error, errors.NoFace | errors.ImageError),
        receipt=error.receipt,
        back=_page_before(asked),
    )
    if kind.status in (429, 503):
        response.headers["retry-after"] = "60"
    return response


def _page_before(asked: ConsoleRequest) -> str:
    """The page of the console whose form was sent, as path and query; empty where the browser names no such page."""
    headers = asked.request.headers
    scheme, _, address = headers.get("referer", "").partition("://")
    host, slash, path = address.partition("/")
    ours = scheme in ("http", "https") and host == headers.get("host") and f"/{path}".startswith(HOME + "/")
    return f"{slash}{path.partition('#')[0]}" if ours and asked.request.method == "POST" else ""


def day(at: datetime | None) -> str:
    """A day, UTC."""
    return "" if at is None else f"{at:%Y-%m-%d}"


def moment(at: datetime | None) -> str:
    """A time to the minute, UTC."""
    return "" if at is None else f"{at:%Y-%m-%d %H:%M} UTC"


def clock(moment_ms: int) -> str:
    """A time from the beginning of a video."""
    seconds = moment_ms // 1000
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"


def _here(path: str, of: str) -> bool:
    return path == of or (of != HOME and path.startswith(of + "/"))
