"""How many people a question needs, and what these people can answer.

For the ratio R of two FMRs measured on all pairs within two groups of N people each, one image per person:
Var(ln FMR) ~ 4·cv2/N + 2/(N(N-1)·FMR), cv2 = the relative variance of people's personal FMR (lambs and wolves; 0: all
alike, 1: typical, 4: strong). Wanted: Var_1 + Var_2 <= (ln R)² / (z_{a/2} + z_power)².
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Design:
    """A question. fmr: of the better group. tests: hypotheses in the family, each at alpha/tests (Bonferroni)."""

    fmr: float
    power: float = 0.8
    alpha: float = 0.05
    cv2: float = 1.0
    tests: int = 1


def subjects_for_ratio(ratio: float, design: Design) -> int:
    """People per group needed to show that one FMR is `ratio` (> 1) times the other."""
    raise NotImplementedError


def ratio_for_subjects(first: int, second: int, design: Design) -> float:
    """The smallest ratio that groups of these sizes can show with the design's power; infinite where none."""
    raise NotImplementedError


def subjects_for_equivalence(margin: float, design: Design) -> int:
    """People per group needed to show by TOST that two equal FMRs are within a factor of `margin`."""
    raise NotImplementedError


def attempts_for_fnmr(
    better: float, worse: float, power: float = 0.8, alpha: float = 0.05, tests: int = 1, design_effect: float = 1.0
) -> int:
    """Mated comparisons per group needed to tell two FNMRs apart; design_effect: >= 1, for several per person."""
    raise NotImplementedError


def fnmr_for_attempts(
    better: float, attempts: int, power: float = 0.8, alpha: float = 0.05, tests: int = 1, design_effect: float = 1.0
) -> float:
    """The smallest worse FNMR that so many mated comparisons per group can tell from `better`; NaN where none."""
    raise NotImplementedError


def smallest_fmr(subjects: int, errors: int = 30) -> float:
    """The lowest FMR at which all pairs of one group of this size give `errors` false matches on average."""
    raise NotImplementedError


def relative_variance(errors: object, trials: object) -> float:
    """cv2 estimated from pilot counts by person, (k,) each: what people's personal FMR varies beyond chance; >= 0."""
    raise NotImplementedError
