"""Tables of decisions: predicted and true classes, or risk scores and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from countenance.audit.analysis.decisions import NO_ANSWER, Classified, OutcomeAudit, RiskAudit, Scores
from countenance.audit.formats.plan import Measure, OutcomeTable, RiskTable
from countenance.audit.labelled.people import Labelled, people_of_rows
from countenance.audit.labelled.tables import read_table
from countenance.audit.sources.source import Equipment, Loaded, Source
from countenance.errors import BadRequest


def read_outcomes(
    source: OutcomeTable, folder: Path, factors: Sequence[str], contradictions: str = "error"
) -> Classified:
    """Read classification results. An empty prediction is "no answer" and counts as an error.

    BadRequest: a missing column, a row without its true class, a positive class that nobody has, a person in two
    groups.
    """
    columns = [source.truth, source.predicted, *([source.subject] if source.subject else []), *factors]
    table = read_table(folder / source.file, columns)
    (truth, predicted), names = table.texts(source.truth, source.predicted)
    if not table.rows:
        raise BadRequest(f"{table.name} has no rows")
    if (truth < 0).any():
        raise BadRequest(f"{table.name} has {int((truth < 0).sum())} rows without a true class")
    said = np.array([*names, NO_ANSWER])
    if source.positive is not None and source.positive not in set(said[np.unique(truth)]):
        raise BadRequest(f"no row of {table.name} is truly {source.positive!r}, the positive class of the plan")
    labelled = people_of_rows(table, source.subject, factors, contradictions)
    kept = labelled.subjects >= 0
    findings = list(labelled.findings)
    if silent := int((predicted[kept] < 0).sum()):
        findings.append(f"{silent} of {int(kept.sum())} rows have no prediction; they count as errors")
    return Classified(
        labelled.people, labelled.subjects[kept], said[truth[kept]], said[predicted[kept]],
        source.subject is not None, tuple(findings),
    )  # fmt: skip


def read_risks(source: RiskTable, folder: Path, factors: Sequence[str]) -> Scores:
    """Read risk scores. Rows without a score or an outcome are a `BadRequest` that counts them."""
    table = read_table(folder / source.file, [source.score, source.outcome, *factors], numbers=[source.score])
    scores = table.numbers(source.score)
    if not table.rows:
        raise BadRequest(f"{table.name} has no rows")
    if np.isnan(scores).any():
        raise BadRequest(f"{int(np.isnan(scores).sum())} rows of {table.name} have no score (NaN or empty)")
    labelled: Labelled = people_of_rows(table, None, factors)
    return Scores(labelled.people, scores, table.flags(source.outcome), labelled.findings)


class OutcomeSource(Source[OutcomeTable]):
    """A classifier's answers."""

    measures: ClassVar[tuple[Measure, ...]] = ("error",)

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        plan = self._plan
        data = read_outcomes(self._described, self._folder, plan.groups.factors, plan.contradictions)
        return Loaded(OutcomeAudit(data), self.hashes())


class RiskSource(Source[RiskTable]):
    """Risk scores."""

    measures: ClassVar[tuple[Measure, ...]] = ("fpr", "fnr")

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        data = read_risks(self._described, self._folder, self._plan.groups.factors)
        return Loaded(RiskAudit(data), self.hashes())
