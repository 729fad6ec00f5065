"""The main finding in one sentence and three numbers, and what the data could not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from countenance.audit.findings.words import between, count, listed, one_in, percent, times
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Analysis, FaceResults, Judged, Numbers, OutcomeResults, RiskResults
from countenance.audit.formats.shares import Share
from countenance.metrics import expected_false_matches

RISK_SAID = {
    "fpr": ("wrongly called high risk", "wrong calls of high risk"),
    "fnr": ("wrongly called low risk", "wrong calls of low risk"),
}
SAID = {
    "fmr": ("taken for the same person", "false matches"),
    "fnmr": ("not recognised as themselves", "misses"),
    "fte": ("not found by the face detector", "failures to find a face"),
    "error": ("wrongly classified", "errors"),
    "tpr": ("rightly recognised as the class asked for", "true positive rates"),
    "fpr": ("wrongly called positive", "false positives"),
    "ppv": ("right when called positive", "positive predictive values"),
    "fnr": ("wrongly called negative", "false negatives"),
    "npv": ("right when called negative", "negative predictive values"),
    "selection": ("selected", "selection rates"),
}

OF_WHOM = {"fmr": "two different people of one group"}
OF_WHOM_RISK = {"fpr": "people without the outcome", "fnr": "people with the outcome"}
"""Whom a rate is a share of, where that is not simply people."""


@dataclass(frozen=True, slots=True)
class Told:
    """The head of a report."""

    headline: str
    numbers: Numbers
    untold: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _HeadlineLine:
    group: str
    share: Share


def faces_told(plan: Plan, faces: FaceResults, judged: Sequence[Judged]) -> Told:
    """What an audit of face comparisons says first."""
    for measure in ("fmr", "fnmr", "fte"):
        analysis = _leading(faces, judged, measure)
        lines = _lines(analysis, measure)
        if len(lines) > 1 and any(line.share.errors for line in lines):
            headline, numbers = _finding(plan, measure, analysis.name, lines, judged)
            if measure == "fmr":
                numbers = Numbers(numbers.worst, numbers.ratio, _in_searches(plan, analysis, lines))
            return Told(headline, numbers, _untold(faces, judged))
    return Told(
        "This data shows no rate that could be compared between groups.",
        Numbers("unknown", "unknown", "unknown"),
        _untold(faces, judged),
    )


def outcomes_told(plan: Plan, outcomes: OutcomeResults, judged: Sequence[Judged]) -> Told:
    """What an audit of a classifier says first."""
    analysis = max(outcomes.analyses, key=lambda a: len(a.groups))
    lines = [_HeadlineLine(group.group, group.error) for group in analysis.groups if group.error.known]
    untold = [_of_groups("nobody in the data", a.empty, a.name) for a in outcomes.analyses if a.empty]
    untold += [_of_groups("too few people", a.merged, a.name) for a in outcomes.analyses if a.merged]
    return _plain(plan, "error", analysis.name, lines, judged, untold)


def risks_told(plan: Plan, risks: RiskResults, judged: Sequence[Judged]) -> Told:
    """What an audit of a risk score says first."""
    analysis = risks.analyses[0]
    lines = [_HeadlineLine(group.group, group.fpr) for group in analysis.groups if group.fpr.known]
    untold = [f"What the outcome measures: {risks.label_warning}"]
    untold += [_of_groups("nobody in the data", a.empty, a.name) for a in risks.analyses if a.empty]
    untold += [_of_groups("too few people", a.merged, a.name) for a in risks.analyses if a.merged]
    return _plain(plan, "fpr", analysis.name, lines, judged, untold)


def _plain(
    plan: Plan, measure: str, factor: str, lines: Sequence[_HeadlineLine], judged: Sequence[Judged], untold: list[str]
) -> Told:
    untold += _insufficient(judged)
    if len(lines) < 2:
        none = "There are not two groups with data to compare."
        return Told(none, Numbers("unknown", "unknown", "unknown"), tuple(untold))
    headline, numbers = _finding(plan, measure, factor, lines, judged)
    return Told(headline, numbers, tuple(untold))


def _leading(faces: FaceResults, judged: Sequence[Judged], measure: str) -> Analysis:
    """The analysis in which the largest difference was shown; the first one where none was."""
    shown = [j for j in judged if j.measure == measure and j.verdict == "disparity shown"]
    if not shown:
        return faces.analyses[0]
    most = max(shown, key=_size)
    return next(analysis for analysis in faces.analyses if analysis.name == most.factor)


def _size(judged: Judged) -> float:
    return float("inf") if judged.ratio is None else judged.ratio


def _lines(analysis: Analysis, measure: str) -> list[_HeadlineLine]:
    pairs = ((g.group, {"fmr": g.fmr, "fnmr": g.fnmr, "fte": g.failures}[measure]) for g in analysis.groups)
    return [_HeadlineLine(group, share) for group, share in pairs if share.known]


def _ends(lines: Sequence[_HeadlineLine]) -> tuple[_HeadlineLine, _HeadlineLine]:
    """The groups surest to be worst off and best off: by the interval's low end and high end, not by noisy rates."""
    worst = max(lines, key=lambda line: (line.share.low or 0.0, _rate(line)))
    best = min(lines, key=lambda line: (1.0 if line.share.high is None else line.share.high, _rate(line)))
    if worst is best:
        worst = max(lines, key=_rate)
        best = min((line for line in lines if line is not worst), key=_rate)
    return worst, best


