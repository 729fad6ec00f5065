"""What all wire operations share: the call to the guard, defaults, page tokens, the quality filter."""

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
    """Runs operations of one caller."""

    def __call__(self, operation: Operation[Seen, Result]) -> Result:
        """The result of `operation`, or an error of `countenance.errors`."""


WireOperation = Callable[[Params, GuardCall], Body]
"""From checked parameters to the members of the answer; calls the guard exactly once."""


def after(pages: Pages, operation: str, gallery_id: str, params: Params) -> str | None:
    """The cursor in the request's NextToken, if it has one. Programs begin with an empty one."""
    token = params.get("NextToken", "")
    return pages.cursor(operation, gallery_id, token) if token else None


def following(pages: Pages, operation: str, gallery_id: str, cursor: str | None) -> Body:
    """The NextToken of an answer, if there is a page to follow."""
    return {} if cursor is None else {"NextToken": pages.token(operation, gallery_id, cursor)}


def filter_or_none(params: Params) -> QualityFilter:
    """The QualityFilter of everything but IndexFaces."""
    return QualityFilter(params.get("QualityFilter", "NONE"))
