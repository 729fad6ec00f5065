"""The console as one ASGI application: its pages behind the door, and the files that they are dressed with."""

from __future__ import annotations

from importlib.resources import files

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from countenance.administration import FINE_PRINT_SCRIPT
from countenance.console import (
    audits,
    casework,
    galleries,
    leads,
    ledger,
    mandates,
    people,
    reviewing,
    rules,
    signing_in,
    start,
    stops,
    trying,
    videos,
)
from countenance.console.door import HEADERS, ConsolePage, Door
from countenance.console.looks import page
from countenance.console.services import ConsoleServices

PREFIX = "/console"
PAGES: tuple[ConsolePage, ...] = (
    *signing_in.PAGES,
    *start.PAGES,
    *trying.PAGES,
    *leads.PAGES,
    *casework.PAGES,
    *videos.PAGES,
    *reviewing.PAGES,
    *mandates.PAGES,
    *galleries.PAGES,
    *rules.PAGES,
    *stops.PAGES,
    *ledger.PAGES,
    *audits.PAGES,
    *people.PAGES,
)
"""Every page; a test asks each of them as nobody, and with roles that it does not take."""

_FILES = {"console.css": "text/css", "icon.svg": "image/svg+xml"}
_FILES |= dict.fromkeys(("passkeys.js", "progress.js", "proofs.js", rules.FINE_PRINT), "text/javascript")
_NOWHERE = ConsolePage("/{rest:path}", lambda asked: page(asked, "nowhere.html", 404), public=True)


def app(services: ConsoleServices) -> ASGIApp:
    """The application, which answers `PREFIX` and everything below it; `/` leads there."""
    door = Door(services)
    routes: list[BaseRoute] = [
        Route("/", _home, methods=["GET"]),
        Route(f"{PREFIX}/static/{{name}}", _file, methods=["GET"]),
    ]
    routes += [Route(PREFIX + each.path, door.endpoint(each), methods=[each.method]) for each in (*PAGES, _NOWHERE)]
    return Starlette(routes=routes)


async def _home(_request: Request) -> Response:
    return RedirectResponse(PREFIX, 307)


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _FILES:
        return Response(status_code=404)
    if name == rules.FINE_PRINT:
        content = FINE_PRINT_SCRIPT.encode()
    else:
        content = files("countenance.console").joinpath("static", name).read_bytes()
    return Response(content, media_type=_FILES[name], headers={**HEADERS, "cache-control": "public, max-age=300"})
