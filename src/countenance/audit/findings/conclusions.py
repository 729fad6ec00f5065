"""What follows from the rates: a verdict on every comparison, the headline, and what could not be told.

The declared family is judged by itself, and all others apart from it, so that neither drowns the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from countenance.audit.findings.headline import ReportHead, headline_of, things
from countenance.audit.findings.questions import Question, questions_of
from countenance.audit.findings.words import NOT_STATED, Names, listed
from countenance.audit.formats.plan import BY_SPECIES, NEAR_ONE, PRESENTATION_MEASURES, DeclaredHypothesis, Plan
from countenance.audit.formats.results import (
    FORMAT,
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
    bounds,
    finite,
    rate_of,
    share,
)
from countenance.errors import BadRequest
from countenance.metrics import Hypothesis as Declared
from countenance.metrics import Margin, Rate, Ratio, StratifiedRatio, judge, ratio
from countenance.metrics.statistics.intervals import pooled

FOUR_FIFTHS = 0.8
Planned = Callable[[str, str], bool]
"""Whether the comparison of a group in an analysis is as planned."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A group against a reference: one group, or all others ("others"), in one question."""

    question: Question
    group: str
    reference: str
    contrast: Ratio | StratifiedRatio

    @property
    def declared(self) -> tuple[str, ...]:
        """What tells it from every other comparison."""
        return (*self.question.key, self.group, self.reference)


@dataclass(frozen=True, slots=True)
class Conclusions:
    """What an audit says. head: its headline and three numbers. untold: what it could not show, and why."""

    judged: tuple[Judged, ...]
    head: ReportHead
    untold: tuple[str, ...]


def conclude(plan: Plan, found: Analysed | Results, planned: Planned) -> Conclusions:
    """Judge every rate that was found, and say the strongest difference first. BadRequest: as `judge_all`."""
    questions = questions_of(plan, found)
    judged = judge_all(plan, questions, planned)
    head = headline_of(plan, questions, judged)
    return Conclusions(judged, head, (*untold_of(plan, found), *left_open(plan, judged)))


def concluded_anew(plan: Plan, results: Results) -> Results:
    """The results with today's verdicts and headline where they are of an older format; else as they are.

    Earlier versions looked at fewer rates before they said what comes first. The signed counts are the same.
    """
    if results.format == FORMAT:
        return results
    exploratory = {(j.factor, j.group) for j in results.judged if not j.planned}
    conclusions = conclude(
        plan, results, lambda factor, group: results.preregistered and (factor, group) not in exploratory
    )
    head = conclusions.head
    return replace(
        results,
        headline=head.headline,
        numbers=head.numbers,
        also=head.also,
        judged=conclusions.judged,
        untold=conclusions.untold,
    )


def judge_all(plan: Plan, questions: Sequence[Question], planned: Planned) -> tuple[Judged, ...]:
    """Judge what the plan declares, and apart from it every other comparison that the results allow.

    The declared come first and are corrected over all declared ones. The others compare each group with all others in
    every question that the plan does not name, corrected over all of those; comparisons without a number are left out.
    BadRequest: no such reference group.
    """
    positive = "" if plan.outcomes is None else plan.outcomes.positive or ""
    by_key = {question.key: question for question in questions}
    named = [(h, key) for h in plan.hypotheses for key in _keys(h, positive, questions)]
    keys = {key for _, key in named}
    family = [c for h, key in named for c in _against(_question(by_key, key), h.reference)]
    family = list({c.declared: c for c in family}.values())
    rest = [q.known for q in questions if q.key not in keys]
    others = [c for question in rest for c in _against(question, "others") if c.contrast.known]
    return (*_judged(plan, family, planned, True), *_judged(plan, others, planned, False))


def margin_of(plan: Plan, measure: str) -> Margin | None:
    """The margin that the plan declares for a measure; None: none, so that nothing is ever called equal in it."""
    if measure not in NEAR_ONE:
        return None if plan.margin is None else Margin("ratio", plan.margin)
    if plan.margin_points is not None:
        return Margin("difference", plan.margin_points)
    if plan.four_fifths:
        favourable_is_rest = measure == "selection"  # who is not called high is favoured
        return Margin("four fifths of the rest" if favourable_is_rest else "four fifths", FOUR_FIFTHS)
    return None