def _named(factor: str, group: str) -> str:
    """A group in a sentence: "age 60-69", but "women"."""
    return f"{factor} {group}" if group[:1].isdecimal() else group


def _rate(line: _HeadlineLine) -> float:
    return line.share.estimate or 0.0


def _finding(
    plan: Plan, measure: str, factor: str, lines: Sequence[_HeadlineLine], judged: Sequence[Judged]
) -> tuple[str, Numbers]:
    worst, best = _ends(lines)
    said, things = (RISK_SAID if plan.task == "risk" else SAID).get(measure, SAID[measure])
    whom = (OF_WHOM_RISK if plan.task == "risk" else OF_WHOM).get(measure, "people")
    bad, good = _named(factor, worst.group), _named(factor, best.group)
    rates = f"{percent(_rate(worst))} for {bad}, {percent(_rate(best))} for {good}"
    family = [j for j in judged if j.measure == measure and j.factor == factor]
    shown = [j for j in family if j.verdict == "disparity shown"]
    most = max(shown, key=_size, default=None)
    none = f"not known, as none was seen for {good}"
    ratio = f"{times(_rate(worst) / _rate(best))} as often as for {good}" if _rate(best) else none
    if most is not None:
        status = "" if all(j.planned for j in shown) else " Exploratory: not declared before the data was seen."
        against = "everybody else" if most.reference == "others" else _named(factor, most.reference)
        if most.ratio is None:
            ratio = f"{_named(factor, most.group)} {between(most.bounds)} times as often as {against} (95 % interval; "
            ratio += f"no case was seen for {against})"
        else:
            ratio = f"{_named(factor, most.group)} {times(most.ratio)} as often as {against} (95 % interval "
            ratio += f"{between(most.bounds)})"
        headline = f"{whom.capitalize()} are {said} at different rates: {rates}. "
        headline += f"The largest difference shown: {ratio}.{status}"
    elif family and all(j.verdict == "equivalence shown" for j in family):
        headline = f"By {factor}, {things} are shown to lie within a factor of {plan.margin:g} of each other: {rates}."
    elif family:
        ratio += "; chance may explain it"
        headline = (
            f"This data cannot tell whether {things} differ by {factor}: the rates seen ({rates}) are compatible with "
            "equal treatment and with a difference that matters."
        )
    else:
        headline = f"By {factor}, {whom} are {said} at these rates: {rates}. No comparison was declared beforehand."
    meaning = f"of 1,000 {whom} about {count(1000 * _rate(worst))} are {said} for {bad}, "
    meaning += f"about {count(1000 * _rate(best))} for {good}"
    first = f"{percent(_rate(worst))} ({one_in(_rate(worst))}) for {bad}"
    return headline, Numbers(first, ratio, meaning)


