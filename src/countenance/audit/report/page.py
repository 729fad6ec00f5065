"""Audits for readers: the report, a model card (Mitchell et al. 2019), and a leaflet for whoever holds a search result.

Each is one HTML page that needs no network. The report is for readers in a hurry first and for checkers last.
"""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path

from markupsafe import Markup

from countenance.audit.bundle import Bundle, counts_csv
from countenance.audit.evidence import Evidence
from countenance.audit.findings.conclusions import concluded_anew
from countenance.audit.findings.differences import compare_bundles
from countenance.audit.findings.headline import SHOWN, leads_undeclared
from countenance.audit.findings.questions import Question, by_rate
from countenance.audit.findings.search_facts import SearchFacts
from countenance.audit.findings.words import (
    Names,
    between,
    count,
    interval,
    listed,
    of,
    one_in,
    one_sided,
    percent,
    seen,
    system_words,
    times,
)
from countenance.audit.formats.plan import Plan, margins_words
from countenance.audit.formats.results import ENOUGH, FORMAT, Analysis, FaceResults, GroupResult, Results, SummaryFigure
from countenance.audit.report.changes import before_and_after
from countenance.audit.report.decisions import outcome_sections, risk_sections
from countenance.audit.report.faces import NEARLY_SURE, det_curves, distributions, few_searches, gallery_curve, heat_map
from countenance.audit.report.figures import Figure, Grid, Section, forest
from countenance.audit.report.presentations import presentation_sections
from countenance.audit.report.questions import amount, answered, card_grid, lead_question, picture_of
from countenance.drawing.html import rendered
from countenance.errors import BadRequest

_CSS = Path(__file__).with_name("templates") / "style.css"


def report_page(bundle: Bundle, before: Bundle | None = None) -> str:
    """The whole report as one HTML text. before: an earlier audit of the same kind, to show what changed.

    BadRequest: the two cannot be compared.
    """
    results = Names.of(bundle.plan).applied(concluded_anew(bundle.plan, bundle.results))
    lead = lead_question(bundle.plan, results)
    changed = [] if before is None else _changed(before, bundle)
    csv = base64.b64encode(counts_csv(results)).decode()
    return render(
        "report.html.j2",
        title=results.title,
        bundle=bundle,
        results=results,
        plan=bundle.plan,
        environment=bundle.environment,
        signed="" if bundle.results.format == FORMAT else bundle.results.headline,
        undeclared=leads_undeclared(bundle.plan, results.judged),
        numbers=tuple(zip(_number_heads(results), dataclasses.astuple(results.numbers), strict=True)),
        system=system_words(results.system),
        amount=amount(results.data),
        lead=None if lead is None else picture_of(bundle.plan, results, lead),
        also=results.also,
        more=Grid(("also shown",), tuple((line,) for line in results.also[3:])),
        answers=answered(results.task, results.judged, bundle.plan.counted),
        declared=sum(j.declared for j in results.judged),
        margins=margins_words(bundle.plan),
        sections=[*changed, *_sections(bundle.plan, results, lead)],
        csv=Markup(f"data:text/csv;base64,{csv}"),  # noqa: S704  base64 only
    )


def render(template: str, **values: object) -> str:
    """Fill in a template of this package, with its style. Everything is escaped except markup made here."""
    return rendered("countenance.audit.report", template, style=Markup(_CSS.read_text()), **values)  # noqa: S704  our own file


def _number_heads(results: Results) -> tuple[str, str, str]:
    """What the three numbers are: of a difference that is shown, or of rates that chance may keep apart."""
    if any(one.verdict in SHOWN for one in results.judged):
        return "Worst off", "How much worse", "What that means"
    return "Highest rate seen", "Lowest rate seen", "How far that goes"


def _changed(before: Bundle, after: Bundle) -> list[Section]:
    difference = compare_bundles(before, after)
    words = (
        f"Before: “{before.results.title}”{_under(before.plan)} (bundle {before.hash[:16]}…). "
        f"After: this audit{_under(after.plan)}.",
        *difference.notes,
    )
    return [Section("Before and after", words, before_and_after(difference, after.plan))]


def _under(plan: Plan) -> str:
    return "" if plan.conditions in ("", "not stated") else f", under {plan.conditions}"


def _sections(plan: Plan, results: Results, lead: Question | None) -> list[Section]:
    if results.faces is not None:
        return _faces(plan, results.faces, lead)
    if results.outcomes is not None:
        return outcome_sections(results.outcomes, lead)
    if results.presentations is not None:
        return presentation_sections(results.presentations, lead)
    assert results.risks is not None
    return risk_sections(results.risks, lead)


