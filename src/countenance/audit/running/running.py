"""An audit from plan and data to results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from countenance.audit.analysis.judging import judge_family
from countenance.audit.formats.moments import stamp
from countenance.audit.formats.plan import CROSS, JOINT, Plan
from countenance.audit.formats.results import Results
from countenance.audit.planning.deviations import changes, circumstances, planned_analyses, surprises
from countenance.audit.sources.of_plan import source_of
from countenance.audit.sources.source import Equipment, Loaded

Clock = Callable[[], datetime]


def load(plan: Plan, folder: Path, equipment: Equipment | None = None) -> Loaded:
    """Read the data of `plan`. folder: what its paths are relative to. equipment: needed for images and services."""
    return source_of(plan, folder).load(equipment or Equipment())


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
    analysed = data.analyse(plan, planned)

    def as_planned(analysis: str, group: str) -> bool:
        labels = zip(analysis.split(CROSS), group.split(JOINT), strict=False)
        return planned[analysis] and not any(f"{factor}={label}" in unexpected for factor, label in labels)

    judged = judge_family(plan, analysed.tables, as_planned)
    told = analysed.headline(plan, judged)
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
        data=data.summary(loaded.inputs),
        headline=told.headline,
        numbers=told.numbers,
        untold=told.untold,
        findings=data.findings,
        judged=judged,
        faces=analysed.faces,
        outcomes=analysed.outcomes,
        risks=analysed.risks,
        labelled_by=plan.groups.labelled_by,
        population=plan.population,
        conditions=plan.conditions,
        limits=plan.limits,
    )
