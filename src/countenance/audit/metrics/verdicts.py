"""Three verdicts and no other: disparity shown, equivalence shown, insufficient evidence.

A family of comparisons is declared with a margin before any score exists. Disparity: the ratio differs from 1
(two-sided, corrected over the family). Equivalence: both one-sided tests against 1/margin and margin reject (TOST,
corrected over the family): the only way to *claim* fairness. Neither: insufficient evidence, with the margin that the
data could have shown. Where both hold (a difference that is real and smaller than the margin) the verdict is
equivalence, and says so.

Sources: Schuirmann 1987 (TOST); Holm 1979 (Scand. J. Stat. 6); Benjamini and Hochberg 1995 (J. R. Stat. Soc. B 57).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal

from numpy.typing import ArrayLike

from countenance.audit.metrics.intervals import Floats, Interval
from countenance.audit.metrics.ratios import Ratio

Correction = Literal["holm", "benjamini-hochberg", "none"]


class Verdict(Enum):
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
    verdict: Verdict
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
    raise NotImplementedError


def holm(p: ArrayLike) -> Floats:
    """Holm's corrected p-values, (m,): cumulative maximum of (m-i+1)·p_(i), at most 1."""
    raise NotImplementedError


def benjamini_hochberg(p: ArrayLike) -> Floats:
    """Benjamini and Hochberg's corrected p-values, (m,): cumulative minimum from above of m·p_(i)/i."""
    raise NotImplementedError