def _faces(plan: Plan, faces: FaceResults, lead: Question | None) -> list[Section]:
    threshold = f"{faces.threshold:.4g} ({faces.threshold_rule})"
    sections = []
    for analysis in faces.analyses:
        sections.append(
            Section(
                f"By {analysis.name}",
                (*_about(analysis, plan.counted), *_without_error(analysis)),
                _forests(faces, analysis, lead),
                (),
            )
        )
        figures = [
            heat_map(analysis, _target(plan, faces), threshold),
            det_curves(analysis),
            distributions(analysis, faces.threshold, faces.censored_below),
        ]
        sections.append(
            Section(
                f"Between groups and along thresholds, by {analysis.name}",
                _not_computed(analysis),
                tuple(figure for figure in figures if figure is not None),
                (
                    ("Several figures in one number, after the groups", _summaries(analysis)),
                    ("The worst group, with the winner's curse taken off", _worst(analysis)),
                    *(
                        (("Thresholds that groups would need", _thresholds(analysis)),)
                        if _thresholds(analysis).rows
                        else ()
                    ),
                    *((("Quality of the pictures", _quality(analysis)),) if _quality(analysis).rows else ()),
                ),
            )
        )
    curve = gallery_curve(faces)
    few = few_searches(faces)
    searches = [s for s in faces.searches if s.group not in few]
    text = (
        f"Fewer than {ENOUGH} false matches were seen for {listed(few)}: too few to tell what they mean for searches."
    )
    too_few = (text,) if few else ()
    if curve is not None:
        sections.append(Section("Searches", too_few, (curve,)))
    elif searches and min(s.chance_any for s in searches) > NEARLY_SURE:
        least = min(searches, key=lambda s: s.chance_any)
        words = (
            f"A search in a gallery of {least.gallery:,} people or more returns at least one false candidate with a "
            f"chance of {percent(least.chance_any)} or more, whoever is searched for."
        )
        sections.append(Section("Searches", (words, *too_few)))
    elif too_few:
        sections.append(Section("Searches", too_few))
    sections.append(
        Section(
            "Whom to compare with whom",
            ("The choice of impostors changes the rate: people who look alike on paper are mistaken more often.",),
            (),
            (("False match rate by choice of impostors", _protocols(faces)), ("Other thresholds", _operating(faces))),
        )
    )
    return sections


def _about(analysis: Analysis, counted: str) -> tuple[str, ...]:
    words = []
    if analysis.merged:
        words.append(f"Too few {counted}, merged or left out: {', '.join(analysis.merged)}.")
    if analysis.empty:
        words.append(f"{'Nobody' if counted == 'people' else 'Nothing'} in the data: {', '.join(analysis.empty)}.")
    if analysis.unlabelled:
        words.append(f"{analysis.unlabelled} {counted} have no label here and count in no group.")
    if not analysis.planned:
        words.append("Exploratory: this analysis is not as it was planned.")
    return tuple(words)


def _without_error(analysis: Analysis) -> tuple[str, ...]:
    """Rates that are zero everywhere, in words: a picture would be empty."""
    never = {
        "fmr": "Nobody was falsely matched within a group",
        "fnmr": "Nobody was missed",
        "failures": "Every image (or comparison) gave a template or score",
    }
    words = []
    for measure, sentences in never.items():
        shares = [getattr(group, measure) for group in analysis.groups]
        known = [share for share in shares if share.known]
        if known and not any(share.errors for share in known):
            most = max(share.high or 0.0 for share in known)
            trials = sum(share.trials or 0 for share in known)
            words.append(f"{sentences}: 0 errors of {trials:,} in all; at most {percent(most)} in a group.")
    return tuple(words)


def _forests(faces: FaceResults, analysis: Analysis, lead: Question | None) -> tuple[Figure, ...]:
    figures = []
    above = "" if lead is None or lead.factor != analysis.name else {"fte": "failures"}.get(lead.measure, lead.measure)
    overall = None if faces.fmr.estimate is None else ("all comparisons", faces.fmr.estimate)
    words = {
        "fmr": ("Falsely matched with others of their group", "Share of comparisons of two different people of one "
                "group that are accepted as the same person.", overall),
        "fnmr": ("Not recognised as themselves", "Share of comparisons of two pictures of one person that are "
                 "rejected.", None if faces.fnmr.estimate is None else ("all", faces.fnmr.estimate)),
        "failures": ("No face found", "Share of images (or comparisons) that gave no template or score.",
                     None if faces.failures.estimate is None else ("all", faces.failures.estimate)),
    }  # fmt: skip
    for measure, (title, note, reference) in words.items():
        if measure != above:  # that one is the first picture of the page
            lines = [(group.group, getattr(group, measure)) for group in analysis.groups]
            figures.append(forest(f"{title}, by {analysis.name}", lines, note, reference))
    return tuple(figure for figure in figures if figure is not None)


def _target(plan: Plan, faces: FaceResults) -> float | None:
    if plan.threshold is not None and plan.threshold.rule == "fmr":
        return plan.threshold.value
    return faces.fmr.estimate or None


def _summaries(analysis: Analysis) -> Grid:
    return Grid(
        ("figure", "value", "95 % interval", "if all were equal", "note"),
        tuple(
            (f.name, f"{f.value:.4g}", _ends(f), f"{f.fair:g}", f.note)
            for f in analysis.summaries
            if f.value is not None
        ),
    )


