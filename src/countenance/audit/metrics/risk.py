"""Risk scores by group, as in ProPublica's study of COMPAS.

Who is wrongly called high risk, and why no score can please every definition of fair.

Sources: Angwin, Larson, Mattu and Kirchner 2016 (ProPublica); Chouldechova 2017 (Big Data 5) for the identity
FPR = p/(1-p) · (1-PPV)/PPV · (1-FNR); 29 CFR 1607.4(D) for the four-fifths rule; DeLong, DeLong and Clarke-Pearson 1988
for the interval of the AUC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from countenance.audit.metrics.comparisons import Finding
from countenance.audit.metrics.intervals import Interval, Rate
from countenance.audit.metrics.ratios import Ratio


@dataclass(frozen=True, slots=True)
class Identity:
    """Chouldechova's identity with the audit's own numbers. fpr: measured; implied: from the other three."""

    prevalence: float
    ppv: float
    fnr: float
    fpr: float
    implied: float


@dataclass(frozen=True, slots=True)
class GroupRisk:
    """One group at the cut-off: score >= cutoff is "high".

    selected: share called high. prevalence: share with the outcome. auc: chance that somebody with the outcome scores
    above somebody without (ties half), NaN where one kind is missing.
    """

    group: str
    rows: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    fpr: Rate
    fnr: Rate
    ppv: Rate
    npv: Rate
    selected: Rate
    prevalence: Rate
    auc: float
    auc_interval: Interval
    identity: Identity | None
    """None where a denominator is zero; then a finding says so."""


@dataclass(frozen=True, slots=True)
class CalibrationCell:
    """Outcome among those of one group whose score lies in [low, high) (the last bin is closed)."""

    group: str
    low: float
    high: float
    observed: Rate


@dataclass(frozen=True, slots=True)
class FourFifths:
    """One group's rate of the favourable decision against the most favoured group's.

    ratio: with its interval. passes: the point estimate is at least 0.8. p_value: Fisher's exact test of equal rates.
    flips: the fewest decisions that would have to change in this group for the ratio to be 0.8 (0 where it passes).
    """

    group: str
    favourable: Rate
    ratio: Ratio
    passes: bool
    p_value: float
    flips: int


@dataclass(frozen=True, slots=True)
class Risk:
    """The whole table: all rows first, then every group, empty ones included."""

    cutoff: float
    everybody: GroupRisk
    groups: tuple[GroupRisk, ...]
    calibration: tuple[CalibrationCell, ...]
    four_fifths: tuple[FourFifths, ...]
    findings: tuple[Finding, ...]


def assess_risk(
    score: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    cutoff: float,
    *,
    groups: Sequence[str] | None = None,
    people: ArrayLike | None = None,
    high_is_favourable: bool = False,
    calibration_edges: Sequence[float] | None = None,
    level: float = 0.95,
) -> Risk:
    """Error rates, calibration, AUC and the four-fifths rule of a score by group.

    score: (n,) finite; outcome: (n,) bool or 0/1; group: (n,) strings. high_is_favourable: False for risk (being called
    low is the favourable decision). calibration_edges: bins of the score, default: its deciles over everybody, or each
    value where there are at most 20. NaN, missing values and an empty table are a `BadRequest`; a group with one kind
    of outcome only is a finding.
    """
    raise NotImplementedError
