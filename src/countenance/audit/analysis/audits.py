"""The three analyses that data can feed, each from data to its part of the results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from countenance.audit.analysis.decisions import analyse_outcomes, analyse_risks, outcome_table, risk_table
from countenance.audit.analysis.faces import analyse_faces, table_of
from countenance.audit.analysis.judging import RateTable
from countenance.audit.analysis.measurement import FaceData
from countenance.audit.findings.headline import Told, faces_told, outcomes_told, risks_told
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Data, FaceResults, Judged, OutcomeResults, RiskResults
from countenance.audit.labelled.decisions import Classified, Scores
from countenance.audit.labelled.people import LabelledPeople


@dataclass(frozen=True, slots=True)
class Analysed:
    """One of the three parts of the results (the others are None), and by analysis the rates that are compared."""

    tables: Mapping[str, RateTable]
    faces: FaceResults | None = None
    outcomes: OutcomeResults | None = None
    risks: RiskResults | None = None

    def headline(self, plan: Plan, judged: Sequence[Judged]) -> Told:
        """What the report says first."""
        if self.faces is not None:
            return faces_told(plan, self.faces, judged)
        if self.outcomes is not None:
            return outcomes_told(plan, self.outcomes, judged)
        assert self.risks is not None
        return risks_told(plan, self.risks, judged)


class Analysable(Protocol):
    """Data together with its analysis."""

    @property
    def people(self) -> LabelledPeople:
        """Whom the data is about."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What was wrong with the data."""

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is. inputs: sha256 by file name."""

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """Everything that `plan` asks for. planned: whether each analysis is as planned."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceAudit:
    """Face comparisons."""

    data: FaceData

    @property
    def people(self) -> LabelledPeople:
        """Whom the data is about."""
        return self.data.people

    @property
    def findings(self) -> tuple[str, ...]:
        """What was wrong with the data."""
        return self.data.findings

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is."""
        data = self.data
        return Data(len(data.present), data.rows, data.unit, data.comparisons, dict(inputs))

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """The part of the results that `plan` asks for."""
        faces = analyse_faces(plan, self.data, planned)
        return Analysed({analysis.name: table_of(analysis) for analysis in faces.analyses}, faces=faces)


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeAudit:
    """Classification results."""

    data: Classified

    @property
    def people(self) -> LabelledPeople:
        """Whom the data is about."""
        return self.data.people

    @property
    def findings(self) -> tuple[str, ...]:
        """What was wrong with the data."""
        return self.data.findings

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is."""
        return Data(self.people.count, len(self.data.truth), "rows", 0, dict(inputs))

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """The part of the results that `plan` asks for."""
        assert plan.outcomes is not None
        outcomes = analyse_outcomes(plan, self.data, planned)
        tables = {analysis.name: outcome_table(plan.outcomes, analysis) for analysis in outcomes.analyses}
        return Analysed(tables, outcomes=outcomes)


@dataclass(frozen=True, slots=True, eq=False)
class RiskAudit:
    """Risk scores."""

    data: Scores

    @property
    def people(self) -> LabelledPeople:
        """Whom the data is about."""
        return self.data.people

    @property
    def findings(self) -> tuple[str, ...]:
        """What was wrong with the data."""
        return self.data.findings

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is."""
        return Data(self.people.count, len(self.data.scores), "people", 0, dict(inputs))

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """The part of the results that `plan` asks for."""
        risks = analyse_risks(plan, self.data, planned)
        return Analysed({analysis.name: risk_table(analysis) for analysis in risks.analyses}, risks=risks)
