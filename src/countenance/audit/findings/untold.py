"""What the data could not show, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from countenance.audit.findings.sentences import things
from countenance.audit.findings.words import NOT_STATED, Names, listed
from countenance.audit.formats.plan import BY_SPECIES, NEAR_ONE, Plan
from countenance.audit.formats.results import (
    Analysed,
    FaceResults,
    Judged,
    OutcomeAnalysis,
    PresentationAnalysis,
    PresentationGroup,
    Results,
    RiskAnalysis,
    RiskResults,
    Share,
)

FEW = 30
"""Errors below which a rate is rough, by the rule of 30."""


def untold_of(plan: Plan, found: Analysed | Results) -> tuple[str, ...]:
    """Groups and rates about which nothing is known."""
    names = Names.of(plan)
    faces, outcomes, risks, presentations = found.faces, found.outcomes, found.risks, found.presentations
    if faces is not None:
        shares = {a.name: [s for g in a.groups if g.people for s in (g.fmr, g.fnmr)] for a in faces.analyses}
        return (*_of_nobody(plan), *_of_faces(faces, names), *_left_out(shares, names))
    lines = [*_of_nobody(plan)]
    lines += [] if risks is None else [label_words(risks)]
    if presentations is not None:
        lines += _of_species(presentations.everybody)
    analyses: list[OutcomeAnalysis | RiskAnalysis | PresentationAnalysis] = []
    analyses += [] if outcomes is None else outcomes.analyses
    analyses += [] if risks is None else risks.analyses
    analyses += [] if presentations is None else presentations.analyses
    for analysis in analyses:
        if analysis.empty:
            lines.append(_of_groups("nobody in the data", analysis.empty, analysis.name, names))
        if analysis.merged:
            lines.append(_of_groups(f"too few {names.counted}", analysis.merged, analysis.name, names))
    rates: dict[str, list[Share]] = {}
    rates |= {} if outcomes is None else {a.name: [g.error for g in a.groups] for a in outcomes.analyses}
    rates |= {} if risks is None else {a.name: [g.selected for g in a.groups] for a in risks.analyses}
    rates |= {} if presentations is None else {a.name: [g.bpcer for g in a.groups] for a in presentations.analyses}
    return (*lines, *_left_out(rates, names))


def label_words(risks: RiskResults) -> str:
    """What the outcome of a risk score measures, or that nobody said so."""
    if risks.label_warning == NOT_STATED:
        return "Nobody stated what the outcome really measures."
    return f"What the outcome measures: {risks.label_warning}"


def _left_out(rates: Mapping[str, Sequence[Share]], names: Names) -> tuple[str, ...]:
    """Analyses that are withheld as a whole."""
    return tuple(
        f"By {names.factor(analysis)} no rate is published: with groups so many and so small, some would tell others "
        "that are withheld. Cross fewer factors, or ask more people."
        for analysis, shares in rates.items()
        if len(shares) > 1 and not any(share.known for share in shares) and "withheld" in {s.method for s in shares}
    )


def left_open(plan: Plan, judged: Sequence[Judged]) -> tuple[str, ...]:
    """One line per factor about declared comparisons without an answer, and one on margins that were not declared."""
    names = Names.of(plan)
    declared = [j for j in judged if j.declared]
    lines = []
    for factor in dict.fromkeys(j.factor for j in declared):
        parts = []
        for measure in dict.fromkeys(j.measure for j in declared if j.factor == factor):
            family = [j for j in declared if (j.measure, j.factor) == (measure, factor)]
            open_ = [j for j in family if j.verdict == "insufficient evidence"]
            left = list(dict.fromkeys(names.group(j.group) for j in open_))
            species = list(dict.fromkeys(j.of_class for j in open_ if measure in BY_SPECIES and j.of_class))
            if left:
                whom = "any group" if len(open_) == len(family) and len(left) > 1 else listed(left)
                what = things(plan.task, measure) + (f" by {listed(species)}" if species else "")
                parts.append(f"{what} for {whom}")
        if parts:
            lines.append(
                f"By {names.factor(factor)}, the evidence is insufficient for a verdict about {'; about '.join(parts)}."
            )
    without = [m for m in dict.fromkeys(j.measure for j in declared) if not _has_margin(plan, m)]
    if without:
        measures = listed([things(plan.task, measure) for measure in without])
        lines.append(f"No margin was declared for {measures}: nothing here can show that groups are alike in that.")
    return tuple(lines)


def _of_species(everybody: PresentationGroup) -> list[str]:
    hidden = [line.species for line in everybody.species if not line.apcer.known]
    lines = [] if not hidden else [f"Nothing is told about attacks by {listed(hidden)}: the highest may be among them."]
    if not everybody.species:
        lines.append("There are no attacks in the data: nothing is known about APCER.")
    if not everybody.bpcer.known:
        lines.append(f"The BPCER is unknown for everybody: {everybody.bpcer.reason or 'no data'}.")
    return lines


def _has_margin(plan: Plan, measure: str) -> bool:
    if measure in NEAR_ONE:
        return plan.margin_points is not None or plan.four_fifths
    return plan.margin is not None


def _of_nobody(plan: Plan) -> tuple[str, ...]:
    """What is not known, and not done, where nobody is named."""
    if plan.counted == "people":
        return ()
    who = {"rows": "Which rows are about the same people", "presentations": "Who presented what"}.get(
        plan.counted, "Who is on the pictures"
    )
    each = (
        "pair counts as independent" if plan.counted == "pairs" else f"{plan.counted[:-1]} counts as another person's"
    )
    return (
        f"{who} is not known. Each {each}, and nothing is clustered by person: where people occur "
        "more than once, every interval is too narrow.",
    )


def _of_faces(faces: FaceResults, names: Names) -> list[str]:
    lines = []
    if not faces.fmr.known:
        lines.append(f"The false match rate is unknown for everybody: {faces.fmr.reason or 'no data'}.")
    if not faces.fnmr.known:
        lines.append(f"The miss rate is unknown for everybody: {faces.fnmr.reason or 'no data'}.")
    for analysis in faces.analyses:
        by = names.factor(analysis.name)
        if len([group for group in analysis.groups if group.people]) == 1:
            lines.append(f"By {by}, there is one group only: nothing can be compared.")
        if analysis.empty:
            lines.append(_of_groups("nobody in the data", analysis.empty, analysis.name, names))
        if analysis.merged:
            lines.append(_of_groups(f"too few {names.counted} to publish", analysis.merged, analysis.name, names))
        for measure, name, overall in (("fmr", "false match rate", faces.fmr), ("fnmr", "miss rate", faces.fnmr)):
            unknown = [names.group(g.group) for g in analysis.groups if g.people and not getattr(g, measure).known]
            if unknown and overall.known:
                lines.append(f"By {by}, the {name} is unknown for {listed(unknown)}.")
        few = [names.group(g.group) for g in analysis.groups if g.fmr.known and (g.fmr.errors or 0) < FEW]
        if few:
            lines.append(f"By {by}, fewer than {FEW} false matches were seen in {listed(few)}: wide intervals.")
    if faces.censored_below is not None:
        lines.append(f"Scores below {faces.censored_below:g} were not told by the system; nothing is known there.")
    return lines


def _of_groups(why: str, groups: Sequence[str], factor: str, names: Names) -> str:
    listing = listed([names.group(group) for group in groups])
    return f"By {names.factor(factor)}, nothing is told about {listing}: {why}."
