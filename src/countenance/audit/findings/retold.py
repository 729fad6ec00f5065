"""What an older bundle found, said again from its signed counts: earlier versions looked at fewer rates first."""

from __future__ import annotations

import dataclasses

from countenance.audit.analysis.judging import judge_all
from countenance.audit.findings.headline import headline_of
from countenance.audit.findings.questions import questions_of
from countenance.audit.findings.untold import left_open, untold_of
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import FORMAT, Results


def retold(plan: Plan, results: Results) -> Results:
    """The results with today's verdicts and headline where they are of an older format; else as they are."""
    if results.format == FORMAT:
        return results
    positive = None if plan.outcomes is None else plan.outcomes.positive
    questions = questions_of(results.faces, results.outcomes, results.risks, results.presentations, positive)
    exploratory = {(j.factor, j.group) for j in results.judged if not j.planned}
    judged = judge_all(
        plan, questions, lambda factor, group: results.preregistered and (factor, group) not in exploratory
    )
    headline = headline_of(plan, questions, judged)
    untold = (
        *untold_of(plan, results.faces, results.outcomes, results.risks, results.presentations),
        *left_open(plan, judged),
    )
    return dataclasses.replace(
        results, headline=headline.headline, numbers=headline.numbers, also=headline.also, judged=judged, untold=untold
    )
