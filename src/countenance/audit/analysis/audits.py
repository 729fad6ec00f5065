"""What every audit does, whatever its data: analyse it, and judge the comparisons that were declared, all at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from countenance.audit.analysis.disclosure import bounds, finite, pooled, rate_of
from countenance.audit.findings.headline import Told, faces_told, outcomes_told, risks_told
from countenance.audit.formats.plan import DeclaredHypothesis, Plan
from countenance.audit.formats.results import Data, FaceResults, Judged, OutcomeResults, RiskResults
from countenance.audit.formats.shares import Share
from countenance.audit.labelled.people import LabelledPeople
from countenance.errors import BadRequest
from countenance.metrics import Hypothesis as Declared
from countenance.metrics import judge, ratio


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
class RateTable:
    """Rates of one analysis: group names, and a share per group by measure."""

    groups: tuple[str, ...]
    shares: Mapping[str, tuple[Share, ...]]


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


@dataclass(frozen=True, slots=True)
class _Comparison:
    hypothesis: DeclaredHypothesis
    group: str
    reference: str
    declared: Declared


def judge_family(
    plan: Plan, tables: Mapping[str, RateTable], planned: Callable[[str, str], bool]
) -> tuple[Judged, ...]:
    """Judge every comparison that the plan declares, corrected over all of them.

    tables: rates by name of analysis. planned: whether the comparison of a group in an analysis is as planned.
    BadRequest: no such reference group.
    """
    comparisons = [c for hypothesis in plan.hypotheses for c in _comparisons(hypothesis, tables[hypothesis.factor])]
    if not comparisons:
        return ()
    judged = judge([c.declared for c in comparisons], plan.margin, plan.alpha, plan.correction)
    return tuple(
        Judged(
            measure=c.hypothesis.measure,
            factor=c.hypothesis.factor,
            group=c.group,
            reference=c.reference,
            verdict=j.verdict.value,
            ratio=finite(j.estimate),
            bounds=bounds(j.interval),
            p=j.p,
            p_corrected=j.p_corrected,
            equivalence_p_corrected=j.equivalence_p_corrected,
            margin=plan.margin,
            shows_margin=finite(j.shows_margin),
            beyond_margin=j.beyond_margin,
            planned=planned(c.hypothesis.factor, c.group) and planned(c.hypothesis.factor, c.reference),
            reason=j.reason,
        )
        for c, j in zip(comparisons, judged, strict=True)
    )


def _comparisons(hypothesis: DeclaredHypothesis, table: RateTable) -> Sequence[_Comparison]:
    shares = table.shares[hypothesis.measure]
    rates = [rate_of(share) for share in shares]
    if hypothesis.reference == "others":
        if len(rates) < 2:
            return ()
        at_most = 1 if len(rates) == 2 else len(rates)  # two groups: one comparison, not the same one twice
        pairs = [(at, [rate for other, rate in enumerate(rates) if other != at]) for at in range(at_most)]
        names = {at: table.groups[1 - at] if len(rates) == 2 else "others" for at in range(at_most)}
    elif hypothesis.reference in table.groups:
        reference = table.groups.index(hypothesis.reference)
        pairs = [(at, [rates[reference]]) for at in range(len(rates)) if at != reference]
        names = {at: hypothesis.reference for at, _ in pairs}
    else:
        raise BadRequest(
            f"the reference group {hypothesis.reference!r} is not among the groups of {hypothesis.factor}: "
            f"{', '.join(table.groups)}"
        )
    return [
        _Comparison(
            hypothesis,
            table.groups[at],
            names[at],
            Declared(
                f"{hypothesis.measure} of {table.groups[at]} by {hypothesis.factor} against {names[at]}",
                ratio(rates[at], pooled(reference_rates)),
            ),
        )
        for at, reference_rates in pairs
    ]
