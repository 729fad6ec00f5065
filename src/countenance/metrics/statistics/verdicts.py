"""Four verdicts and no other.

- *difference shown*: the two rates differ (two-sided test of ratio 1, corrected over the family).
- *difference shown, within the declared margin*: they differ, and by less than the margin.
- *equivalence shown*: no difference is shown, and both one-sided tests against the margin's ends reject (TOST,
  corrected over the family): the only way to *claim* fairness.
- *insufficient evidence*: neither.

A margin is declared before any score exists; without one nothing is ever equivalent. A margin on the ratio must hold
for the rates and for what is left of them: 55 % against 99 % is less than a factor of two, but 45 % against 1 % is not.
Rates that are good when high take a margin of their own: a difference, or four fifths of the better rate.

Sources: Schuirmann 1987 (TOST); Holm 1979 (Scand. J. Stat. 6); Benjamini and Hochberg 1995 (J. R. Stat. Soc. B 57);
four fifths: 29 CFR 1607.4 (D).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Floats, Interval, quantile
from countenance.metrics.statistics.ratios import RateDifference, Ratio, StratifiedRatio

Correction = Literal["holm", "benjamini-hochberg", "none"]
"""How the p-values of one family are corrected for being many; `holm` and `benjamini_hochberg` say what each keeps."""
POWER = 0.8
"""Chance of showing a difference that `Judgement.sees_ratio` and `sees_difference` speak of."""


class AuditVerdict(Enum):
    """What can be concluded about one comparison."""

    DIFFERENCE_SHOWN = "difference shown"
    DIFFERENCE_WITHIN_MARGIN = "difference shown, within the declared margin"
    EQUIVALENCE_SHOWN = "equivalence shown"
    INSUFFICIENT_EVIDENCE = "insufficient evidence"


@dataclass(frozen=True, slots=True)
class Margin:
    """How far two rates may lie apart and still count as equal.

    kind, and what size is: "ratio": a factor, > 1, for the rates and for their complements. "difference": 0..1, 0.05 is
    five percentage points. "four fifths": the lower rate over the higher, 0..1. "four fifths of the rest": the same of
    the complements (the favourable decisions, where the rate counts the others).
    """

    kind: Literal["ratio", "difference", "four fifths", "four fifths of the rest"]
    size: float

    def __post_init__(self) -> None:
        if self.kind == "ratio" and not (math.isfinite(self.size) and self.size > 1):
            raise BadRequest(f"a margin is a ratio above 1, got {self.size}")
        if self.kind != "ratio" and not 0 < self.size < 1:
            raise BadRequest(f"a margin of {self.kind} lies between 0 and 1, got {self.size}")

    @property
    def words(self) -> str:
        """The margin in a sentence: "a factor of 2", "5 points"."""
        if self.kind == "ratio":
            return f"a factor of {self.size:g}"
        return f"{100 * self.size:g} points" if self.kind == "difference" else f"{self.size:g} of the better rate"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One declared comparison. name: stable and unique in its family. ratio: what was measured.

    margin: its own; None: that of the family, if any.
    """

    name: str
    ratio: Ratio | StratifiedRatio
    margin: Margin | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one hypothesis.

    p, p_corrected: of "the ratio is 1". equivalence_p, equivalence_p_corrected: of "it lies outside the margin"; 1
    without a margin. interval: of the ratio, at the family's uncorrected level. beyond_margin: a difference whose
    interval lies outside the margin altogether. shows_margin: the smallest ratio that would have shown equivalence
    (uncorrected); inf where none. sees_ratio, sees_difference: a true ratio, or difference of rates, that such data
    would show with a chance of 80 %, as the first of its family; inf where that cannot be told. reason: one sentence.
    """

    name: str
    verdict: AuditVerdict
    estimate: float
    interval: Interval
    p: float
    p_corrected: float
    equivalence_p: float
    equivalence_p_corrected: float
    difference_shown: bool
    beyond_margin: bool
    shows_margin: float
    sees_ratio: float
    sees_difference: float
    margin: Margin | None
    reason: str


def judge(
    family: Sequence[Hypothesis],
    margin: Margin | float | None = None,
    alpha: float = 0.05,
    correction: Correction = "holm",
) -> tuple[Judgement, ...]:
    """Judge a whole declared family, in its order.

    margin: of hypotheses without one of their own; a number is a ratio that would matter, > 1 (2.0: "no more than
    twice"); None: nothing is equivalent. A hypothesis that could not be measured (no trials, no errors on both sides)
    stays in the family with p = 1 and insufficient evidence. Repeated names are a `BadRequest`.
    """
    usual = Margin("ratio", margin) if isinstance(margin, (int, float)) else margin
    if not 0 < alpha < 0.5:
        raise BadRequest(f"alpha lies between 0 and 0.5, got {alpha}")
    if len({h.name for h in family}) != len(family):
        raise BadRequest("a hypothesis is declared twice in one family")
    margins = [h.margin or usual for h in family]
    different = np.array([h.ratio.p_value(1.0) for h in family])
    alike = np.array([_equivalence_p(h.ratio, m) for h, m in zip(family, margins, strict=True)])
    corrections = {"holm": holm, "benjamini-hochberg": benjamini_hochberg, "none": _checked}
    if correction not in corrections:
        raise BadRequest(f"a correction is one of {', '.join(corrections)}, got {correction!r}")
    corrected = corrections[correction]
    different_c, alike_c = corrected(different), corrected(alike)
    step = alpha if correction == "none" else alpha / max(1, len(family))
    return tuple(
        _judged(h, m, alpha, step, *map(float, values))
        for h, m, *values in zip(family, margins, different, different_c, alike, alike_c, strict=True)
    )


def _judged(
    hypothesis: Hypothesis,
    margin: Margin | None,
    alpha: float,
    step: float,
    p: float,
    p_corrected: float,
    q: float,
    q_corrected: float,
) -> Judgement:
    ratio = hypothesis.ratio
    interval, inner = ratio.at(1 - alpha), ratio.at(1 - 2 * alpha)
    differs, same = p_corrected <= alpha, margin is not None and q_corrected <= alpha
    beyond = differs and margin is not None and _beyond(ratio, margin, 1 - alpha)
    words = "" if margin is None else margin.words
    if differs and same:
        verdict, reason = AuditVerdict.DIFFERENCE_WITHIN_MARGIN, f"the rates differ, by less than {words}"
    elif differs:
        verdict = AuditVerdict.DIFFERENCE_SHOWN
        reason = "the rates differ" + (f", by more than {words}" if beyond else "")
    elif same:
        verdict, reason = (
            AuditVerdict.EQUIVALENCE_SHOWN,
            f"no difference is shown, and none as large as {words} is left",
        )
    else:
        verdict, reason = AuditVerdict.INSUFFICIENT_EVIDENCE, _lack(ratio, margin, interval)
    return Judgement(
        name=hypothesis.name,
        verdict=verdict,
        estimate=ratio.estimate,
        interval=interval,
        p=p,
        p_corrected=p_corrected,
        equivalence_p=q,
        equivalence_p_corrected=q_corrected,
        difference_shown=differs,
        beyond_margin=beyond,
        shows_margin=max(inner.high, 1 / inner.low) if inner.low > 0 else math.inf,
        sees_ratio=_sees(ratio, step)[0],
        sees_difference=_sees(ratio, step)[1],
        margin=margin,
        reason=reason,
    )


def _lack(ratio: Ratio | StratifiedRatio, margin: Margin | None, interval: Interval) -> str:
    if isinstance(ratio, Ratio) and not (ratio.rate.known and ratio.reference.known):
        return ratio.rate.reason or ratio.reference.reason or "a group has no trials"
    if not ratio.known:
        return "no error was seen in either group"
    allowed = f"the data allow ratios from {interval.low:.3g} to {interval.high:.3g}: "
    if margin is None:
        return f"{allowed}1 cannot be ruled out, and no margin was declared"
    return f"{allowed}neither 1 nor {margin.words} can be ruled out"


def _sees(ratio: Ratio | StratifiedRatio, alpha: float) -> tuple[float, float]:
    """The ratio and the difference that a two-sided test at `alpha` shows with a chance of `POWER`.

    As wide as the intervals at that level are, stretched from the edge of significance to that chance.
    """
    stretch = 1 + float(quantile(2 * POWER - 1) / quantile(1 - alpha))
    interval = ratio.at(1 - alpha)
    factor = math.inf
    if interval.low > 0 and math.isfinite(interval.high):
        factor = math.exp(min(stretch * math.log(interval.high / interval.low) / 2, 700.0))
    if isinstance(ratio, StratifiedRatio) or not ratio.known:
        return factor, math.inf
    apart = RateDifference(ratio.rate, ratio.reference).at(1 - alpha)
    return factor, min(stretch * (apart.high - apart.low) / 2, 1.0)


_Contrast = Ratio | StratifiedRatio | RateDifference
"""What can be tested against the ends of a margin."""


def _limits(ratio: Ratio | StratifiedRatio, margin: Margin) -> list[tuple[_Contrast, float, float]]:
    """What must lie between which two ends for the rates to lie within the margin."""
    if isinstance(ratio, StratifiedRatio):
        factor = margin.size if margin.kind == "ratio" else 1 / margin.size
        return [(ratio, 1 / factor, factor)]
    if margin.kind == "difference":
        return [(RateDifference(ratio.rate, ratio.reference), -margin.size, margin.size)]
    if margin.kind == "ratio":
        return [(r, 1 / margin.size, margin.size) for r in (ratio, ratio.of_the_rest)]
    fifths = ratio.of_the_rest if margin.kind == "four fifths of the rest" else ratio
    return [(fifths, margin.size, 1 / margin.size)]


def _beyond(ratio: Ratio | StratifiedRatio, margin: Margin, level: float) -> bool:
    """Whether an interval lies outside the margin altogether."""
    intervals = ((contrast.at(level), low, high) for contrast, low, high in _limits(ratio, margin))
    return any(interval.low > high or interval.high < low for interval, low, high in intervals)


def _equivalence_p(ratio: Ratio | StratifiedRatio, margin: Margin | None) -> float:
    """The largest of the one-sided p-values against the margin's ends; 1 without a margin."""
    if margin is None:
        return 1.0
    return max(_one_sided(*tested) for tested in _limits(ratio, margin))


def _one_sided(contrast: _Contrast, low: float, high: float) -> float:
    if not contrast.known or not low < contrast.estimate < high:
        return 1.0
    return max(contrast.p_value(end) / 2 for end in (low, high))


def holm(p: ArrayLike) -> Floats:
    """Holm's corrected p-values, (m,): cumulative maximum of (m-i+1)·p_(i), at most 1."""
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    out = np.empty(len(values))
    out[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return out


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Benjamini and Hochberg's corrected p-values, (m,): cumulative minimum from above of m·p_(i)/i."""
    values = _checked(p)
    order = np.argsort(values, kind="stable")[::-1]
    factors = len(values) / np.arange(len(values), 0, -1)
    out = np.empty(len(values))
    out[order] = np.minimum(np.minimum.accumulate(values[order] * factors), 1.0)
    return out


def _checked(p: ArrayLike) -> Floats:
    values = np.asarray(p, np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise BadRequest("p-values are one column of numbers from 0 to 1")
    return values
