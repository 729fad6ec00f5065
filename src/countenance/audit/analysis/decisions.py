"""Classification results and risk scores by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.disclosure import Cells, LeftOut, all_publishable, joint_blocks, left_out
from countenance.audit.analysis.measurement import everybody
from countenance.audit.analysis.reversals import one_row_each
from countenance.audit.analysis.secondary import protect_outcomes, protect_risks
from countenance.audit.formats.plan import Plan, RiskTable
from countenance.audit.formats.results import (
    Analysed,
    CalibrationLine,
    ClassLine,
    Data,
    FourFifthsLine,
    IdentityCheck,
    OutcomeAnalysis,
    OutcomeGroup,
    OutcomeResults,
    RiskAnalysis,
    RiskGroup,
    RiskResults,
    Share,
    bounds,
    finite,
    share,
    withheld,
)
from countenance.audit.labelled.people import LabelledPeople
from countenance.audit.labelled.tables import Codes
from countenance.errors import BadRequest
from countenance.metrics import FourFifths, GroupClassification, GroupRisk, Rate, assess_risk, classify

NO_ANSWER = "(no answer)"


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Classification results. subjects: (rows,), row of `people`. truth, predicted: (rows,), text.

    clustered: whether rows name their subjects. findings: what was wrong with the data.
    """

    people: LabelledPeople
    subjects: Codes
    truth: NDArray[np.str_]
    predicted: NDArray[np.str_]
    clustered: bool
    findings: tuple[str, ...]

    def without(self, people: Codes) -> Classified:
        """The rows of everybody but `people`."""
        rows = ~np.isin(self.subjects, people)
        return replace(self, subjects=self.subjects[rows], truth=self.truth[rows], predicted=self.predicted[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Risk scores. people: whose labels each row has. scores: (rows,), float64, finite. happened: (rows,), bool.

    who: (rows,), the subject of each row; None where every row is another person's.
    """

    people: LabelledPeople
    scores: NDArray[np.float64]
    happened: NDArray[np.bool_]
    findings: tuple[str, ...]
    who: Codes | None = None

    @property
    def firsts(self) -> Codes:
        """The row that stands for each person: their first."""
        if self.who is None:
            return np.arange(len(self.scores), dtype=np.int32)
        return np.flatnonzero(one_row_each(self.who)).astype(np.int32)

    def without(self, firsts: Codes) -> Scores:
        """The rows of everybody but the people that the rows `firsts` stand for."""
        kept = np.ones(len(self.scores), bool)
        kept[firsts] = False
        if self.who is not None:
            kept &= ~np.isin(self.who, self.who[firsts])
        whose = LabelledPeople(None, self.people.factors, self.people.labels, self.people.codes[kept])
        who = None if self.who is None else self.who[kept]
        return Scores(whose, self.scores[kept], self.happened[kept], self.findings, who)


def analyse_outcomes(
    plan: Plan, data: Classified, planned: Mapping[str, bool], gone: Mapping[str, frozenset[str]]
) -> OutcomeResults:
    """Error rates, and PPV, TPR and FPR by class, for everybody and by every grouping of `plan`."""
    people = data.people.expecting(plan.groups.expected)
    present = np.unique(data.subjects).astype(np.int32)
    analyses = []
    whole = None
    published = _published(plan, people, present, gone)
    for name, cells in published.items():
        group = cells.grouping.codes[data.subjects]
        known = group >= 0
        rates = classify(
            data.truth[known],
            data.predicted[known],
            np.array(cells.grouping.groups)[group[known]],
            groups=cells.grouping.groups,
            people=data.subjects[known] if data.clustered else None,
            no_answer=NO_ANSWER,
        )
        lines = tuple(_outcome_group(line, plan.small_cell) for line in rates.groups)
        analyses.append(OutcomeAnalysis(name, lines, cells.empty, cells.merged, planned[name]))
    one = everybody(people).codes[data.subjects]
    whole = classify(
        data.truth,
        data.predicted,
        np.array(["all"])[one],
        people=data.subjects if data.clustered else None,
        no_answer=NO_ANSWER,
    ).everybody
    results = OutcomeResults(_outcome_group(whole, plan.small_cell), tuple(analyses))
    groupings = {name: cells.grouping for name, cells in published.items()}
    raw = {name: people.grouping(name) for name in groupings}
    protected = protect_outcomes(
        results, groupings, raw, data.subjects, data.truth, data.predicted, NO_ANSWER, plan.small_cell
    )
    hides = any(a.merged for a in protected.analyses) or any(
        share == withheld(plan.small_cell) for share in _shares(protected)
    )
    if data.people.ids is None or hides:
        return protected
    wrong = data.truth != data.predicted
    digest, blocks = joint_blocks(groupings, data.people.ids, data.subjects, wrong, plan.small_cell)
    return replace(protected, people_digest=digest, blocks=blocks)


def _shares(outcomes: OutcomeResults) -> Iterator[Share]:
    for group in (outcomes.everybody, *(group for analysis in outcomes.analyses for group in analysis.groups)):
        yield from (group.error, group.no_answer)
        for line in group.classes:
            yield from (line.ppv, line.tpr, line.fpr)


def _left_out(plan: Plan, people: LabelledPeople, present: Codes) -> LeftOut:
    return left_out([people.grouping(name) for name in plan.groups.analyses], present, plan.small_cell)


def _published(
    plan: Plan, people: LabelledPeople, present: Codes, gone: Mapping[str, frozenset[str]]
) -> dict[str, Cells]:
    """The groupings that are published. BadRequest: one in which every group is too small."""
    publishable = all_publishable(
        [people.grouping(name) for name in plan.groups.analyses], present, plan.small_cell, gone
    )
    for name, cells in publishable.items():
        if not any(cells.people):
            raise BadRequest(
                f"every group of {name} has fewer than {plan.small_cell} people, so nothing may be published of it: "
                "leave it out of the plan, or set small_cell lower where that harms nobody"
            )
    return publishable


def _outcome_group(line: GroupClassification, small_cell: int) -> OutcomeGroup:
    if 0 < line.rows < small_cell:
        return OutcomeGroup(line.group, None, withheld(small_cell), withheld(small_cell), ())
    classes = tuple(
        ClassLine(c.label, share(c.ppv, small_cell), share(c.tpr, small_cell), share(c.fpr, small_cell))
        for c in line.classes
    )
    return OutcomeGroup(line.group, line.rows, share(line.error), share(line.no_answer), classes)


def analyse_risks(
    plan: Plan, data: Scores, planned: Mapping[str, bool], gone: Mapping[str, frozenset[str]]
) -> RiskResults:
    """Error rates at the cut-off, calibration, AUC, four-fifths rule and the identity, by every grouping of `plan`."""
    assert plan.risks is not None
    people = data.people.expecting(plan.groups.expected)
    analyses = []
    published = _published(plan, people, data.firsts, gone)
    for name, cells in published.items():
        analyses.append(_risk_analysis(name, plan.risks, data, cells, plan.small_cell, planned[name]))
    nobody = np.array(["all"] * people.count)
    whole = assess_risk(data.scores, data.happened, nobody, plan.risks.high_from, people=data.who).everybody
    results = RiskResults(
        plan.risks.high_from, plan.risks.label_warning, _risk_group(whole, plan.small_cell), tuple(analyses)
    )
    groupings = {name: cells.grouping for name, cells in published.items()}
    raw = {name: people.grouping(name) for name in groupings}
    return protect_risks(results, groupings, raw, data.scores, data.happened, plan.small_cell)


def _risk_analysis(
    name: str, source: RiskTable, data: Scores, cells: Cells, small_cell: int, planned: bool
) -> RiskAnalysis:
    group = cells.grouping.codes
    known = group >= 0
    assessed = assess_risk(
        data.scores[known],
        data.happened[known],
        np.array(cells.grouping.groups)[group[known]],
        source.high_from,
        groups=cells.grouping.groups,
        people=None if data.who is None else data.who[known],
    )
    return RiskAnalysis(
        name,
        tuple(_risk_group(line, small_cell) for line in assessed.groups),
        tuple(
            CalibrationLine(line.group, line.low, line.high, share(line.observed, small_cell))
            for line in assessed.calibration
        ),
        tuple(_four_fifths(line) for line in assessed.four_fifths),
        cells.empty,
        cells.merged,
        planned,
    )


def _risk_group(line: GroupRisk, small_cell: int) -> RiskGroup:
    small = 0 < line.rows < small_cell

    def told(rate: Rate) -> Share:
        return withheld(small_cell) if small else share(rate, small_cell)

    fpr, fnr, ppv = told(line.fpr), told(line.fnr), told(line.ppv)
    identity = line.identity if fpr.known and fnr.known and ppv.known else None
    return RiskGroup(
        group=line.group,
        rows=None if small else line.rows,
        fpr=fpr,
        fnr=fnr,
        ppv=ppv,
        npv=told(line.npv),
        selected=told(line.selected),
        prevalence=told(line.prevalence),
        auc=None if small else finite(line.auc),
        auc_bounds=bounds(line.auc_interval),
        identity=None
        if identity is None
        else IdentityCheck(identity.prevalence, identity.ppv, identity.fnr, identity.fpr, identity.implied),
    )


def _four_fifths(line: FourFifths) -> FourFifthsLine:
    ratio = line.ratio
    return FourFifthsLine(
        line.group,
        share(line.favourable),
        finite(ratio.estimate),
        bounds(ratio.at(0.95)),
        line.passes,
        line.p_value,
        line.flips,
    )


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeAudit:
    """Classification results."""

    data: Classified

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is."""
        return Data(self.data.people.count, len(self.data.truth), "rows", 0, dict(inputs))

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """The part of the results that `plan` asks for."""
        assert plan.outcomes is not None
        out = _left_out(plan, self.data.people, np.unique(self.data.subjects).astype(np.int32))
        outcomes = analyse_outcomes(plan, self.data.without(out.people), planned, out.groups)
        return Analysed(
            outcomes=outcomes, left_out=(len(out.people), int(np.isin(self.data.subjects, out.people).sum()))
        )


@dataclass(frozen=True, slots=True, eq=False)
class RiskAudit:
    """Risk scores."""

    data: Scores

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is."""
        return Data(
            len(self.data.firsts), len(self.data.scores), "people" if self.data.who is None else "rows", 0, dict(inputs)
        )

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """The part of the results that `plan` asks for."""
        out = _left_out(plan, self.data.people, self.data.firsts)
        kept = self.data.without(out.people)
        risks = analyse_risks(plan, kept, planned, out.groups)
        return Analysed(risks=risks, left_out=(len(out.people), len(self.data.scores) - len(kept.scores)))
