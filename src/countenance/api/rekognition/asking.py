"""How one wire operation asks the guard, and what all of them share: page sizes, page tokens, quality filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from countenance.api.rekognition.answers import Body
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.shapes import Params
from countenance.operations import Operation, QualityFilter

Seen = TypeVar("Seen")
Result = TypeVar("Result")

SIMILARITY = 80.0
"""The threshold of searches and comparisons that name none: Rekognition's documented default."""

MATCHES = 80
"""Matches of a search that names no MaxFaces or MaxUsers; Rekognition documents no default."""


class GuardCall(Protocol):
    """One caller's way to the guard."""

    def __call__(self, ask: Operation[Seen, Result]) -> Result:
        """The result of `ask`, or an error of `countenance.errors`."""


Action = Callable[[Params, GuardCall], Body]
"""From checked parameters to the members of the answer; asks the guard exactly once."""


def after(pages: Pages, operation: str, gallery_id: str, params: Params) -> str | None:
    """The cursor in the request's NextToken, if it has one."""
    token = params.get("NextToken")
    return None if token is None else pages.cursor(operation, gallery_id, token)


def following(pages: Pages, operation: str, gallery_id: str, cursor: str | None) -> Body:
    """The NextToken of an answer, if there is a page to follow."""
    return {} if cursor is None else {"NextToken": pages.token(operation, gallery_id, cursor)}


def no_filter_unless_asked(params: Params) -> QualityFilter:
    """The QualityFilter of everything but IndexFaces."""
    return QualityFilter(params.get("QualityFilter", "NONE"))