def _keys(
    hypothesis: DeclaredHypothesis, positive: str, questions: Sequence[Question]
) -> tuple[tuple[str, str, str], ...]:
    """What a hypothesis asks: one question, or one for every species of attack."""
    measure, factor = hypothesis.measure, hypothesis.factor
    if measure in BY_SPECIES:
        species = [q.of_class for q in questions if (q.measure, q.factor) == (measure, factor)]
        return tuple((measure, factor, one) for one in species) or ((measure, factor, ""),)
    return ((measure, factor, positive if measure in ("tpr", "fpr", "ppv") else ""),)


def _question(by_key: Mapping[tuple[str, str, str], Question], key: tuple[str, str, str]) -> Question:
    same = by_key.get(key)
    if same is not None:
        return same
    measure, factor, of_class = key
    any_of_factor = next(question for question in by_key.values() if question.factor == factor)
    why = "none was seen in any group" if measure in PRESENTATION_MEASURES else "the plan names no positive class"
    nothing = Share(0, 0, 0, None, None, None, 0.95, None, None, "no trials", why)
    groups = any_of_factor.groups
    return Question(measure, factor, groups, (nothing,) * len(groups), of_class)


def _against(question: Question, reference: str) -> Iterator[Comparison]:
    groups = question.groups
    per_bin = question.measure == "calibration"
    shares = question.strata if per_bin else [(share,) for share in question.shares]
    rates = [[rate_of(share) for share in of_group] for of_group in shares]
    if reference == "others":
        if len(groups) < 2:
            return
        at_most = 1 if len(groups) == 2 else len(groups)  # two groups: one comparison, not the same one twice
        known = [at for at, of_group in enumerate(rates) if any(rate.known for rate in of_group)]
        pairs = [(at, [other for other in known if other != at] or [at - 1]) for at in range(at_most)]
        names = {at: groups[1 - at] if len(groups) == 2 else "others" for at in range(at_most)}
    elif reference in groups:
        place = groups.index(reference)
        pairs = [(at, [place]) for at in range(len(groups)) if at != place]
        names = {at: reference for at, _ in pairs}
    else:
        raise BadRequest(
            f"the reference group {reference!r} is not among the groups of {question.factor}: {', '.join(groups)}"
        )
    for at, others in pairs:
        bins = [(rate, pooled([rates[other][b] for other in others])) for b, rate in enumerate(rates[at])]
        contrast = StratifiedRatio(tuple(bins)) if per_bin else ratio(*bins[0])
        yield Comparison(question, groups[at], names[at], contrast)


def _judged(plan: Plan, family: Sequence[Comparison], planned: Planned, declared: bool) -> Iterator[Judged]:
    hypotheses = [Declared(" · ".join(c.declared), c.contrast, margin_of(plan, c.question.measure)) for c in family]
    for c, j in zip(family, judge(hypotheses, None, plan.alpha, plan.correction), strict=True):
        measure, factor, of_class = c.question.key
        yield Judged(
            measure=measure,
            factor=factor,
            group=c.group,
            reference=c.reference,
            verdict=j.verdict.value,
            ratio=finite(j.estimate),
            bounds=bounds(j.interval),
            p=j.p,
            p_corrected=j.p_corrected,
            equivalence_p_corrected=j.equivalence_p_corrected,
            margin=None if j.margin is None else j.margin.size,
            shows_margin=finite(j.shows_margin),
            beyond_margin=j.beyond_margin,
            planned=declared and planned(factor, c.group) and planned(factor, c.reference),
            reason=j.reason,
            declared=declared,
            of_class=of_class,
            margin_kind="" if j.margin is None else j.margin.kind,
            sees_ratio=finite(j.sees_ratio),
            sees_difference=finite(j.sees_difference),
            rate=_told(c.contrast, 0),
            against=_told(c.contrast, 1),
        )


def _told(contrast: Ratio | StratifiedRatio, side: int) -> Share | None:
    """One of the two rates as a record; None where they are not one rate each."""
    if isinstance(contrast, StratifiedRatio):
        return None
    rate: Rate = (contrast.rate, contrast.reference)[side]
    return share(rate)


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
