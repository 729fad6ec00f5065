"""Three verdicts and no other: disparity shown, equivalence shown, insufficient evidence.

A family of comparisons is declared with a margin before any score exists. Disparity: the ratio differs from 1
(two-sided, corrected over the family). Equivalence: both one-sided tests against 1/margin and margin reject (TOST,
corrected over the family): the only way to *claim* fairness. Neither: insufficient evidence, with the margin that the
data could have shown. Where both hold (a difference that is real and smaller than the margin) the verdict is
equivalence, and says so.

Sources: Schuirmann 1987 (TOST); Holm 1979 (Scand. J. Stat. 6); Benjamini and Hochberg 1995 (J. R. Stat. Soc. B 57).
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
from countenance.metrics.statistics.intervals import Floats, Interval
from countenance.metrics.statistics.ratios import Ratio

Correction = Literal["holm", "benjamini-hochberg", "none"]


class AuditVerdict(Enum):
    """What can be concluded about one comparison."""

    DISPARITY_SHOWN = "disparity shown"
    EQUIVALENCE_SHOWN = "equivalence shown"
    INSUFFICIENT_EVIDENCE = "insufficient evidence"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One declared comparison. name: stable and unique in its family. ratio: what was measured."""

    name: str
    ratio: Ratio


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one hypothesis.

    p, p_corrected: of "the ratio is 1". equivalence_p, equivalence_p_corrected: of "the ratio is outside
    1/margin..margin". interval: of the ratio, at the family's uncorrected level. difference_shown: also true where
    equivalence was shown of a real, small difference. beyond_margin: the interval lies outside the margin altogether.
    shows_margin: the smallest margin at which these data would have shown equivalence (uncorrected); inf where none.
    reason: one sentence.
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
    reason: str


def judge(
    family: Sequence[Hypothesis], margin: float, alpha: float = 0.05, correction: Correction = "holm"
) -> tuple[Judgement, ...]:
    """Judge a whole declared family, in its order.

    margin: the ratio that would matter, > 1 (2.0: "no more than twice"). A hypothesis that could not be measured (no
    trials, no errors on both sides) stays in the family with p = 1 and insufficient evidence. Repeated names are a
    `BadRequest`.
    """
    if not (math.isfinite(margin) and margin > 1):
        raise BadRequest(f"a margin is a ratio above 1, got {margin}")
    if not 0 < alpha < 0.5:
        raise BadRequest(f"alpha lies between 0 and 0.5, got {alpha}")
    if len({h.name for h in family}) != len(family):
        raise BadRequest("a hypothesis is declared twice in one family")
    different = np.array([h.ratio.p_value(1.0) for h in family])
    alike = np.array([_equivalence_p(h.ratio, margin) for h in family])
    corrections = {"holm": holm, "benjamini-hochberg": benjamini_hochberg, "none": _checked}
    if correction not in corrections:
        raise BadRequest(f"a correction is one of {', '.join(corrections)}, got {correction!r}")
    corrected = corrections[correction]
    different_c, alike_c = corrected(different), corrected(alike)
    return tuple(
        _judged(h, margin, alpha, *map(float, values))
        for h, *values in zip(family, different, different_c, alike, alike_c, strict=True)
    )


def _judged(
    hypothesis: Hypothesis, margin: float, alpha: float, p: float, p_corrected: float, q: float, q_corrected: float
) -> Judgement:
    ratio = hypothesis.ratio
    interval, inner = ratio.at(1 - alpha), ratio.at(1 - 2 * alpha)
    differs, same = p_corrected <= alpha, q_corrected <= alpha
    shows = max(inner.high, 1 / inner.low) if inner.low > 0 else math.inf
    beyond = differs and (interval.low > margin or interval.high < 1 / margin)
    if same:
        verdict = AuditVerdict.EQUIVALENCE_SHOWN
        reason = f"the ratio is within a factor of {margin:g}" + (", though not 1" if differs else "")
    elif differs:
        verdict = AuditVerdict.DISPARITY_SHOWN
        reason = "the ratio is not 1" + (f", and beyond a factor of {margin:g}" if beyond else "")
    else:
        verdict = AuditVerdict.INSUFFICIENT_EVIDENCE
        reason = _lack(ratio, margin, interval)
    return Judgement(
        hypothesis.name,
        verdict,
        ratio.estimate,
        interval,
        p,
        p_corrected,
        q,
        q_corrected,
        differs,
        beyond,
        shows,
        reason,
    )


def _lack(ratio: Ratio, margin: float, interval: Interval) -> str:
    if not (ratio.rate.known and ratio.reference.known):
        return ratio.rate.reason or ratio.reference.reason or "a group has no trials"
    if not ratio.known:
        return "no error was seen in either group"
    return (
        f"the data allow ratios from {interval.low:.3g} to {interval.high:.3g}: "
        f"neither 1 nor a factor of {margin:g} can be ruled out"
    )


def _equivalence_p(ratio: Ratio, margin: float) -> float:
    """The larger of the two one-sided p-values against 1/margin and margin."""
    if not ratio.known or not ratio.estimate > 0 or math.isinf(ratio.estimate):
        return 1.0
    sides = []
    for limit, inside in ((margin, ratio.estimate < margin), (1 / margin, ratio.estimate > 1 / margin)):
        half = ratio.p_value(limit) / 2
        sides.append(half if inside else 1 - half)
    return max(sides)


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