def _in_searches(plan: Plan, analysis: Analysis, lines: Sequence[_HeadlineLine]) -> str:
    """What the worst and the best group's rates mean for searches in the plan's first gallery of 10,000 or more."""
    size = next((n for n in plan.gallery.sizes if n >= 10_000), plan.gallery.sizes[-1])
    worst, best = _ends(lines)
    a_search = [expected_false_matches([_rate(line)], [size]) for line in (worst, best)]
    searches = 1 if min(a_search) >= 1 else plan.gallery.searches
    each = [searches * number for number in a_search]
    begins = "every search" if searches == 1 else f"{searches:,} searches"
    return (
        f"{begins} in a gallery of {size:,} people of their own group give{'s' * (searches == 1)} about "
        f"{count(each[0])} false "
        f"candidates for {_named(analysis.name, worst.group)}, {count(each[1])} for {_named(analysis.name, best.group)}"
    )


def _untold(faces: FaceResults, judged: Sequence[Judged]) -> tuple[str, ...]:
    lines = []
    if not faces.fmr.known:
        lines.append(f"The false match rate is unknown for everybody: {faces.fmr.reason or 'no data'}.")
    if not faces.fnmr.known:
        lines.append(f"The miss rate is unknown for everybody: {faces.fnmr.reason or 'no data'}.")
    for analysis in faces.analyses:
        if len([group for group in analysis.groups if group.people]) == 1:
            lines.append(f"By {analysis.name}, there is one group only: nothing can be compared.")
        if analysis.empty:
            lines.append(_of_groups("nobody in the data", analysis.empty, analysis.name))
        if analysis.merged:
            lines.append(_of_groups("too few people to publish", analysis.merged, analysis.name))
        for measure, name, overall in (("fmr", "false match rate", faces.fmr), ("fnmr", "miss rate", faces.fnmr)):
            unknown = [line.group for line in analysis.groups if line.people and not getattr(line, measure).known]
            if unknown and overall.known:
                lines.append(f"By {analysis.name}, the {name} is unknown for {listed(unknown)}.")
        few = [g.group for g in analysis.groups if g.fmr.known and (g.fmr.errors or 0) < 30]
        if few:
            lines.append(f"By {analysis.name}, fewer than 30 false matches were seen in {listed(few)}: wide intervals.")
    if faces.censored_below is not None:
        lines.append(f"Scores below {faces.censored_below:g} were not told by the system; nothing is known there.")
    return (*lines, *_insufficient(judged))


def _insufficient(judged: Sequence[Judged]) -> list[str]:
    """One line per factor: what is left open, and for whom."""
    lines = []
    for factor in dict.fromkeys(j.factor for j in judged):
        parts = []
        for measure in dict.fromkeys(j.measure for j in judged if j.factor == factor):
            family = [j for j in judged if (j.measure, j.factor) == (measure, factor)]
            left = [j.group for j in family if j.verdict == "insufficient evidence"]
            if left:
                whom = "any group" if len(left) == len(family) and len(left) > 1 else listed(left)
                parts.append(f"{SAID[measure][1]} for {whom}")
        if parts:
            lines.append(f"By {factor}, the evidence is insufficient for a verdict about {'; about '.join(parts)}.")
    return lines


def _of_groups(why: str, groups: Sequence[str], factor: str) -> str:
    return f"By {factor}, nothing is told about {listed(tuple(groups))}: {why}."
