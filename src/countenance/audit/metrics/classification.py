"""Classifiers by group and intersection, as in Gender Shades: PPV, TPR, FPR and error rate, with intervals.

Source: Buolamwini and Gebru 2018 (PMLR 81).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from countenance.audit.metrics.comparisons import Finding
from countenance.audit.metrics.intervals import Rate


@dataclass(frozen=True, slots=True)
class ClassRates:
    """One class within one group. ppv: right among those called so; tpr: called so among those who are; fpr: called
    so among those who are not. A denominator of zero is a rate with a reason."""

    label: str
    ppv: Rate
    tpr: Rate
    fpr: Rate


@dataclass(frozen=True, slots=True)
class GroupClassification:
    """One group: rows, error (wrong class or, where counted, no answer), no_answer, and rates by class."""

    group: str
    rows: int
    error: Rate
    no_answer: Rate
    classes: tuple[ClassRates, ...]


@dataclass(frozen=True, slots=True)
class Classification:
    """The table: all rows first, then every group, empty ones included."""

    everybody: GroupClassification
    groups: tuple[GroupClassification, ...]
    findings: tuple[Finding, ...]


def classify(
    truth: ArrayLike,
    predicted: ArrayLike,
    group: ArrayLike,
    *,
    groups: Sequence[str] | None = None,
    people: ArrayLike | None = None,
    no_answer: str | None = None,
    level: float = 0.95,
) -> Classification:
    """Rates of a classifier by group.

    truth, predicted, group: strings (n,). people: (n,), clusters the intervals. no_answer: the predicted value that
    stands for "no face found" and counts as an error. A predicted class that never occurs in `truth` is a finding;
    an empty table or missing values (None, NaN) are a `BadRequest`.
    """
    raise NotImplementedError
