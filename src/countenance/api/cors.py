"""Lets pages of other origins, which the operator names, call a dialect from a browser."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

SHOWN = (
    "x-amzn-requestid",
    "x-countenance-receipt",
    "x-countenance-expected-false-matches",
    "x-countenance-left-out",
    "x-countenance-threshold",
    "x-countenance-appeal",
)
"""Headers of an answer that a page may read."""


def cross_origin(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app`, also for pages of those origins (`https://host`, or `*` for all); unchanged if there are none. A browser
    first sends OPTIONS, unsigned: that is answered here and goes no further.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(origins),
        allow_methods=["POST"],
        allow_headers=["*"],
        expose_headers=list(SHOWN),
        max_age=600,
    )
