"""The parts of reports on classifiers and on risk scores, with their pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from countenance.audit.findings.conclusions import label_words
from countenance.audit.findings.questions import Question
from countenance.audit.findings.words import between, interval, of, one_sided, percent, seen, times
from countenance.audit.formats.results import (
    FourFifthsLine,
    OutcomeAnalysis,
    OutcomeResults,
    RiskAnalysis,
    RiskResults,
    Share,
)
from countenance.audit.report.figures import KEY_TOP, Figure, Grid, LinearAxis, Section, forest, frame, keys
from countenance.drawing.svg import LINES, line, mark, picture, polyline


def outcome_sections(outcomes: OutcomeResults, lead: Question | None = None) -> list[Section]:
    """The parts of the report on a classifier. lead: the question whose picture the page begins with."""
    sections = []
    for analysis in outcomes.analyses:
        everybody = outcomes.everybody
        figures = {
            "error": forest(
                f"Wrongly classified, by {analysis.name}",
                [(group.group, group.error) for group in analysis.groups],
                "Share of rows whose predicted class is not the true one; no answer counts as an error.",
                _line(everybody.error.estimate),
            ),
            "fte": forest(
                f"No answer, by {analysis.name}",
                [(group.group, group.no_answer) for group in analysis.groups],
                "Share of rows for which the classifier said nothing: no face found, or no class told.",
                _line(everybody.no_answer.estimate),
            ),
        }
        grid = _rates_grid(analysis, outcomes)
        sections.append(
            Section(f"By {analysis.name}", _all_answered(analysis), _beside(figures, analysis.name, lead),
                    (("By class", grid),) if grid.rows else ())
        )  # fmt: skip
    return sections


def _all_answered(analysis: OutcomeAnalysis) -> tuple[str, ...]:
    """That no answer is missing, in words: a picture would be empty."""
    known = [group.no_answer for group in analysis.groups if group.no_answer.known]
    if not known or any(share.errors for share in known):
        return ()
    most = max(share.high or 0.0 for share in known)
    trials = sum(share.trials or 0 for share in known)
    return (f"Every row has an answer (0 of {trials:,} without; at most {percent(most)} in a group).",)


def _beside(figures: Mapping[str, Figure | None], factor: str, lead: Question | None) -> tuple[Figure, ...]:
    """The pictures that are there, without the one that the page begins with."""
    above = lead.measure if lead is not None and lead.factor == factor and not lead.of_class else ""
    return tuple(figure for measure, figure in figures.items() if figure is not None and measure != above)


def risk_sections(risks: RiskResults, lead: Question | None = None) -> list[Section]:
    """The parts of the report on a risk score. lead: the question whose picture the page begins with."""
    sections = []
    for analysis in risks.analyses:
        overall = risks.everybody
        pictures = {
            "fpr": forest("Called high, and it did not happen (FPR)", [(g.group, g.fpr) for g in analysis.groups],
                          "Share called high among those without the outcome.", _line(overall.fpr.estimate)),
            "fnr": forest("Called low, and it happened (FNR)", [(g.group, g.fnr) for g in analysis.groups],
                          "Share called low among those with the outcome.", _line(overall.fnr.estimate)),
            "calibration": calibration(analysis),
        }  # fmt: skip
        sections.append(
            Section(
                f"By {analysis.name}",
                (label_words(risks),),
                _beside(pictures, analysis.name, lead),
                (
                    ("All rates", _risk_grid(analysis)),
                    ("Four fifths of the most favoured group's rate", four_fifths(analysis.four_fifths)),
                    (
                        "Why not every rate can be equal: FPR = p/(1-p) · (1-PPV)/PPV · (1-FNR), with these numbers",
                        _identity(analysis),
                    ),
                ),
            )
        )
    return sections


def _line(rate: float | None) -> tuple[str, float] | None:
    return None if rate is None else ("everybody", rate)


def _rates_grid(analysis: OutcomeAnalysis, everybody: OutcomeResults) -> Grid:
    """PPV, TPR and FPR by class and group."""
    rows = []
    for group in (everybody.everybody, *sorted(analysis.groups, key=lambda g: -(g.error.estimate or 0.0))):
        for c in group.classes:
            if c.tpr.trials == 0:  # nobody here is of that class
                continue
            cells = [_rate(s) if s.known else "" if s.trials == 0 else s.reason for s in (c.ppv, c.tpr, c.fpr)]
            rows.append((c.label, group.group, *cells))
    heads = (
        "class",
        "group",
        "right when called so (PPV)",
        "found among those who are (TPR)",
        "called so wrongly (FPR)",
    )
    return Grid(heads, tuple(sorted(rows, key=lambda row: row[0])))


def calibration(analysis: RiskAnalysis) -> Figure | None:
    """How often what was foretold happened, by score and group."""
    groups = list(dict.fromkeys(c.group for c in analysis.calibration))
    known = [c for c in analysis.calibration if c.observed.known]
    if not known:
        return None
    places = [_middle(c.low, c.high) for c in known]
    across = LinearAxis(min(places), max(places))
    down = LinearAxis(0.0, 1.0)
    box, parts = frame(across, down, "score", "share with the outcome", lambda x: f"{x:g}")
    drawn_groups = groups[: len(LINES)]
    for group, (colour, dash) in zip(drawn_groups, LINES, strict=False):
        cells = [c for c in known if c.group == group and c.observed.estimate is not None]
        points = [(across.place(_middle(c.low, c.high)), 1 - down.place(c.observed.estimate or 0.0)) for c in cells]
        parts.append(polyline(points, box, colour, dash))
        for (x, y), c in zip(points, cells, strict=True):
            at = box[0] + box[2] * x
            low, high = (box[1] + box[3] * (1 - down.place(v or 0.0)) for v in (c.observed.low, c.observed.high))
            parts.append(line(at, low, at, high, colour, 1))
            parts.append(mark(at, box[1] + box[3] * y, "dot", colour))
    key = keys([(name, *style) for name, style in zip(drawn_groups, LINES, strict=False)])
    rows = tuple(
        (c.group, _bin(c.low, c.high), percent(c.observed.estimate) if c.observed.known else c.observed.reason,
         interval(c.observed), of(c.observed))
        for c in analysis.calibration
    )  # fmt: skip
    title = f"Does a score mean the same for everybody? Outcome by score and {analysis.name}"
    note = "Lines that lie on each other: the same score stands for the same share with the outcome in every group."
    height = KEY_TOP + 20 * len(drawn_groups) + 6
    heads = ("group", "score", "share with the outcome", "95 % interval", "of")
    return Figure(title, picture(height, "".join([*parts, *key]), title), note, Grid(heads, rows))


def four_fifths(lines: Sequence[FourFifthsLine]) -> Grid:
    """The four-fifths rule by group, the least favoured first, with the decisions that would have to change."""
    heads = ("group", "favourable decisions", "against the most favoured", "95 % interval", "four fifths", "Fisher's p",
             "decisions to change")  # fmt: skip
    ordered = sorted(lines, key=lambda x: x.favourable.estimate or 0.0)
    most = next((x for x in reversed(ordered) if x.ratio == 1), None)
    return Grid(
        heads,
        tuple(
            (x.group, seen(x.favourable), "most favoured", "", "", "", "")
            if x is most
            else (
                x.group,
                seen(x.favourable),
                times(x.ratio, x.bounds),
                between(x.bounds),
                "reached" if x.passes else "not reached",
                f"{x.p:.2g}",
                f"{x.flips:,}",
            )
            for x in ordered
        ),
    )


def _risk_grid(analysis: RiskAnalysis) -> Grid:
    """All rates of a risk score by group."""
    heads = ("group", "FPR", "FNR", "PPV", "NPV", "called high", "with the outcome", "AUC")
    return Grid(
        heads,
        tuple(
            (g.group, *(seen(s) for s in (g.fpr, g.fnr, g.ppv, g.npv, g.selected, g.prevalence)),
             "" if g.auc is None else f"{g.auc:.3f}")
            for g in sorted(analysis.groups, key=lambda g: (not g.fpr.known, -(g.fpr.estimate or 0.0)))
        ),
    )  # fmt: skip


def _identity(analysis: RiskAnalysis) -> Grid:
    """FPR = p/(1-p) · (1-PPV)/PPV · (1-FNR) with each group's own numbers."""
    heads = ("group", "share with the outcome p", "PPV", "FNR", "FPR that follows", "FPR measured")
    return Grid(
        heads,
        tuple(
            (g.group, *(f"{v:.4f}" for v in (i.prevalence, i.ppv, i.fnr, i.implied, i.fpr)))
            for g in sorted(analysis.groups, key=lambda g: -(g.fpr.estimate or 0.0))
            if (i := g.identity) is not None
        ),
    )


def _rate(share: Share) -> str:
    """A rate with its interval: "12.0 % (8.1 % to 17.2 %)"; with its counts where only one side is known."""
    return seen(share) if one_sided(share) else f"{percent(share.estimate)} ({interval(share)})"


def _middle(low: float, high: float) -> float:
    return low if _one_value(low, high) else (low + high) / 2


def _bin(low: float, high: float) -> str:
    return f"{low:g}" if _one_value(low, high) else f"{low:g} to {high:g}"


def _one_value(low: float, high: float) -> bool:
    """Whether a bin of whole scores holds one of them only."""
    return high - low == 1 and low == round(low)
