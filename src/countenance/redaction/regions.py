"""What is covered, what is left as it is, and why; and what a person should look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from countenance.faces import BoundingBox

LEAST_SCORE = 0.2
"""The detector's score from which a find is covered; the table `redaction` of docs/benchmarks.md has what it finds."""

SURE_SCORE = 0.6
"""The detector's score below which a person should look whether a find is a face: where detection itself begins."""

_INSIDE = 0.5


class RegionOrigin(StrEnum):
    """How a region of a picture or frame came about."""

    FOUND = "found"
    BETWEEN = "between"
    """Interpolated between two frames in which the face was found."""
    HELD = "held"
    """Shortly before the first, or after the last frame in which the face was found."""


@dataclass(frozen=True, slots=True)
class Region:
    """One face's box. score: the detector's, 0..1; of the nearer find for what was not found itself."""

    box: BoundingBox
    score: float
    why: RegionOrigin = RegionOrigin.FOUND

    @property
    def sure(self) -> bool:
        """Whether nobody needs to look at it."""
        return self.why is RegionOrigin.FOUND and self.score >= SURE_SCORE


def chosen(box: BoundingBox, boxes: Iterable[BoundingBox]) -> bool:
    """Whether half of the face at `box`, or more, lies in one of `boxes`."""
    return any(_shared(box, each) >= _INSIDE * box.area for each in boxes)


def _shared(one: BoundingBox, other: BoundingBox) -> float:
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return max(0.0, width) * max(0.0, height)
