"""A normaliser's effect on people who were not used to make it: error rates by group at one threshold for all. The
threshold is where the mean FMR of the FairFace race-by-gender groups has a target value. Reported there: FMR of every
group and age band, and FNMR of LFW's women and men; and, for comparison with papers, LFW's FNMR at LFW's own FMR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.calibrate.curve import Impostors
from countenance.calibrate.duplicates import one_each
from countenance.calibrate.fit import People, impostor_groups, mated_pairs
from countenance.metrics import Extreme, Rate, max_over_min, tally
from countenance.scoring.normaliser import Normaliser

TARGETS = (1e-3, 3e-4)
"""Mean FMR over the race-by-gender groups at which everything is reported."""
FEWEST_PAIRS = 3000
"""Age bands with fewer pairs are listed but left out of ratios: less than about one false match is expected of them."""
_REPLICATES, _SEED = 1000, 0

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationPoint:
    """At one threshold: FMR of groups and age bands, FNMR of LFW (all, women, men), and the ratios of the extremes."""

    target: float
    threshold: float
    groups: tuple[tuple[str, Rate], ...]
    ages: tuple[tuple[str, Rate], ...]
    ratio: Extreme
    age_ratio: Extreme
    fnmr: tuple[tuple[str, Rate], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """points: one for each of `TARGETS`. press: LFW's own FMR target, its threshold, FNMR of all, women and men."""

    points: tuple[EvaluationPoint, ...]
    press: tuple[tuple[float, float, tuple[tuple[str, Rate], ...]], ...]


def evaluate(parts: Sequence[tuple[People, Normaliser]]) -> Evaluation:
    """Error rates of each part's people under that part's normaliser, pooled; no pair spans two parts."""
    groups, ages = impostor_groups(parts)
    mated = _mated(parts)
    faces = [g for g in groups if not g.name.startswith("press ")]
    points = tuple(_point(target, faces, groups, ages, mated) for target in TARGETS)
    press = []
    everyone = _press_impostors(parts)
    for target in (1e-3, 1e-4):
        threshold = float(everyone[len(everyone) - 1 - int(target * len(everyone))])
        press.append((target, threshold, _fnmr(mated, threshold)))
    return Evaluation(points, tuple(press))


def threshold_at_mean(groups: Sequence[Impostors], target: float) -> float:
    """The lowest threshold (to a millionth of the scores' range) at which the mean FMR over `groups` is at most
    `target`, on whatever scale the scores are.
    """
    low = min(float(g.scores[0]) for g in groups)
    high = max(float(g.scores[-1]) for g in groups)
    closest = (high - low) * 1e-6
    high += closest  # at the highest score itself, one pair still matches
    while high - low > closest:
        middle = (low + high) / 2
        mean = float(np.mean([g.above(middle) / len(g.scores) for g in groups]))
        low, high = (middle, high) if mean > target else (low, middle)
    return high


def _point(
    target: float, faces: Sequence[Impostors], groups: Sequence[Impostors], ages: Sequence[Impostors], mated: _Mated
) -> EvaluationPoint:
    threshold = threshold_at_mean(faces, target)
    rates = tuple((g.name, g.counted(threshold).rate()) for g in groups)
    by_age = tuple((a.name, a.counted(threshold).rate()) for a in ages)
    return EvaluationPoint(
        target,
        threshold,
        rates,
        by_age,
        max_over_min([r for name, r in rates if not name.startswith("press ")], _REPLICATES, _SEED),
        max_over_min([r for _, r in by_age if r.trials >= FEWEST_PAIRS], _REPLICATES, _SEED),
        _fnmr(mated, threshold),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Mated:
    scores: Numbers
    person: NDArray[np.int64]
    women: NDArray[np.bool_]


def _mated(parts: Sequence[tuple[People, Normaliser]]) -> _Mated:
    scores, person, women, before = [], [], [], 0
    for people, normaliser in parts:
        pairs = mated_pairs(people.press)
        probe, gallery = normaliser.probe_side(people.press.vectors), normaliser.gallery_side(people.press.vectors)
        scores.append(np.einsum("ij,ij->i", probe[pairs.first], gallery[pairs.second]))
        codes = np.unique(people.press.person, return_inverse=True)[1] + before
        person.append(codes[pairs.first])
        women.append(people.press.gender[pairs.first] == "female")
        before = int(codes.max()) + 1
    return _Mated(np.concatenate(scores).astype(np.float64), np.concatenate(person), np.concatenate(women))


def _fnmr(mated: _Mated, threshold: float) -> tuple[tuple[str, Rate], ...]:
    missed = mated.scores < threshold
    everyone = np.ones(len(missed), bool)
    return tuple(
        (name, tally(mated.person[rows], mated.person[rows], missed[rows]).rate())
        for name, rows in (("all", everyone), ("women", mated.women), ("men", ~mated.women))
    )


def _press_impostors(parts: Sequence[tuple[People, Normaliser]]) -> Numbers:
    scores = []
    for people, normaliser in parts:
        one = people.press[one_each(np.unique(people.press.person, return_inverse=True)[1].astype(np.int64))]
        i, j = np.triu_indices(len(one), 1)
        scores.append((normaliser.probe_side(one.vectors) @ normaliser.gallery_side(one.vectors).T)[i, j])
    return np.sort(np.concatenate(scores)).astype(np.float64)
