"""Classifiers by group and intersection, as in Gender Shades: PPV, TPR, FPR and error rate, with intervals.

Source: Buolamwini and Gebru 2018 (PMLR 81).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.dyads import clustered_rate
from countenance.metrics.statistics.intervals import Rate, check_level, unknown_rate
from countenance.metrics.statistics.labels import Codes, Mask, code_labels, column
from countenance.metrics.verification.comparisons import DataFinding


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
    findings: tuple[DataFinding, ...]


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

    truth, predicted, group: labels (n,). people: (n,), clusters the intervals. no_answer: the predicted value that
    stands for "no face found" and counts as an error. A predicted class that never occurs in `truth` is a finding, as
    is a group of one true class only (its FPR or TPR is unknown); an empty table or missing values are a `BadRequest`.
    """
    check_level(level)
    rows = len(np.asarray(truth))
    if not rows:
        raise BadRequest("there is no classified row to measure")
    classes, true = code_labels(truth, None, "true class", rows)
    answers, given = code_labels(predicted, None, "predicted class", rows)
    names, code = code_labels(group, groups, "group", rows)
    who = np.arange(rows) if people is None else np.unique(column(people, "people", rows), return_inverse=True)[1]
    place = {label: i for i, label in enumerate(classes)}
    called = np.array([place.get(a, -1) for a in answers], np.int64)[given]
    silent = given == answers.index(no_answer) if no_answer in answers else np.zeros(rows, bool)

    def rate(rows_in: Mask, wrong: Mask, empty: str) -> Rate:
        if not rows_in.any():
            return unknown_rate(empty, level)
        kept = who[rows_in]
        errors = np.bincount(kept, wrong[rows_in]).astype(np.int64)
        return clustered_rate(errors, np.bincount(kept), level)

    def table(name: str, here: Mask) -> GroupClassification:
        by_class = tuple(
            ClassRates(
                label,
                ppv=rate(here & (called == c), true == c, f"nobody in {name} was called {label}"),
                tpr=rate(here & (true == c), called == c, f"nobody in {name} is {label}"),
                fpr=rate(here & (true != c), called == c, f"everybody in {name} is {label}"),
            )
            for c, label in enumerate(classes)
        )
        empty = f"no row of {name}"
        error, quiet = rate(here, called != true, empty), rate(here, silent, empty)
        return GroupClassification(name, int(here.sum()), error, quiet, by_class)

    tables = tuple(table(name, code == g) for g, name in enumerate(names))
    findings = _findings(names, classes, answers, no_answer, [true[code == g] for g in range(len(names))])
    return Classification(table("everybody", np.ones(rows, bool)), tables, findings)


def _findings(
    names: tuple[str, ...],
    classes: tuple[str, ...],
    answers: tuple[str, ...],
    no_answer: str | None,
    truths: Sequence[Codes],
) -> tuple[DataFinding, ...]:
    findings = []
    empty = tuple(name for name, true in zip(names, truths, strict=True) if not len(true))
    single = tuple(name for name, true in zip(names, truths, strict=True) if len(np.unique(true)) == 1)
    strange = tuple(a for a in answers if a not in classes and a != no_answer)
    if empty:
        findings.append(DataFinding("empty-groups", "declared groups without any row", len(empty), empty))
    if single:
        findings.append(
            DataFinding(
                "single-class", "groups of one true class: the other classes' TPR is unknown", len(single), single
            )
        )
    if strange:
        text = f"predicted classes that never occur as a true class count as errors, the first is {strange[0]!r}"
        findings.append(DataFinding("strange-classes", text, len(strange)))
    if len(names) == 1:
        findings.append(DataFinding("single-group", "there is one group only: nothing can be compared", groups=names))
    return tuple(findings)
