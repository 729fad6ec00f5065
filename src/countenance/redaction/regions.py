"""What is covered, what stays uncovered, and why; and what a person should check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from countenance.faces import BoundingBox

LEAST_SCORE = 0.2
"""The detector's score from which a find is covered; see the table `redaction` in docs/benchmarks.md."""

SURE_SCORE = 0.6
"""Below this score of the detector a person should check whether a find is a face: ordinary detection starts here."""

_INSIDE = 0.5


class RegionOrigin(StrEnum):
    """How a region of a picture or frame was found."""

    FOUND = "found"
    BETWEEN = "between"
    """Interpolated between two frames in which the face was found."""
    HELD = "held"
    """Shortly before the first, or after the last frame in which the face was found."""


@dataclass(frozen=True, slots=True)
class Region:
    """One face's box. score: the detector's, 0..1; that of the nearer find if the box itself was not found."""

    box: BoundingBox
    score: float
    why: RegionOrigin = RegionOrigin.FOUND

    @property
    def sure(self) -> bool:
        """Whether nobody needs to check it."""
        return self.why is RegionOrigin.FOUND and self.score >= SURE_SCORE


def chosen(box: BoundingBox, boxes: Iterable[BoundingBox]) -> bool:
    """Whether half of the face at `box`, or more, lies in one of `boxes`."""
    return any(_shared(box, each) >= _INSIDE * box.area for each in boxes)


def _shared(one: BoundingBox, other: BoundingBox) -> float:
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    return max(0.0, width) * max(0.0, height)
