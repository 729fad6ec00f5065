"""How often a reviewer is wrong, measured with known pairs that look like any other pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from countenance.casework.grades import Grade
from countenance.metrics.statistics.intervals import Rate, plain_rate

LEAST_KNOWN = 10
"""How many known pairs of a kind it takes before a rate has consequences."""


@dataclass(frozen=True, slots=True)
class ReviewLimits:
    """The limits of one installation.

    known_rate: the share of known pairs among those shown, 0..0.5. The others: 0..1.
    """

    known_rate: float = 0.2
    false_accept: float = 0.1
    false_reject: float = 0.3


@dataclass(frozen=True, slots=True)
class ReviewerRates:
    """false_accept: share of known pairs of strangers judged the same person.

    false_reject: the reverse, of one person's pairs.
    """

    false_accept: Rate
    false_reject: Rate


def rates_of(known: Iterable[tuple[bool, Grade]]) -> ReviewerRates:
    """The rates from (whether it is the same person, what was concluded), with Wilson intervals of 95 %. Neither and
    insufficient are not errors, but count among the pairs.
    """
    every = list(known)
    nonmated = [grade for same, grade in every if not same]
    mates = [grade for same, grade in every if same]
    return ReviewerRates(
        plain_rate(sum(grade.side > 0 for grade in nonmated), len(nonmated)),
        plain_rate(sum(grade.side < 0 for grade in mates), len(mates)),
    )


def exceeded(rates: ReviewerRates, limits: ReviewLimits) -> str:
    """Which limit a reviewer exceeds, in words; empty if none, or if too few known pairs were judged."""
    for name, rate, limit in (
        ("false accept", rates.false_accept, limits.false_accept),
        ("false reject", rates.false_reject, limits.false_reject),
    ):
        if rate.trials >= LEAST_KNOWN and rate.estimate > limit:
            return f"{name} rate {rate.errors} of {rate.trials}, limit {limit:g}"
    return ""
