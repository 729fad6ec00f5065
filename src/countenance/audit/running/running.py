"""An audit from plan and data to results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from countenance.audit.analysis.decisions import analyse_outcomes, analyse_risks, outcome_table, risk_table
from countenance.audit.analysis.faces import analyse_faces, table_of
from countenance.audit.analysis.judging import RateTable, judge_family
from countenance.audit.analysis.measurement import FaceData
from countenance.audit.findings.headline import Told, faces_told, outcomes_told, risks_told
from countenance.audit.formats.moments import stamp
from countenance.audit.formats.plan import CROSS, JOINT, Plan
from countenance.audit.formats.results import Data, ModelUsed, Results
from countenance.audit.planning.deviations import changes, circumstances, planned_analyses, surprises
from countenance.audit.sources.decisions import Classified, Scores
from countenance.audit.sources.people import LabelledPeople

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Data that was read for a plan. inputs: sha256 by file name. models: what made the scores, where known."""

    data: FaceData | Classified | Scores
    inputs: Mapping[str, str]
    models: tuple[ModelUsed, ...] = ()


def run_audit(declared: Plan, plan: Plan, loaded: Loaded, clock: Clock) -> Results:
    """Carry out `plan`; `declared` is the plan as it was made before (the same, unless something was changed).

    BadRequest: data that does not allow what the plan asks for. Whatever deviates is listed and makes verdicts
    exploratory.
    """
    started = clock()
    data = loaded.data
    deviations = (
        *changes(declared, plan),
        *circumstances(declared, loaded.inputs),
        *surprises(plan, data.people),
    )
    planned = planned_analyses(plan, deviations)
    unexpected = {d.touches for d in deviations}
    faces = outcomes = risks = None
    tables: dict[str, RateTable] = {}
    if isinstance(data, FaceData):
        faces = analyse_faces(plan, data, planned)
        tables = {analysis.name: table_of(analysis) for analysis in faces.analyses}
    elif isinstance(data, Classified):
        assert plan.outcomes is not None
        outcomes = analyse_outcomes(plan, data, planned)
        tables = {analysis.name: outcome_table(plan.outcomes, analysis) for analysis in outcomes.analyses}
    else:
        risks = analyse_risks(plan, data, planned)
        tables = {analysis.name: risk_table(analysis) for analysis in risks.analyses}

    def as_planned(analysis: str, group: str) -> bool:
        labels = zip(analysis.split(CROSS), group.split(JOINT), strict=False)
        return planned[analysis] and not any(f"{factor}={label}" in unexpected for factor, label in labels)

    judged = judge_family(plan, tables, as_planned)
    told: Told
    if faces is not None:
        told = faces_told(plan, faces, judged)
    elif outcomes is not None:
        told = outcomes_told(plan, outcomes, judged)
    else:
        assert risks is not None
        told = risks_told(plan, risks, judged)
    return Results(
        title=plan.title,
        question=plan.question,
        system=plan.system,
        task=plan.task,
        plan_hash=declared.hash,
        preregistered=not deviations,
        deviations=deviations,
        started=stamp(started),
        finished=stamp(clock()),
        data=_data(data, data.people, loaded.inputs),
        headline=told.headline,
        numbers=told.numbers,
        untold=told.untold,
        findings=data.findings,
        judged=judged,
        faces=faces,
        outcomes=outcomes,
        risks=risks,
        labelled_by=plan.groups.labelled_by,
        population=plan.population,
        conditions=plan.conditions,
        limits=plan.limits,
    )


def _data(data: FaceData | Classified | Scores, people: LabelledPeople, inputs: Mapping[str, str]) -> Data:
    if isinstance(data, FaceData):
        return Data(len(data.present), data.rows, data.unit, data.comparisons, dict(inputs))
    if isinstance(data, Classified):
        return Data(people.count, len(data.truth), "rows", 0, dict(inputs))
    return Data(people.count, len(data.scores), "people", 0, dict(inputs))
