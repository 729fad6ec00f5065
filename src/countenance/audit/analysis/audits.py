"""What every audit does, whatever its data: say how much data there is, and analyse it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from countenance.audit.findings.questions import Question, questions_of
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Data, FaceResults, OutcomeResults, PresentationResults, RiskResults
from countenance.audit.labelled.people import LabelledPeople


class LabelledData(Protocol):
    """Data about people whose groups are known. findings: what was wrong with it."""

    @property
    def people(self) -> LabelledPeople:
        """Whom the data is about."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What was wrong with the data."""


D_co = TypeVar("D_co", bound=LabelledData, covariant=True)


@dataclass(frozen=True, slots=True)
class Analysed:
    """One of the four parts of the results; the others are None.

    left_out: people of groups too small to count anywhere, and their rows.
    """

    faces: FaceResults | None = None
    outcomes: OutcomeResults | None = None
    risks: RiskResults | None = None
    presentations: PresentationResults | None = None
    left_out: tuple[int, int] = (0, 0)

    def questions(self, plan: Plan) -> tuple[Question, ...]:
        """The rates that verdicts are about."""
        positive = None if plan.outcomes is None else plan.outcomes.positive
        return questions_of(self.faces, self.outcomes, self.risks, self.presentations, positive)


class Audit(ABC, Generic[D_co]):
    """Data together with its analysis."""

    def __init__(self, data: D_co) -> None:
        self.data = data

    @property
    def people(self) -> LabelledPeople:
        """Whom the data is about."""
        return self.data.people

    @property
    def findings(self) -> tuple[str, ...]:
        """What was wrong with the data."""
        return self.data.findings

    @abstractmethod
    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is. inputs: sha256 by file name."""

    @abstractmethod
    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """Compute what `plan` asks for. planned: for each analysis, whether it is carried out as planned."""
