"""Every rate that can differ between groups, as questions: one measure by one way to tell groups apart."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field

from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import (
    Analysed,
    Analysis,
    ClassLine,
    OutcomeAnalysis,
    PresentationAnalysis,
    Results,
    RiskAnalysis,
    Share,
)

MOST_CLASSES = 10
"""Of classifiers with more classes only the plan's positive class is asked about."""
LOW_IS_BAD = frozenset({"tpr", "ppv", "npv"})
"""Measures whose lowest rate is the worst."""
FACE_FIELDS = (("fmr", "fmr"), ("fnmr", "fnmr"), ("fte", "failures"))
RISK_FIELDS = (("fpr", "fpr"), ("fnr", "fnr"), ("ppv", "ppv"), ("npv", "npv"), ("selection", "selected"))


@dataclass(frozen=True, slots=True)
class Question:
    """One measure by one factor (or intersection). shares: by group, in the order of `groups`.

    of_class: the class that TPR, FPR or PPV of a classifier speak of, or the species of attack, else "". strata: for
    calibration, by group its shares with the outcome in the bins of the score; then `shares` are those with the outcome
    over all scores.
    """

    measure: str
    factor: str
    groups: tuple[str, ...]
    shares: tuple[Share, ...]
    of_class: str = ""
    strata: tuple[tuple[Share, ...], ...] = field(default=())

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from every other question."""
        return self.measure, self.factor, self.of_class

    @property
    def known(self) -> Question:
        """The same without groups that have no number."""
        places = [at for at, share in enumerate(self.shares) if share.known]
        return dataclasses.replace(
            self,
            groups=tuple(self.groups[at] for at in places),
            shares=tuple(self.shares[at] for at in places),
            strata=tuple(self.strata[at] for at in places) if self.strata else (),
        )

    @property
    def worst_first(self) -> tuple[tuple[str, Share], ...]:
        """Groups with their shares, the worst first, groups without a number last."""
        sign = 1 if self.measure in LOW_IS_BAD else -1
        return by_rate(tuple(zip(self.groups, self.shares, strict=True)), sign)


def by_rate(lines: tuple[tuple[str, Share], ...], sign: int = -1) -> tuple[tuple[str, Share], ...]:
    """Lines in the order of their rates, highest first (sign 1: lowest first); those without a number last."""
    return tuple(sorted(lines, key=lambda line: (not line[1].known, sign * (line[1].estimate or 0.0))))


def questions_of(plan: Plan, found: Analysed | Results) -> tuple[Question, ...]:
    """Every question that what was found can answer; TPR, FPR and PPV speak of the plan's positive class first."""
    if found.faces is not None:
        return tuple(q for analysis in found.faces.analyses for q in _of_faces(analysis))
    if found.outcomes is not None:
        positive = None if plan.outcomes is None else plan.outcomes.positive
        return tuple(q for analysis in found.outcomes.analyses for q in _of_outcomes(analysis, positive))
    if found.presentations is not None:
        return tuple(q for analysis in found.presentations.analyses for q in _of_presentations(analysis))
    assert found.risks is not None
    return tuple(q for analysis in found.risks.analyses for q in _of_risks(analysis))


def _of_faces(analysis: Analysis) -> Iterator[Question]:
    names = tuple(group.group for group in analysis.groups)
    for measure, name in FACE_FIELDS:
        yield Question(measure, analysis.name, names, tuple(getattr(group, name) for group in analysis.groups))


def _of_outcomes(analysis: OutcomeAnalysis, positive: str | None) -> Iterator[Question]:
    names = tuple(group.group for group in analysis.groups)
    yield Question("error", analysis.name, names, tuple(group.error for group in analysis.groups))
    yield Question("fte", analysis.name, names, tuple(group.no_answer for group in analysis.groups))
    classes = list(dict.fromkeys(line.label for group in analysis.groups for line in group.classes))
    if positive is not None:
        classes = [positive, *(c for c in classes if c != positive)]
    answered = not any(group.no_answer.errors for group in analysis.groups)
    for label in classes if len(classes) <= MOST_CLASSES else classes[: positive is not None]:
        mirrored = (
            positive not in (None, label) and len(classes) == 2 and answered
        )  # one class's miss is the other's call
        for measure in ("ppv",) if mirrored else ("tpr", "fpr", "ppv"):
            lines = ({line.label: line for line in group.classes}.get(label) for group in analysis.groups)
            shares = tuple(_NO_CLASS if line is None else of_class(line, measure) for line in lines)
            yield Question(measure, analysis.name, names, shares, label)


def of_class(line: ClassLine, measure: str) -> Share:
    """TPR, FPR or PPV of one class in one group; PPV has no number where nobody in the group is of that class."""
    share: Share = getattr(line, measure)
    return _NO_CLASS if measure == "ppv" and line.tpr.trials == 0 else share


_NO_CLASS = Share(0, 0, 0, None, None, None, 0.95, None, None, "no trials", "no such class in this group")


def _of_presentations(analysis: PresentationAnalysis) -> Iterator[Question]:
    names = tuple(group.group for group in analysis.groups)
    yield Question("bpcer", analysis.name, names, tuple(group.bpcer for group in analysis.groups))
    silent = Question("bpnrr", analysis.name, names, tuple(group.bpnrr for group in analysis.groups))
    if any(share.errors for share in silent.shares):
        yield silent
    for species in dict.fromkeys(line.species for group in analysis.groups for line in group.species):
        for measure in ("apcer", "apnrr"):
            lines = ({line.species: line for line in group.species}[species] for group in analysis.groups)
            shares = tuple(getattr(line, measure) for line in lines)
            if measure == "apcer" or any(share.errors for share in shares):
                yield Question(measure, analysis.name, names, shares, species)


def _of_risks(analysis: RiskAnalysis) -> Iterator[Question]:
    names = tuple(group.group for group in analysis.groups)
    for measure, name in RISK_FIELDS:
        yield Question(measure, analysis.name, names, tuple(getattr(group, name) for group in analysis.groups))
    bins = sorted({(cell.low, cell.high) for cell in analysis.calibration})
    cells = {(cell.group, cell.low, cell.high): cell.observed for cell in analysis.calibration}
    strata = tuple(tuple(cells.get((name, *ends), _NO_BIN) for ends in bins) for name in names)
    shares = tuple(group.prevalence for group in analysis.groups)
    yield Question("calibration", analysis.name, names, shares, "", strata)


_NO_BIN = Share(0, 0, 0, None, None, None, 0.95, None, None, "no trials", "nobody with such a score")
