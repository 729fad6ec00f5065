"""The parts of reports on classifiers and on risk scores, with their pictures."""

from __future__ import annotations

from countenance.audit.findings.words import between, interval, of, percent, times
from countenance.audit.formats.results import OutcomeAnalysis, OutcomeResults, RiskAnalysis, RiskResults
from countenance.audit.formats.shares import Share
from countenance.audit.report.figures import KEY_TOP, Figure, Grid, LinearAxis, Section, forest, frame, keys
from countenance.drawing.svg import LINES, line, mark, picture, polyline


def outcome_sections(outcomes: OutcomeResults) -> list[Section]:
    """The parts of the report on a classifier."""
    sections = []
    for analysis in outcomes.analyses:
        lines = [(group.group, group.error) for group in analysis.groups]
        overall = outcomes.everybody.error.estimate
        figures = [
            forest(
                f"Wrongly classified, by {analysis.name}",
                lines,
                "Share of rows whose predicted class is not the true one; no answer counts as an error.",
                None if overall is None else ("everybody", overall),
            )
        ]
        grid = _rates_grid(analysis, outcomes)
        sections.append(Section(f"By {analysis.name}", (), tuple(figures), (("By class", grid),) if grid.rows else ()))
    return sections


def risk_sections(risks: RiskResults) -> list[Section]:
    """The parts of the report on a risk score."""
    sections = []
    for analysis in risks.analyses:
        overall = risks.everybody
        pictures = [
            forest("Called high, and it did not happen (FPR)", [(g.group, g.fpr) for g in analysis.groups],
                   "Share called high among those without the outcome.", _line(overall.fpr.estimate)),
            forest("Called low, and it happened (FNR)", [(g.group, g.fnr) for g in analysis.groups],
                   "Share called low among those with the outcome.", _line(overall.fnr.estimate)),
            _calibration(analysis),
        ]  # fmt: skip
        sections.append(
            Section(
                f"By {analysis.name}",
                (f"What the outcome measures: {risks.label_warning}",),
                tuple(figure for figure in pictures if figure is not None),
                (
                    ("All rates", _risk_grid(analysis)),
                    ("Four fifths of the most favoured group's rate", _four_fifths(analysis)),
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
    for group in (everybody.everybody, *analysis.groups):
        for c in group.classes:
            told = [f"{percent(s.estimate)} ({interval(s)})" if s.known else s.reason for s in (c.ppv, c.tpr, c.fpr)]
            rows.append((group.group, c.label, *told))
    heads = (
        "group",
        "class",
        "right when called so (PPV)",
        "found among those who are (TPR)",
        "called so wrongly (FPR)",
    )
    return Grid(heads, tuple(rows))


def _calibration(analysis: RiskAnalysis) -> Figure | None:
    """How often what was foretold happened, by score and group."""
    groups = list(dict.fromkeys(c.group for c in analysis.calibration))
    told = [c for c in analysis.calibration if c.observed.known]
    if not told:
        return None
    places = [_middle(c.low, c.high) for c in told]
    across = LinearAxis(min(places), max(places))
    down = LinearAxis(0.0, 1.0)
    box, parts = frame(across, down, "score", "share with the outcome", lambda x: f"{x:g}")
    shown = groups[: len(LINES)]
    for group, (colour, dash) in zip(shown, LINES, strict=False):
        cells = [c for c in told if c.group == group and c.observed.estimate is not None]
        points = [(across.place(_middle(c.low, c.high)), 1 - down.place(c.observed.estimate or 0.0)) for c in cells]
        parts.append(polyline(points, box, colour, dash))
        for (x, y), c in zip(points, cells, strict=True):
            at = box[0] + box[2] * x
            low, high = (box[1] + box[3] * (1 - down.place(v or 0.0)) for v in (c.observed.low, c.observed.high))
            parts.append(line(at, low, at, high, colour, 1))
            parts.append(mark(at, box[1] + box[3] * y, "dot", colour))
    key = keys([(name, *style) for name, style in zip(shown, LINES, strict=False)])
    rows = tuple(
        (c.group, _bin(c.low, c.high), percent(c.observed.estimate) if c.observed.known else c.observed.reason,
         interval(c.observed), of(c.observed))
        for c in analysis.calibration
    )  # fmt: skip
    title = f"Does a score mean the same for everybody? Outcome by score and {analysis.name}"
    note = "Lines that lie on each other: the same score stands for the same share with the outcome in every group."
    height = KEY_TOP + 20 * len(shown) + 6
    heads = ("group", "score", "share with the outcome", "95 % interval", "of")
    return Figure(title, picture(height, "".join([*parts, *key]), title), note, Grid(heads, rows))


def _four_fifths(analysis: RiskAnalysis) -> Grid:
    """The four-fifths rule by group, with the decisions that would have to change."""
    heads = ("group", "favourable decisions", "against the most favoured", "95 % interval", "four fifths", "Fisher's p",
             "decisions to change")  # fmt: skip
    return Grid(
        heads,
        tuple(
            (
                x.group,
                f"{percent(x.favourable.estimate)} ({of(x.favourable)})",
                times(x.ratio, x.bounds),
                between(x.bounds),
                "reached" if x.passes else "not reached",
                f"{x.p:.2g}",
                f"{x.flips:,}",
            )
            for x in analysis.four_fifths
        ),
    )


def _risk_grid(analysis: RiskAnalysis) -> Grid:
    """All rates of a risk score by group."""

    def said(share: Share) -> str:
        return f"{percent(share.estimate)} ({of(share)})" if share.known else share.reason

    heads = ("group", "FPR", "FNR", "PPV", "NPV", "called high", "with the outcome", "AUC")
    return Grid(
        heads,
        tuple(
            (g.group, *(said(s) for s in (g.fpr, g.fnr, g.ppv, g.npv, g.selected, g.prevalence)),
             "" if g.auc is None else f"{g.auc:.3f}")
            for g in analysis.groups
        ),
    )  # fmt: skip


def _identity(analysis: RiskAnalysis) -> Grid:
    """FPR = p/(1-p) · (1-PPV)/PPV · (1-FNR) with each group's own numbers."""
    heads = ("group", "share with the outcome p", "PPV", "FNR", "FPR that follows", "FPR measured")
    return Grid(
        heads,
        tuple(
            (g.group, *(f"{v:.4f}" for v in (i.prevalence, i.ppv, i.fnr, i.implied, i.fpr)))
            for g in analysis.groups
            if (i := g.identity) is not None
        ),
    )


def _middle(low: float, high: float) -> float:
    return low if _one_value(low, high) else (low + high) / 2


def _bin(low: float, high: float) -> str:
    return f"{low:g}" if _one_value(low, high) else f"{low:g} to {high:g}"


def _one_value(low: float, high: float) -> bool:
    """Whether a bin of whole scores holds one of them only."""
    return high - low == 1 and low == round(low)
