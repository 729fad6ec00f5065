"""How people judge two pictures of faces: a feature list, graded conclusions, and the rule that combines them.

The components follow, in short and in our words, the order of the feature list for morphological analysis of FISWG
(version 2.0, 2018; ASTM E3149): from the top of the face down, which is not an order of importance. There are no
measurements: distances in pictures mislead (ASTM E3149 discourages photo-anthropometry).

Several people's ratings are combined because that is more accurate than any one of them (White et al. 2015, Phillips et
al. 2018). They are graded because asking for yes or no shifts where people draw the line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median_low


class Grade(StrEnum):
    """What a reviewer concludes from two pictures."""

    STRONG_SAME = "strong-same"
    MODERATE_SAME = "moderate-same"
    LIMITED_SAME = "limited-same"
    NEITHER = "neither"
    LIMITED_DIFFERENT = "limited-different"
    MODERATE_DIFFERENT = "moderate-different"
    STRONG_DIFFERENT = "strong-different"
    INSUFFICIENT = "insufficient"
    """the pictures do not show enough to conclude anything"""

    @property
    def level(self) -> int:
        """From 3 (strong support for the same person) to -3 (for different people); insufficient is 0 too."""
        return _LEVELS.get(self, 0)

    @property
    def side(self) -> int:
        """1 for the same person, -1 for different people, 0 for neither."""
        return (self.level > 0) - (self.level < 0)


_LEVELS = {
    Grade.STRONG_SAME: 3,
    Grade.MODERATE_SAME: 2,
    Grade.LIMITED_SAME: 1,
    Grade.LIMITED_DIFFERENT: -1,
    Grade.MODERATE_DIFFERENT: -2,
    Grade.STRONG_DIFFERENT: -3,
}
_BY_LEVEL = {0: Grade.NEITHER, **{level: grade for grade, level in _LEVELS.items()}}


class PartFinding(StrEnum):
    """What two pictures show of one component."""

    SIMILAR = "similar"
    DIFFERENT = "different"
    UNCLEAR = "unclear"
    """not visible well enough in one of them"""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the face to compare. looks_at: which of its features."""

    id: str
    name: str
    looks_at: str


COMPONENTS: tuple[Component, ...] = tuple(
    Component(*row)
    for row in (
        ("outline", "head and face outline", "shape, proportions of its parts to one another"),
        ("hairline", "hairline", "shape, bald places"),
        ("forehead", "forehead", "shape, lines"),
        ("eyebrows", "eyebrows", "shape, thickness, distance to the eyes"),
        ("eyes", "eyes", "shape of the opening, lids, corners, iris"),
        ("cheeks", "cheeks", "bones, folds"),
        ("nose", "nose", "root, ridge, tip, nostrils"),
        ("ears", "ears", "rim, lobe, inner folds, how they stand"),
        ("mouth", "mouth", "lips, groove above, corners"),
        ("chin", "chin and jaw line", "shape, cleft, angle"),
        ("neck", "neck", "lines, larynx"),
        ("facial-hair", "facial hair", "where it grows, density"),
        ("lines", "lines of the skin", "folds that stay"),
        ("marks", "scars and marks", "place and shape of scars, moles, freckles"),
        ("alterations", "alterations", "piercings, tattoos, make-up"),
    )
)


@dataclass(frozen=True, slots=True)
class ReviewJudgement:
    """What one reviewer concluded of one candidate.

    features: by component; a component that is missing was not looked at.
    """

    reviewer: str
    grade: Grade
    features: Mapping[str, PartFinding]
    remarks: str
    at: datetime


@dataclass(frozen=True, slots=True)
class LeadConclusion:
    """The conclusion from all judgements of one candidate.

    grade: the combined one; None while somebody still has to judge.
    """

    place: int
    judgements: tuple[ReviewJudgement, ...]
    grade: Grade | None

    @property
    def upheld(self) -> bool:
        """Whether the lead stands: the combined conclusion supports the same person."""
        return self.grade is not None and self.grade.side > 0


def still_wanted(grades: Sequence[Grade], reviewers: int) -> int:
    """How many people still have to judge, if the rules demand `reviewers` (2 or more)."""
    if len(grades) < reviewers:
        return reviewers - len(grades)
    return 1 if len(grades) == reviewers and len({grade.side for grade in grades}) > 1 else 0


def fused(grades: Sequence[Grade], reviewers: int) -> Grade | None:
    """The combined conclusion; None while somebody still has to judge. If all reviewers are on one side, it is the
    weakest of their grades. If not, one more reviewer judges, and it is the median of all grades (of two in the middle,
    the one further from the same person), where insufficient counts as neither. If the median is neither and more than
    half say insufficient, it is insufficient.
    """
    if still_wanted(grades, reviewers):
        return None
    if len(grades) == reviewers:
        weakest = min(grades, key=lambda grade: abs(grade.level))
        level = weakest.level
    else:
        level = median_low([grade.level for grade in grades])
    if level == 0 and 2 * sum(grade is Grade.INSUFFICIENT for grade in grades) > len(grades):
        return Grade.INSUFFICIENT
    return _BY_LEVEL[level]