def _not_computed(analysis: Analysis) -> tuple[str, ...]:
    """Figures without a value, by the reason: rows of them would be empty."""
    without = [figure for figure in analysis.summaries if figure.value is None]
    return tuple(
        f"Not computed, as {why}: {listed([figure.name for figure in without if figure.note == why])}."
        for why in dict.fromkeys(figure.note for figure in without)
    )


def _ends(figure: SummaryFigure) -> str:
    if figure.bounds is None or figure.bounds.low is None:
        return ""
    high = figure.bounds.high
    return f"{figure.bounds.low:.4g} {'or more' if high is None else f'to {high:.4g}'}"


def _worst(analysis: Analysis) -> Grid:
    return Grid(
        ("of", "contrast", "worst", "best", "ratio seen", "95 % interval", "by chance alone", "p of equality"),
        tuple(
            (w.measure.upper(), w.contrast, w.worst, w.best, times(w.ratio, w.bounds), between(w.bounds),
             "" if w.expected_if_equal is None else times(w.expected_if_equal), "" if w.p is None else f"{w.p:.2g}")
            for w in analysis.worst
        ),
    )  # fmt: skip


def _by_fmr(analysis: Analysis) -> list[GroupResult]:
    """Groups in the order of their false match rates, the highest first."""
    order = [name for name, _ in by_rate(tuple((group.group, group.fmr) for group in analysis.groups))]
    return sorted(analysis.groups, key=lambda group: order.index(group.group))


def _thresholds(analysis: Analysis) -> Grid:
    rows = tuple((g.group, f"{g.threshold_needed:.4g}") for g in _by_fmr(analysis) if g.threshold_needed is not None)
    return Grid(("group", "threshold for the overall false match rate"), rows)


def _quality(analysis: Analysis) -> Grid:
    rows = tuple(
        (g.group, q.measure, f"{q.images:,}", f"{q.mean:.3g}", f"{q.deciles[0]:.3g} to {q.deciles[-1]:.3g}")
        for g in _by_fmr(analysis)
        for q in g.quality
    )
    return Grid(("group", "measure", "images", "mean", "middle 80 %"), rows)


def _protocols(faces: FaceResults) -> Grid:
    return Grid(
        ("impostors", "false match rate", "95 % interval", "errors of trials", "against all", "95 % interval"),
        tuple(
            (p.name, percent(p.fmr.estimate), interval(p.fmr), of(p.fmr), times(p.ratio, p.bounds), between(p.bounds))
            for p in faces.protocols
        ),
    )


def _operating(faces: FaceResults) -> Grid:
    return Grid(
        ("overall false match rate", "threshold", "miss rate", "95 % interval", "enough impostors (rule of 30)"),
        tuple(
            (f"{o.fmr_target:g}", "" if o.threshold is None else f"{o.threshold:.4g}",
             percent(o.fnmr.estimate) if o.fnmr.known else o.fnmr.reason, interval(o.fnmr), "yes" if o.enough else "no")
            for o in faces.operating
        ),
    )  # fmt: skip


def card_page(bundle: Bundle, evidence: Evidence | None = None) -> str:
    """The card as one HTML text. evidence: what was issued on this bundle, with its dates. BadRequest: not of faces."""
    results = Names.of(bundle.plan).applied(concluded_anew(bundle.plan, bundle.results))
    if results.faces is None:
        raise BadRequest("a model card is made of an audit of face comparisons")
    rows = tuple(
        (analysis.name, group.group, *(
            seen(share) if one_sided(share) or not share.known else f"{percent(share.estimate)} ({interval(share)})"
            for share in (group.fmr, group.fnmr, group.failures)
        ), of(group.fmr))
        for analysis in results.faces.analyses
        for group in _by_fmr(analysis)
    )  # fmt: skip
    heads = ("by", "group", "false matches", "misses", "no face found", "errors of comparisons")
    return render(
        "card.html.j2",
        results=results,
        faces=results.faces,
        bundle=bundle,
        environment=bundle.environment,
        evidence=evidence,
        groups=Grid(heads, rows),
        amount=amount(results.data),
        verdicts=card_grid(results.judged, results.task, bundle.plan.counted),
        declared=sum(j.declared for j in results.judged),
    )


DOTS = 100
PRIORS = (0.01, 0.1, 0.5)


def leaflet_page(facts: SearchFacts) -> str:
    """The leaflet as one HTML text: what the search did, how often it is wrong, what that means, what to ask."""
    wrong = round(DOTS * facts.chance)
    priors = PRIORS if facts.prior is None else tuple(sorted({*PRIORS, facts.prior}))
    return render(
        "leaflet.html.j2",
        facts=facts,
        wrong=wrong,
        dots=DOTS,
        chance=percent(facts.chance),
        per_thousand=facts.of_thousand,
        candidates=count(facts.expected) if facts.expected >= 2 else "",
        span="" if facts.of_thousand_span == facts.of_thousand else facts.of_thousand_span,
        each=one_in(facts.fmr),
        rows=[(percent(prior), facts.right_between(prior), prior == facts.prior) for prior in priors],
        misses="not known" if facts.fnmr is None else percent(facts.fnmr),
    )
