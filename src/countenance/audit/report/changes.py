"""Before and after: every group's rates in two audits of the same kind, in one picture."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.audit.findings.differences import AuditDifference, Change
from countenance.audit.findings.words import Names, between, interval, one_in, one_sided, percent, seen, times
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import Share
from countenance.audit.report.figures import Figure, Grid, LogAxis, scale
from countenance.drawing.svg import BLUE, INK, RED, line, mark, picture, text

LARGE = 0.01
"""Rates from here on are told in percent, smaller ones as one in so many."""
ROW = 56
"""Height of a row, px: a line of words, the old interval, the new one."""
_TITLES = {
    "verification": {"fmr": "Falsely matched with others of their group", "fnmr": "Not recognised as themselves"},
    "classification": {"error": "Wrongly classified", "no answer": "No answer"},
    "risk": {"fpr": "Called high, and it did not happen (FPR)", "fnr": "Called low, and it happened (FNR)"},
    "pad": {"bpcer": "Bona fide presentations called attacks (BPCER)"},
}


def before_and_after(difference: AuditDifference, plan: Plan) -> tuple[Figure, ...]:
    """A picture for each way of grouping and each main error of the task, where both audits have a number.

    plan: of the later audit; its words name the groups.
    """
    figures = []
    names = Names.of(plan)
    difference = names.applied(difference)
    species = (c.measure.removeprefix("apcer of ") for c in difference.changes if c.measure.startswith("apcer of "))
    attacks = {f"apcer of {one}": f"Attacks by {one} accepted (APCER)" for one in species}
    for measure, title in {**_TITLES[plan.task], **attacks}.items():
        for analysis in dict.fromkeys(change.analysis for change in difference.changes):
            own = [c for c in difference.changes if (c.analysis, c.measure) == (analysis, measure) and analysis]
            known = sorted(
                (c for c in own if c.before.known and c.after.known),
                key=lambda c: c.after.estimate or 0.0,
                reverse=True,
            )
            if any(share.errors for change in known for share in (change.before, change.after)):
                figures.append(_figure(f"{title}, by {names.factor(analysis)}, before and after", known))
    return tuple(figures)


def _figure(title: str, changes: Sequence[Change]) -> Figure:
    shares = [share for c in changes for share in (c.before, c.after)]
    axis = LogAxis.over([v for s in shares for v in (s.low, s.estimate, s.high)], floor=1e-8)
    left, width, height = 1.0, 98.0, ROW * len(changes) + 40
    parts = scale(axis, left, width, height)
    for at, change in enumerate(changes):
        y = at * ROW + 16
        step = f"{_told(change.before)} → {_told(change.after)}"
        parts.append(text(left, y, change.group, "start", 13, INK, "600", halo=True))
        parts.append(text(99, y, step, "end", 12, INK, halo=True))
        for share, down, colour, kind, when in (
            (change.before, 13, RED, "ring", "before"),
            (change.after, 26, BLUE, "dot", "after"),
        ):
            low, high, x = (left + width * axis.place(v or 0.0) for v in (share.low, share.high, share.estimate))
            parts.append(line(low, y + down, high, y + down, colour, 3))
            parts.append(mark(x, y + down, kind, colour, f"{change.group}, {when}: {seen(share)}"))
    bars = f"Bars: intervals at {100 * shares[0].level:g} %."
    note = f"Rings and upper bars: before. Dots and lower bars: after. {bars} {_gap(changes)}"
    grid = Grid(
        ("group", "before", "interval", "after", "interval", "after / before", "interval", "verdict"),
        tuple(
            (c.group, percent(c.before.estimate), interval(c.before), percent(c.after.estimate), interval(c.after),
             times(c.ratio), between(c.bounds), c.verdict)
            for c in changes
        ),
    )  # fmt: skip
    return Figure(title, picture(height, "".join(parts), title), note, grid)


def _told(share: Share) -> str:
    if one_sided(share):
        return seen(share)
    return percent(share.estimate) if (share.estimate or 0.0) >= LARGE else one_in(share.estimate)


def _gap(changes: Sequence[Change]) -> str:
    """How many times the lowest rate the highest is, before and after."""
    rates = [
        [share.estimate or 0.0 for share in pick] for pick in zip(*((c.before, c.after) for c in changes), strict=True)
    ]
    if len(changes) < 2 or not all(min(each) > 0 for each in rates):
        return ""
    before, after = (max(each) / min(each) for each in rates)
    return f"Highest over lowest: {times(before)} before, {times(after)} after."
