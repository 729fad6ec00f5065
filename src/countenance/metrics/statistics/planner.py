"""How many people a question needs, and what these people can answer.

For the ratio R of two FMRs measured on all pairs within two groups, one image per person, N people in a group:
Var(ln FMR) ~ 4·cv2/N + 2/(N(N-1)·FMR), the two terms of a U-statistic's variance, with cv2 the relative variance of
people's personal FMR (lambs and wolves; 0: all alike, 1: usual, 4: strong). A difference is shown with the stated power
where Var_1 + Var_2 <= (ln R)² / (z_{1-a/2} + z_power)²; FNMRs are two proportions of mated comparisons.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics import special

MOST_SUBJECTS = 10**9
"""More people than this is answered with a `BadRequest`: the question cannot be asked of anybody."""


@dataclass(frozen=True, slots=True)
class Design:
    """A question. fmr: of the better group. tests: hypotheses in the family, each at alpha/tests (Bonferroni)."""

    fmr: float
    power: float = 0.8
    alpha: float = 0.05
    cv2: float = 1.0
    tests: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.fmr < 1:
            raise BadRequest(f"a false match rate to plan for lies between 0 and 1, got {self.fmr}")
        if not (0 < self.power < 1 and 0 < self.alpha < 1 and self.cv2 >= 0 and self.tests >= 1):
            raise BadRequest("a design has power and alpha between 0 and 1, cv2 >= 0 and at least one test")

    @property
    def quantiles(self) -> float:
        """z_{1-a/2} + z_power, alpha shared out over the tests."""
        return float(special.ndtri(1 - self.alpha / self.tests / 2) + special.ndtri(self.power))


def _variance(people: float, fmr: float, cv2: float) -> float:
    """Variance of ln FMR from all pairs of so many people."""
    return math.inf if people < 2 else 4 * cv2 / people + 2 / (people * (people - 1) * fmr)


def subjects_for_ratio(ratio: float, design: Design) -> int:
    """People per group needed to show that one FMR is `ratio` (> 1) times the other."""
    if not (math.isfinite(ratio) and ratio > 1):
        raise BadRequest(f"a ratio to show is above 1, got {ratio}")
    if ratio * design.fmr >= 1:
        raise BadRequest("the worse group's false match rate would be 1 or more")
    room = (math.log(ratio) / design.quantiles) ** 2
    return _fewest(lambda n: sum(_variance(n, f, design.cv2) for f in (design.fmr, ratio * design.fmr)) <= room)


def ratio_for_subjects(first: int, second: int, design: Design) -> float:
    """The smallest ratio that groups of these sizes can show with the design's power; infinite where none.

    first: people in the better group, second: in the worse.
    """

    def enough(ln_ratio: float) -> bool:
        variance = _variance(first, design.fmr, design.cv2)
        return (
            variance + _variance(second, design.fmr * math.exp(ln_ratio), design.cv2)
            <= (ln_ratio / design.quantiles) ** 2
        )

    low, high = 0.0, -math.log(design.fmr)
    if not enough(high):
        return math.inf
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return math.exp(high)


def subjects_for_equivalence(margin: float, design: Design) -> int:
    """People per group needed to show by TOST that two equal FMRs are within a factor of `margin`.

    Both one-sided tests reject with the design's power when ln margin >= (z_{1-a} + z_{(1+power)/2})·s.d.
    """
    if not (math.isfinite(margin) and margin > 1):
        raise BadRequest(f"a margin is a ratio above 1, got {margin}")
    need = float(special.ndtri(1 - design.alpha / design.tests) + special.ndtri((1 + design.power) / 2))
    room = (math.log(margin) / need) ** 2
    return _fewest(lambda n: 2 * _variance(n, design.fmr, design.cv2) <= room)


def attempts_for_fnmr(
    better: float,
    worse: float,
    power: float = 0.8,
    alpha: float = 0.05,
    tests: int = 1,
    design_effect: float = 1.0,
) -> int:
    """Mated comparisons per group needed to tell two FNMRs apart (two-sided test of two proportions, normal theory).

    design_effect: >= 1, how much more comparisons are needed because a person gives several.
    """
    if not 0 <= better < worse <= 1:
        raise BadRequest(f"two FNMRs to tell apart are 0 <= better < worse <= 1, got {better} and {worse}")
    if design_effect < 1:
        raise BadRequest(f"a design effect is at least 1, got {design_effect}")
    z_alpha, z_power = _normal(power, alpha, tests)
    mean = (better + worse) / 2
    spread = z_alpha * math.sqrt(2 * mean * (1 - mean)) + z_power * math.sqrt(
        better * (1 - better) + worse * (1 - worse)
    )
    return math.ceil(design_effect * (spread / (worse - better)) ** 2)


def fnmr_for_attempts(
    better: float,
    attempts: int,
    power: float = 0.8,
    alpha: float = 0.05,
    tests: int = 1,
    design_effect: float = 1.0,
) -> float:
    """The smallest worse FNMR that so many mated comparisons per group can tell from `better`; NaN where none."""
    if attempts < attempts_for_fnmr(better, 1.0, power, alpha, tests, design_effect):
        return math.nan
    low, high = better, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = attempts_for_fnmr(better, middle, power, alpha, tests, design_effect) <= attempts
        low, high = (low, middle) if enough else (middle, high)
    return high


def smallest_fmr(subjects: int, errors: int = 30) -> float:
    """The lowest FMR at which all pairs of one group of this size give `errors` false matches on average, at most 1."""
    if subjects < 2:
        return 1.0
    return min(1.0, errors / (subjects * (subjects - 1) / 2))


def relative_variance(errors: ArrayLike, trials: ArrayLike) -> float:
    """cv2 from pilot counts of false matches by person, (k,) each: spread of personal FMR beyond chance, >= 0.

    Method of moments, h_i errors in n_i trials at pooled rate p: (sum (h_i - n_i p)² - sum n_i p (1-p)) / sum n_i² p².
    """
    h, n = np.asarray(errors, np.float64), np.asarray(trials, np.float64)
    if h.shape != n.shape or h.ndim != 1 or (h < 0).any() or (h > n).any():
        raise BadRequest("pilot counts are two columns by person, errors never above trials")
    if n.sum() == 0 or h.sum() == 0:
        raise BadRequest("a spread of false match rates cannot be estimated without a false match")
    p = h.sum() / n.sum()
    excess = float(((h - n * p) ** 2).sum() - (n * p * (1 - p)).sum())
    return max(excess / float((n * p) @ (n * p)), 0.0)


def _normal(power: float, alpha: float, tests: int) -> tuple[float, float]:
    if not (0 < power < 1 and 0 < alpha < 1 and tests >= 1):
        raise BadRequest("power and alpha lie between 0 and 1, and there is at least one test")
    return float(special.ndtri(1 - alpha / tests / 2)), float(special.ndtri(power))


def _fewest(enough: Callable[[int], bool]) -> int:
    low, high = 1, 2
    while not enough(high):
        low, high = high, high * 2
        if high > MOST_SUBJECTS:
            raise BadRequest("no feasible number of people can answer this question")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
