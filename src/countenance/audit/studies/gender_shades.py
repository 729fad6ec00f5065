"""Gender Shades: one row per person, rebuilt from the published cells, so that the whole analysis can be run."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from countenance.audit.analysis.decisions import Classified, OutcomeAudit
from countenance.audit.formats.codec import stamp
from countenance.audit.formats.plan import JOINT, DeclaredHypothesis, Groups, OutcomeTable, Plan, System
from countenance.audit.labelled.people import LabelledPeople
from countenance.audit.sources.source import Loaded
from countenance.audit.studies.published import published_gender_shades
from countenance.errors import BadRequest

GENDERS = ("female", "male")
SKINS = ("darker", "lighter")


def gender_shades_study(system: str, now: datetime) -> tuple[Plan, Loaded]:
    """The plan and the data for one of the systems. BadRequest: a system that was not in the study."""
    published = published_gender_shades()
    if system not in published.error_pct:
        raise BadRequest(f"Gender Shades tested {', '.join(published.error_pct)}, got {system!r}")
    plan = Plan(
        title=f"Gender Shades 2018: {system}",
        question="Who is misclassified by gender classifiers, by skin type and gender?",
        system=System(f"{system} gender classifier", "2017", system),
        groups=Groups(
            ("skin", "gender"),
            "skin type by Fitzpatrick's scale from pictures, gender by the authors from names, pronouns and pictures",
            (("skin", "gender"),),
        ),
        outcomes=OutcomeTable("published table", "gender", "said", None, "one row per person"),
        hypotheses=(DeclaredHypothesis("error", "skin x gender", f"lighter{JOINT}male"),),
        population="1,270 parliamentarians of three African and three European countries",
        conditions="official portraits",
        limits=(
            "counts are computed from rounded percentages, cell by cell",
            "two genders only; a person's gender cannot be seen in a picture",
        ),
        created=stamp(now),
        data_seen=True,
    )
    return plan, Loaded(
        OutcomeAudit(_rows(published.cells, published.sizes, published.errors(system), published.status)), {}
    )


def _rows(cells: tuple[str, ...], sizes: tuple[int, ...], errors: tuple[int, ...], status: str) -> Classified:
    skins, genders, truths, answers = [], [], [], []
    for cell, size, wrong in zip(cells, sizes, errors, strict=True):
        skin, gender = cell.split(JOINT)
        other = next(g for g in GENDERS if g != gender)
        skins += [SKINS.index(skin)] * size
        genders += [GENDERS.index(gender)] * size
        truths += [gender] * size
        answers += [other] * wrong + [gender] * (size - wrong)
    people = LabelledPeople(None, ("skin", "gender"), (SKINS, GENDERS), np.array([skins, genders], np.int32).T.copy())
    subjects = np.arange(people.count, dtype=np.int32)
    return Classified(people, subjects, np.array(truths), np.array(answers), False, (status,))
