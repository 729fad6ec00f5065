"""Scores of pairs, checked once. Every 1:1 figure is computed from them.

Scores are kept so that larger means more alike; distances are negated on the way in and `natural` turns a threshold
back. A score that a vendor did not report because it lay below its own threshold is kept as "below the censor point":
it counts as a non-match at every threshold from there up, and no rate below the censor point can be asked for.
A comparison that failed (no face found in one of the images) has no score at all and is counted apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Floats
from countenance.metrics.statistics.labels import Codes, Mask, code_groups, code_people, flags, numbers

SAMPLED = 200_000
"""Scores of each kind that are looked at to find out which way they run."""
UNCERTAIN = 0.05
"""How near to one half an AUC says nothing."""


@dataclass(frozen=True, slots=True)
class DataFinding:
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
    """False where the AUC is within `UNCERTAIN` of one half, or within three standard errors of it."""


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
    findings: tuple[DataFinding, ...] = field(default=())

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
        raw = numbers(score, "score")
        n = len(raw)
        if n == 0:
            raise BadRequest("there is no comparison to measure")
        is_mated = flags(mated, "mated", n)
        is_failed = flags(failed, "failed", n) if failed is not None else np.zeros(n, bool)
        is_censored = flags(censored, "censored", n) & ~is_failed if censored is not None else np.zeros(n, bool)
        scored = ~is_failed & ~is_censored
        bad = int((~np.isfinite(raw[scored])).sum())
        if bad:
            raise BadRequest(f"{bad} scores are NaN or infinite; mark comparisons without a score as failed")
        if is_censored.any() and censor_point is None:
            raise BadRequest("scores are marked as below the vendor's threshold, and the threshold is not given")
        names, a_group, b_group = code_groups(first_group, second_group, groups, n)
        a, b = code_people(first, second, n)
        findings = _contradictions(a, b, is_mated)
        larger, more = _oriented(raw, is_mated, scored, a_group, names, larger_is_more_alike)
        findings += more
        signed = raw if larger else -raw
        point = None if censor_point is None else float(censor_point if larger else -censor_point)
        if point is not None and (signed[scored] < point).any():
            raise BadRequest("a score lies beyond the threshold below which the vendor is said to give none")
        kept = np.where(is_failed, np.nan, np.where(is_censored, -np.inf, signed))
        findings += _gaps(is_mated, is_failed, a_group, b_group, names)
        findings += _repeats(a, b, signed, scored) + _wanderers(a, b, a_group, b_group, len(names))
        return cls(kept, is_mated, a, b, a_group, b_group, names, is_failed, point, not larger, tuple(findings))

    def __len__(self) -> int:
        """Number of comparisons, failed ones included."""
        return len(self.score)

    @property
    def has_people(self) -> bool:
        """Whether it is known who is in each comparison."""
        return len(self.first) > 0

    def natural(self, threshold: float) -> float:
        """Turn a threshold of this class into one in the direction of the original scores (a distance, say)."""
        return -threshold if self.negated else threshold

    def internal(self, threshold: float) -> float:
        """Turn a threshold in the direction of the original scores into one of this class: larger is more alike."""
        return -threshold if self.negated else threshold

    def check_threshold(self, threshold: float) -> float:
        """`threshold` itself; a `BadRequest` where it is not finite or lies below the censor point."""
        if not np.isfinite(threshold):
            raise BadRequest(f"a threshold is a finite number, got {threshold}")
        if self.censor_point is not None and threshold < self.censor_point:
            point, asked = self.natural(self.censor_point), self.natural(threshold)
            raise BadRequest(
                f"no score was reported beyond {point:.6g}, so nothing is known at a threshold of {asked:.6g}"
            )
        return float(threshold)

    def only(self, keep: ArrayLike) -> Comparisons:
        """These comparisons where `keep` (bool, (n,)); groups, codes and findings stay as they are."""
        mask = flags(keep, "keep", len(self))
        people = (self.first[mask], self.second[mask]) if self.has_people else (self.first, self.second)
        return replace(
            self,
            score=self.score[mask],
            mated=self.mated[mask],
            first=people[0],
            second=people[1],
            first_group=self.first_group[mask],
            second_group=self.second_group[mask],
            failed=self.failed[mask],
        )


def direction(score: ArrayLike, mated: ArrayLike) -> Direction:
    """Which way finite scores run, from the AUC of mated against non-mated pairs (ties count half).

    At most `SAMPLED` of each kind are looked at, evenly spread. BadRequest where one of the two kinds is missing: then
    the caller has to say it.
    """
    values = numbers(score, "score")
    same = flags(mated, "mated", len(values))
    genuine, impostor = values[same], values[~same]
    if not (len(genuine) and len(impostor)):
        raise BadRequest("the direction of scores is found from mated and non-mated pairs; say it where one is missing")
    genuine = genuine[:: -(-len(genuine) // SAMPLED)]
    impostor = np.sort(impostor[:: -(-len(impostor) // SAMPLED)])
    below = np.searchsorted(impostor, genuine, "left") + np.searchsorted(impostor, genuine, "right")
    auc = float(below.mean() / 2 / len(impostor))
    noise = np.sqrt((len(genuine) + len(impostor) + 1) / (12 * len(genuine) * len(impostor)))  # Mann and Whitney 1947
    return Direction(auc >= 0.5, auc, abs(auc - 0.5) > max(UNCERTAIN, 3 * noise))


def impostor_protocol(
    mated: Mask, first: Mapping[str, ArrayLike], second: Mapping[str, ArrayLike], same: Sequence[str]
) -> Mask:
    """Rows of a matched-impostor protocol: all mated pairs, and the non-mated ones that agree in each column of `same`.

    same: ["sex"], ["sex", "race"], ...; empty: all impostors. first, second: columns (n,) of the two sides. A column
    that is not there is a `BadRequest`.
    """
    keep = np.ones(len(mated), bool)
    for name in same:
        if name not in first or name not in second:
            raise BadRequest(f"impostors cannot be matched by {name!r}: there is no such column")
        a, b = np.asarray(first[name]), np.asarray(second[name])
        if a.shape != keep.shape or b.shape != keep.shape:
            raise BadRequest(f"the column {name!r} has {len(a)} and {len(b)} rows, expected {len(keep)}")
        keep &= a == b
    return np.asarray(keep | mated, bool)


def _contradictions(a: Codes, b: Codes, mated: Mask) -> list[DataFinding]:
    if not len(a):
        text = "it is not known who is in each comparison: intervals take comparisons as independent and are too narrow"
        return [DataFinding("no-people", text, len(mated))]
    different = int((mated & (a != b)).sum())
    same = int((~mated & (a == b)).sum())
    if different:
        raise BadRequest(f"{different} comparisons of two different people are marked as mated")
    if same:
        raise BadRequest(f"{same} comparisons of one person with themselves are marked as not mated")
    return []


def _oriented(
    score: Floats, mated: Mask, scored: Mask, group: Codes, names: tuple[str, ...], declared: bool | None
) -> tuple[bool, list[DataFinding]]:
    """Whether larger is more alike; a contradiction between groups, or of what was declared, is a `BadRequest`."""
    both = bool((mated & scored).any() and (~mated & scored).any())
    if not both:
        if declared is None:
            raise BadRequest(
                "the direction of scores cannot be found without mated and non-mated pairs: "
                "say whether they are similarities or distances"
            )
        return declared, []
    overall = direction(score[scored], mated[scored])
    larger = overall.larger_is_more_alike if declared is None else declared
    if overall.certain and overall.larger_is_more_alike != larger:
        raise BadRequest(f"the scores run the other way than was said: AUC {overall.auc:.3f}")
    for g, name in enumerate(names):
        here = scored & (group == g)
        if min((here & mated).sum(), (here & ~mated).sum()) < 10:
            continue
        own = direction(score[here], mated[here])
        if own.certain and own.larger_is_more_alike != larger:
            raise BadRequest(f"the scores of group {name!r} run the other way than the others': AUC {own.auc:.3f}")
    if overall.certain or (declared is not None and abs(overall.auc - 0.5) > UNCERTAIN):
        return larger, []
    text = f"mated and non-mated scores hardly differ (AUC {overall.auc:.3f}) or are too few to tell which way they run"
    return larger, [DataFinding("direction-uncertain", text)]


def _gaps(mated: Mask, failed: Mask, a: Codes, b: Codes, names: tuple[str, ...]) -> list[DataFinding]:
    findings = []
    if not (mated & ~failed).any():
        findings.append(DataFinding("no-mated", "no mated comparison has a score: FNMR cannot be measured"))
    if not (~mated & ~failed).any():
        findings.append(DataFinding("no-non-mated", "no non-mated comparison has a score: FMR cannot be measured"))
    rows = np.bincount(a, minlength=len(names)) + np.bincount(b, minlength=len(names))
    empty = tuple(name for name, count in zip(names, rows, strict=True) if not count)
    if len(names) == 1:
        findings.append(DataFinding("single-group", "there is one group only: nothing can be compared", groups=names))
    if empty:
        findings.append(DataFinding("empty-groups", "declared groups without any comparison", len(empty), empty))
    if failed.any():
        findings.append(
            DataFinding("failed", "comparisons without a score, counted as failures to acquire", int(failed.sum()))
        )
    return findings


def _repeats(a: Codes, b: Codes, score: Floats, scored: Mask) -> list[DataFinding]:
    """Rows with the same two people and the very same score: likely the same comparison twice."""
    if not len(a):
        return []
    low, high = np.minimum(a, b)[scored].astype(np.uint64), np.maximum(a, b)[scored].astype(np.uint64)
    bits = (score[scored] + 0.0).view(np.uint64)
    mixed = (low * np.uint64(0x9E3779B97F4A7C15) ^ high) * np.uint64(0xC2B2AE3D27D4EB4F) ^ bits
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x165667B19E3779F9)
    mixed.sort()
    count = int((mixed[1:] == mixed[:-1]).sum())
    text = "comparisons of the same two people with exactly the same score: duplicated rows, or scores rounded coarsely"
    return [DataFinding("duplicates", text, count)] if count else []


def _wanderers(a: Codes, b: Codes, a_group: Codes, b_group: Codes, groups: int) -> list[DataFinding]:
    if not len(a):
        return []
    seen = np.unique(np.concatenate([a * groups + a_group, b * groups + b_group]))
    count = int((np.bincount(seen // groups) > 1).sum())
    text = "people with images in several groups: they count in each, and intervals know that it is one person"
    return [DataFinding("several-groups", text, count)] if count else []
