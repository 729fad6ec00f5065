"""Scores of pairs, checked once: what every 1:1 figure is computed from.

Scores are kept so that larger means more alike; distances are negated on the way in and `natural` turns a threshold
back. A score that a vendor did not report because it lay below its own threshold is kept as "below the censor point":
it counts as a non-match at every threshold from there up, and no rate below the censor point can be asked for.
A comparison that failed (no face found in one of the images) has no score at all and is counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.audit.metrics.intervals import Floats

Codes = NDArray[np.int64]
"""int64 codes, shape (n,): 0.. into a tuple of names, or any number that stands for a person."""

Mask = NDArray[np.bool_]
"""bool, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about the data that a reader must know. kind: a stable id; count: rows or groups concerned."""

    kind: str
    text: str
    count: int = 0
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Direction:
    """Which way the scores run. auc: chance that a mated pair scores above a non-mated one, 0..1."""

    larger_is_more_alike: bool
    auc: float
    certain: bool
    """False where the AUC is within 0.05 of one half: such scores do not tell people apart, or labels are wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """n scored pairs. Made by `Comparisons.of`, which checks everything.

    score: float64 (n,), larger is more alike, -inf where below the censor point, NaN where failed.
    mated: bool (n,), whether both images show the same person.
    first, second: int64 (n,), the two people's codes, or empty arrays where people are not known.
    first_group, second_group: int64 (n,), codes into `groups`.
    failed: bool (n,), no score could be had. censor_point: the lowest threshold that can be asked about, or None.
    """

    score: Floats
    mated: Mask
    first: Codes
    second: Codes
    first_group: Codes
    second_group: Codes
    groups: tuple[str, ...]
    failed: Mask
    censor_point: float | None
    negated: bool
    findings: tuple[Finding, ...] = field(default=())

    @classmethod
    def of(
        cls,
        score: ArrayLike,
        mated: ArrayLike,
        *,
        first: ArrayLike | None = None,
        second: ArrayLike | None = None,
        first_group: ArrayLike | None = None,
        second_group: ArrayLike | None = None,
        groups: Sequence[str] | None = None,
        failed: ArrayLike | None = None,
        censored: ArrayLike | None = None,
        censor_point: float | None = None,
        larger_is_more_alike: bool | None = None,
    ) -> Comparisons:
        """Check and encode `n` comparisons.

        score: (n,) finite numbers; anything at all where `failed` or `censored`. mated: (n,) bool or 0/1.
        first, second: (n,) people (strings or integers); without them intervals take trials as independent, which
        is a finding. first_group, second_group: (n,) strings, or codes into `groups`; second_group defaults to
        first_group; without both everybody is in one group, "all". `groups` may name groups without any row: they
        are kept, empty. censored: (n,) bool, the vendor gave no score because it was below `censor_point`, which is
        given in the scores' own direction. larger_is_more_alike: None finds it out (`direction`).

        BadRequest: lengths differ; a score that is NaN or infinite; no comparison at all; a label that is not 0/1; the
        same person marked as not mated, or two people marked as mated; the same two people marked both ways;
        directions that differ by group; censored rows without a censor point, or a reported score below it.
        Findings: no mated or no non-mated pairs, a single group, empty groups, exact duplicates, a person in several
        groups, no people given, direction uncertain.
        """
        raise NotImplementedError

    def __len__(self) -> int:
        """Number of comparisons, failed ones included."""
        return len(self.score)

    def natural(self, threshold: float) -> float:
        """A threshold of this class in the direction of the scores that came in (a distance, say)."""
        return -threshold if self.negated else threshold

    def internal(self, threshold: float) -> float:
        """A threshold in the incoming direction as this class and its users take it."""
        return -threshold if self.negated else threshold

    def only(self, keep: ArrayLike) -> Comparisons:
        """These comparisons where `keep` (bool, (n,)); groups and codes stay as they are."""
        raise NotImplementedError


def direction(score: ArrayLike, mated: ArrayLike) -> Direction:
    """Which way finite scores run, from the AUC of mated against non-mated pairs (ties count half).

    BadRequest where one of the two kinds is missing: then the caller has to say it.
    """
    raise NotImplementedError


def intersections(labels: Mapping[str, ArrayLike]) -> NDArray[np.str_]:
    """One composite label per row, "woman / 20-29", from several columns of labels, each (n,)."""
    raise NotImplementedError


def impostor_protocol(
    mated: Mask, first: Mapping[str, ArrayLike], second: Mapping[str, ArrayLike], same: Sequence[str]
) -> Mask:
    """Rows of a matched-impostor protocol: all mated pairs, and the non-mated pairs that agree in every column of
    `same` (["sex"], ["sex", "race"], ...; empty: all impostors).

    first, second: columns (n,) of the two sides. A column that is not there is a `BadRequest`.
    """
    raise NotImplementedError
