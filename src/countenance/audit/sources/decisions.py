"""Tables of decisions: predicted and true classes, or risk scores and what happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.decisions import NO_ANSWER, Classified, OutcomeAudit, RiskAudit, Scores
from countenance.audit.analysis.reversals import one_row_each, reversals
from countenance.audit.formats.plan import Measure, OutcomeTable, RiskTable
from countenance.audit.labelled.people import (
    UNSAID,
    Labelled,
    LabelledPeople,
    Spellings,
    alike,
    people_of_rows,
    respelled,
    written,
)
from countenance.audit.labelled.tables import (
    NO_ANSWERS,
    Codes,
    LabelTable,
    flag_of,
    listed_names,
    read_table,
    refuse_mixed_units,
    refuse_sentinels,
    repeated_rows,
)
from countenance.audit.sources.source import Equipment, Loaded, Source
from countenance.errors import BadRequest, NotFound
from countenance.metrics import direction


def read_outcomes(
    source: OutcomeTable,
    folder: Path,
    factors: Sequence[str],
    contradictions: str = "error",
    spellings: Spellings = UNSAID,
) -> Classified:
    """Read classification results. An empty prediction is "no answer" and counts as an error.

    BadRequest: a missing column, a row without its true class, a positive class that nobody has, a person in two
    groups, predicted classes that are never true ones, a class or group that is spelled in two ways.
    """
    columns = [source.truth, source.predicted, *([source.subject] if source.subject else []), *factors]
    table = read_table(folder / source.file, columns)
    (truth, predicted), names = table.texts(source.truth, source.predicted)
    if not table.rows:
        raise BadRequest(f"{table.name} has no rows")
    nothing = {name for name in names if name.lower() in NO_ANSWERS and name not in source.classes}
    untold = np.isin(truth, [-1, *(at for at, name in enumerate(names) if name in nothing)])
    if len(where := np.flatnonzero(untold)):
        classes = {name: name for at, name in enumerate(names) if name in nothing and (truth == at).any()}
        unless = f"; if it is a class, say so, {_CLASSES.format(written(classes))}" if classes else ""
        raise BadRequest(
            f"{table.name} has {len(where)} rows without a true class, the first is row {where[0] + 2}{unless}"
        )
    silent = np.isin(predicted, [at for at, name in enumerate(names) if name in {*source.no_answer, *nothing}])
    predicted = np.where(silent, np.int32(-1), predicted)
    strange = classes_that_never_meet(truth, predicted, names, source, table.name)
    (truth, predicted), names = respelled(
        [truth, predicted],
        names,
        {**source.classes, **dict.fromkeys(nothing, "")},
        f"the classes of {table.name}",
        _CLASSES,
    )
    answers = np.array([*names, NO_ANSWER])
    if source.positive is not None and source.positive not in set(answers[np.unique(truth)]):
        raise BadRequest(f"no row of {table.name} is truly {source.positive!r}, the positive class of the plan")
    labelled = people_of_rows(table, source.subject, factors, contradictions, spellings)
    rows = labelled.subjects >= 0
    findings = [*labelled.findings, *strange, *repeated_rows(folder / source.file, source.subject)]
    if nothing:
        findings.append(f"predictions of {listed_names(sorted(nothing))} in {table.name} are read as no answer")
    if silent_rows := int((predicted[rows] < 0).sum()):
        findings.append(f"{silent_rows} of {int(rows.sum())} rows have no prediction; they count as errors")
    if source.subject is None:
        findings.append(NO_SUBJECTS)
    once = one_row_each(labelled.subjects)
    findings += reversals(labelled.people, labelled.subjects, {"misclassified": (once, truth != predicted)})
    return Classified(
        labelled.people, labelled.subjects[rows], answers[truth[rows]], answers[predicted[rows]],
        source.subject is not None, tuple(findings),
    )  # fmt: skip


_CLASSES = "under [outcomes]: classes = {}"
NO_SUBJECTS = (
    "nobody knows which rows are of the same people: no column of subjects is named. Each row counts as another "
    "person's; where people occur more than once, intervals are too narrow"
)


def classes_that_never_meet(
    truth: Codes, predicted: Codes, names: tuple[str, ...], source: OutcomeTable, name: str
) -> list[str]:
    """Findings about predicted classes that nobody truly is. BadRequest where none of them is ever a true class."""
    meant = [source.classes.get(word, word) for word in names]
    true = {meant[at] for at in np.unique(truth)}
    answers = {meant[at]: int((predicted == at).sum()) for at in np.unique(predicted[predicted >= 0])}
    if answers and not true & set(answers):
        table = written(_meanings(sorted(answers), sorted(true)))
        raise BadRequest(
            f"no class that {name} predicts ({listed_names(sorted(answers))}) is ever a true one "
            f"({listed_names(sorted(true))}), so every row would be an error. Say in the plan what they mean, "
            f"{_CLASSES.format(table)}"
        )
    return [
        f"{count:,} rows of {name} are predicted {word!r}, which nobody truly is; they count as errors. If that is no "
        f"answer, say no_answer = [{word!r}] under [outcomes]"
        for word, count in answers.items()
        if word not in true and not any(alike([word, other]) for other in true)
    ]


def _meanings(answers: Sequence[str], true: Sequence[str]) -> dict[str, str]:
    """What predicted classes may mean, as a start: those spelled alike, yes and no in other words, one number."""
    meanings = {}
    for answer in answers:
        flag = flag_of(answer)
        same = [
            one
            for one in true
            if alike([answer, one]) or (flag is not None and flag_of(one) == flag) or _one_number(answer, one)
        ]
        meanings[answer] = same[0] if len(same) == 1 else "?"
    return meanings


def _one_number(one: str, other: str) -> bool:
    """Whether two texts are one number, written in two ways: "1" and "1.0"."""
    try:
        return float(one) == float(other)
    except ValueError:
        return False


def read_risks(source: RiskTable, folder: Path, factors: Sequence[str], spellings: Spellings = UNSAID) -> Scores:
    """Read risk scores, one row per person, or with a column of subjects.

    BadRequest: a row without an outcome, without a subject where the plan names their column, or without a score where
    the plan does not set such rows aside; scores that may stand for none, in two units, or outside the plan's limits; a
    group that is spelled in two ways.
    """
    columns = [source.score, source.outcome, *([source.subject] if source.subject else []), *factors]
    table = read_table(folder / source.file, columns, numbers=[source.score])
    scores = table.numbers(source.score)
    if not table.rows:
        raise BadRequest(f"{table.name} has no rows")
    scores = np.where(np.isin(scores, source.no_score), np.nan, scores)
    labelled: Labelled = people_of_rows(table, None, factors, spellings=spellings)
    empty = np.isnan(scores)
    if empty.all():
        raise BadRequest(f"no row of {table.name} has a score in the column {source.score!r}")
    if empty.any() and source.missing == "error":
        raise BadRequest(
            f"{int(empty.sum())} rows of {table.name} have no score (NaN or empty), the first is row "
            f"{int(np.flatnonzero(empty)[0]) + 2}; to leave them out say in the plan, under "
            "[risks]: missing = 'set aside'"
        )
    if len(source.limits) == 2 and len(where := np.flatnonzero(_outside(scores, source.limits))):
        raise BadRequest(
            f"{len(where)} scores of {table.name} lie outside {source.limits[0]:g} to {source.limits[1]:g}, which the "
            f"plan calls the limits; the first is {scores[where[0]]:g} in row {where[0] + 2}"
        )
    refuse_sentinels(scores, source.limits, table.name, "risks", "missing = 'set aside'")
    people = labelled.people
    who = None if source.subject is None else _subjects(table, source.subject)
    happened = table.flags(source.outcome)
    if source.unit == "find":
        groups = {factor: (people.codes[:, at], people.labels[at]) for at, factor in enumerate(people.factors)}
        refuse_mixed_units(scores, happened & ~empty, groups, table.name, "risks")
    findings = [*labelled.findings, *repeated_rows(folder / source.file, source.subject)]
    if empty.any():
        findings.append(_set_aside(people, empty))
        people = LabelledPeople(None, people.factors, people.labels, people.codes[~empty])
        scores, happened, who = scores[~empty], happened[~empty], None if who is None else who[~empty]
    if not (scores.min() < source.high_from <= scores.max()):
        findings.append(
            f"the cut-off {source.high_from:g} tells nobody from anybody: all scores lie between {scores.min():g} and "
            f"{scores.max():g}"
        )
    high, once = (
        scores >= source.high_from,
        one_row_each(np.arange(people.count, dtype=np.int32) if who is None else who),
    )
    errors = {"wrongly called high risk": (once & ~happened, high), "wrongly called low risk": (once & happened, ~high)}
    findings += reversals(people, np.arange(people.count, dtype=np.int32), errors)
    return Scores(people, scores, happened, (*findings, *_against_the_outcome(scores, happened)), who)


def _subjects(table: LabelTable, column: str) -> Codes:
    """Whose each row is. BadRequest: a row that does not say."""
    (subjects,), _ = table.texts(column)
    if len(where := np.flatnonzero(subjects < 0)):
        raise BadRequest(
            f"column {column!r} of {table.name} has {len(where)} empty cells, the first in row {where[0] + 2}"
        )
    return subjects


def _outside(scores: NDArray[np.float64], limits: Sequence[float]) -> NDArray[np.bool_]:
    return np.asarray((scores < limits[0]) | (scores > limits[1]), bool)


def _set_aside(people: LabelledPeople, empty: NDArray[np.bool_]) -> str:
    """How many rows had no score, and in which group of the first factor that was most common."""
    codes, names = people.codes[:, 0], people.labels[0]
    shares = {n: float(empty[codes == at].mean()) for at, n in enumerate(names) if (codes == at).sum() >= 20}
    text = f"{int(empty.sum()):,} of {len(empty):,} rows have no score and are left out"
    if len(shares) < 2:
        return text
    most, least = max(shares, key=shares.__getitem__), min(shares, key=shares.__getitem__)
    return f"{text}: {100 * shares[most]:.2g} % of {most}, {100 * shares[least]:.2g} % of {least}"


def _against_the_outcome(scores: NDArray[np.float64], happened: NDArray[np.bool_]) -> list[str]:
    if happened.all() or not happened.any():
        kind = "happened to everybody" if happened.all() else "happened to nobody"
        return [f"the outcome {kind} in this file: nothing can be said about half of the errors"]
    tendency = direction(scores, happened)
    if tendency.larger_is_more_alike or not tendency.certain:
        return []
    return [
        f"the scores run against the outcome (AUC {tendency.auc:.2f}, under 0.5): the higher the score, the less "
        "often it happened. Either a low score means a high risk, or the outcome is the opposite of what the plan says"
    ]


class OutcomeSource(Source[OutcomeTable]):
    """A classifier's answers."""

    measures: ClassVar[tuple[Measure, ...]] = ("error", "fte")

    def usual(self) -> tuple[Measure, ...]:
        """Errors, and missing answers (no face found, say) unless every row of the table has an answer."""
        try:
            answered = not (self._read().predicted == NO_ANSWER).any()
        except (BadRequest, NotFound):  # nothing is there yet, so nothing is ruled out
            answered = False
        return self.measures[:1] if answered else self.measures

    def check(self) -> tuple[str, ...]:
        """What must be known about the data."""
        return self._read().findings

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        return Loaded(OutcomeAudit(self._read()), self.hashes())

    def _read(self) -> Classified:
        plan = self._plan
        return read_outcomes(
            self._described, self._folder, plan.groups.factors, plan.contradictions, plan.groups.spellings
        )


class RiskSource(Source[RiskTable]):
    """Risk scores."""

    measures: ClassVar[tuple[Measure, ...]] = ("fpr", "fnr")

    def check(self) -> tuple[str, ...]:
        """What must be known about the data."""
        return self._read().findings

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        return Loaded(RiskAudit(self._read()), self.hashes())

    def _read(self) -> Scores:
        return read_risks(self._described, self._folder, self._plan.groups.factors, self._plan.groups.spellings)
