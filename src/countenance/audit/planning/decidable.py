"""Which comparisons data could ever decide, from whose pictures there are: no score is looked at.

A group can be told about where at least `small_cell` people stand behind its rate: people with two pictures or more for
misses, people to be mistaken for each other for false matches. With fewer than two such groups nothing can be compared,
and a hypothesis about it would only make every other one harder to show (Holm counts it).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from countenance.audit.analysis.cells import publishable
from countenance.audit.formats.plan import DeclaredHypothesis, Plan
from countenance.audit.sources.faces import read_templates
from countenance.audit.sources.images import labelled_images
from countenance.audit.sources.people import Grouping, LabelledPeople, people_of_rows
from countenance.audit.sources.scores import read_scores
from countenance.audit.sources.tables import Codes, read_table
from countenance.errors import BadRequest, NotFound

_NAMES = {"fmr": "False matches", "fnmr": "Misses", "fte": "Failures to find a face"}


@dataclass(frozen=True, slots=True, eq=False)
class _There:
    """Whose pictures there are. present: rows of the people, each once. behind: by measure and grouping, the rows of
    the people who stand behind the rates of their groups, each once. unmated: how to say that nobody is behind misses.
    """

    people: LabelledPeople
    present: Codes
    behind: Callable[[str, Grouping], Codes]
    unmated: str = "nobody has two pictures"


def decidable(plan: Plan, folder: Path) -> tuple[tuple[DeclaredHypothesis, ...], tuple[str, ...]]:
    """The plan's hypotheses that its data could decide, and for each of the others a sentence that says why not.

    folder: what the plan's paths are relative to. Data that is not there yet, or cannot be read, rules nothing out
    (the run says what is wrong with it); nor do tables of decisions and risks.
    """
    there = _there(plan, folder)
    kept: list[DeclaredHypothesis] = []
    reasons: list[str] = []
    for hypothesis in plan.hypotheses:
        reason = "" if hypothesis.measure not in _NAMES else _reason(plan, hypothesis, there)
        if reason:
            reasons.append(f"{_NAMES[hypothesis.measure]} by {hypothesis.factor} are not compared: {reason}.")
        else:
            kept.append(hypothesis)
    return tuple(kept), tuple(reasons)


def _reason(plan: Plan, hypothesis: DeclaredHypothesis, there: _There | None) -> str:
    source = plan.templates or plan.images or plan.api
    if hypothesis.measure == "fnmr" and source is not None and source.subject is None:
        return "no subjects are named, so every picture counts as another person's"
    if there is None:
        return ""
    grouping = publishable(there.people.grouping(hypothesis.factor), there.present, plan.small_cell).grouping
    behind = there.behind(hypothesis.measure, grouping)
    if hypothesis.measure == "fnmr" and not len(behind):
        return there.unmated
    group = grouping.codes[behind]
    enough = np.bincount(group[group >= 0], minlength=len(grouping.groups)) >= plan.small_cell
    if enough.sum() >= 2:
        return ""
    having = " with two pictures or more" if hypothesis.measure == "fnmr" else ""
    return f"fewer than two groups have {plan.small_cell} people{having}"


def _there(plan: Plan, folder: Path) -> _There | None:
    try:
        if plan.scores is not None:
            return _scored(plan, folder)
        found = _pictures(plan, folder)
    except (BadRequest, NotFound):
        return None
    if found is None:
        return None
    people, subjects = found
    rows, pictures = np.unique(subjects[subjects >= 0], return_counts=True)
    twice = rows[pictures >= 2]
    return _There(
        people.expecting(plan.groups.expected), rows, lambda measure, grouping: twice if measure == "fnmr" else rows
    )


def _pictures(plan: Plan, folder: Path) -> tuple[LabelledPeople, Codes] | None:
    """The people, and whose picture each row is (-1: set aside)."""
    factors, contradictions = plan.groups.factors, plan.contradictions
    if plan.templates is not None and plan.templates.labels is not None:
        wanted = [*([plan.templates.subject] if plan.templates.subject else []), *factors]
        table = read_table(folder / plan.templates.labels, wanted)
        labelled = people_of_rows(table, plan.templates.subject, factors, contradictions)
    elif plan.templates is not None:
        faces = read_templates(plan.templates, folder, factors, contradictions)
        return faces.people, faces.subjects
    elif plan.images is not None or plan.api is not None:
        source = plan.images or plan.api
        assert source is not None
        labelled = labelled_images(
            folder / source.folder, folder / source.labels, source.file, source.subject, factors, contradictions
        ).labelled
    else:
        return None
    return labelled.people, labelled.subjects


def _scored(plan: Plan, folder: Path) -> _There:
    assert plan.scores is not None
    scored = read_scores(plan.scores, folder, plan.groups.factors, plan.contradictions)
    a, b, mated = scored.a, scored.b, scored.comparisons.mated

    def behind(measure: str, grouping: Grouping) -> Codes:
        rows = mated if measure == "fnmr" else ~mated & (grouping.codes[a] == grouping.codes[b])
        return np.unique(np.concatenate([a[rows], b[rows]])).astype(np.int32)

    present = np.unique(np.concatenate([a, b])).astype(np.int32)
    return _There(scored.people.expecting(plan.groups.expected), present, behind, "no comparison is of one person")
