"""Comparisons together with the people that they compare."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from countenance.audit.sources.people import Grouping, LabelledPeople
from countenance.audit.sources.tables import Codes
from countenance.metrics.verification.comparisons import Comparisons


@dataclass(frozen=True, slots=True, eq=False)
class ScoredComparisons:
    """Scored comparisons and their people.

    comparisons: checked, everybody in one group. a, b: (n,), int32, rows of `people` for each comparison.
    findings: what was wrong with the data, beside those that `comparisons` holds itself.
    """

    people: LabelledPeople
    comparisons: Comparisons
    a: Codes
    b: Codes
    findings: tuple[str, ...]

    def grouped(self, grouping: Grouping) -> Comparisons:
        """The comparisons of people who have a label in `grouping`, with its groups."""
        first, second = grouping.codes[self.a].astype(np.int64), grouping.codes[self.b].astype(np.int64)
        known = (first >= 0) & (second >= 0)
        chosen = self.comparisons if known.all() else self.comparisons.only(known)
        return dataclasses.replace(chosen, first_group=first[known], second_group=second[known], groups=grouping.groups)
