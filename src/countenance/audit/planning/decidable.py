"""Which comparisons data could ever decide, from whose pictures there are: no score is looked at.

A group can be told about where at least `small_cell` people stand behind its rate: people with two pictures or more for
misses, people to be mistaken for each other for false matches. With fewer than two such groups nothing can be compared,
and a hypothesis about it would only make every other one harder to show (Holm counts it).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from countenance.audit.analysis.cells import publishable
from countenance.audit.formats.plan import DeclaredHypothesis, Plan
from countenance.audit.sources.of_plan import source_of
from countenance.audit.sources.source import Present, Source
from countenance.errors import BadRequest, NotFound

_NAMES = {"fmr": "False matches", "fnmr": "Misses", "fte": "Failures to find a face"}


def decidable(plan: Plan, folder: Path) -> tuple[tuple[DeclaredHypothesis, ...], tuple[str, ...]]:
    """The plan's hypotheses that its data could decide, and for each of the others a sentence that says why not.

    folder: what the plan's paths are relative to. Data that is not there yet, or cannot be read, rules nothing out
    (the run says what is wrong with it); nor do tables of decisions and risks.
    """
    source = source_of(plan, folder)
    try:
        there = source.present()
    except (BadRequest, NotFound):
        there = None
    kept: list[DeclaredHypothesis] = []
    reasons: list[str] = []
    for hypothesis in plan.hypotheses:
        reason = "" if hypothesis.measure not in _NAMES else _reason(plan, hypothesis, source, there)
        if reason:
            reasons.append(f"{_NAMES[hypothesis.measure]} by {hypothesis.factor} are not compared: {reason}.")
        else:
            kept.append(hypothesis)
    return tuple(kept), tuple(reasons)


def _reason(plan: Plan, hypothesis: DeclaredHypothesis, source: Source, there: Present | None) -> str:
    if hypothesis.measure == "fnmr" and not source.names_subjects:
        return "no subjects are named, so every picture counts as another person's"
    if there is None:
        return ""
    people = there.people.expecting(plan.groups.expected)
    grouping = publishable(people.grouping(hypothesis.factor), there.present, plan.small_cell).grouping
    behind = there.behind(hypothesis.measure, grouping)
    if hypothesis.measure == "fnmr" and not len(behind):
        return there.unmated
    group = grouping.codes[behind]
    enough = np.bincount(group[group >= 0], minlength=len(grouping.groups)) >= plan.small_cell
    if enough.sum() >= 2:
        return ""
    having = " with two pictures or more" if hypothesis.measure == "fnmr" else ""
    return f"fewer than two groups have {plan.small_cell} people{having}"
