"""Rates by group with their intervals, one row each: the picture to read first."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.audit.findings.words import interval, of, one_in, percent
from countenance.audit.formats.shares import Share
from countenance.audit.report.axes import LogAxis, rate_label
from countenance.audit.report.figures import Figure, Grid
from countenance.drawing.svg import BLUE, GREY, INK, PALE, line, mark, picture, text

ROW = 44
"""Height of a row, px: a line of words and a line with the interval under it."""
LONG, LINE = 26, 16
"""Names of more letters than this leave no room for the number on a phone: it goes onto a line of its own, px."""


def forest(
    title: str, lines: Sequence[tuple[str, Share]], note: str, reference: tuple[str, float] | None = None
) -> Figure:
    """One row per group: its rate and interval on a logarithmic axis, groups without a number included.

    A rate without an error is a ring at the left end, with its upper bound. reference: a name and a rate to draw a
    line at.
    """
    told = [share for _, share in lines]
    values = [v for share in told for v in (share.low, share.estimate, share.high)]
    axis = LogAxis.over([*values, reference[1] if reference else None], floor=1e-8)
    left, width = 1.0, 98.0
    long = [len(name) > LONG for name, _ in lines]
    tops = [16 + ROW * at + LINE * sum(long[:at]) for at in range(len(lines))]
    height = ROW * len(lines) + LINE * sum(long) + 40
    parts = scale(axis, left, width, height)
    if reference is not None and reference[1] > 0:
        x = left + width * axis.place(reference[1])
        # Beside the bars only: through the words it would cross out numbers.
        parts += [
            line(x, y + 5 + LINE * far, x, y + 23 + LINE * far, GREY, 1.5, "4 3")
            for y, far in zip(tops, long, strict=True)
        ]
    for top, far, (name, share) in zip(tops, long, lines, strict=True):
        parts.append(text(left, top, name, "start", 13, INK, "600", halo=True))
        y = top + LINE * far
        if share.estimate is None or share.low is None or share.high is None:
            parts.append(text(99, y, share.reason or "no number", "end", 12, "#555555", halo=True))
            continue
        parts.append(text(99, y, f"{percent(share.estimate)}  ({of(share)})", "end", 12, INK, halo=True))
        low, high, x = (left + width * axis.place(v) for v in (share.low, share.high, share.estimate))
        parts.append(line(low, y + 13, high, y + 13, BLUE, 3))
        if share.errors:
            parts.append(mark(x, y + 13, "dot", BLUE, f"{name}: {percent(share.estimate)}"))
        else:
            parts.append(mark(low + 0.6, y + 13, "ring", BLUE, f"{name}: no error seen"))
    if reference is not None:
        note = f"{note} Dashed line: {reference[0]}, {percent(reference[1])}."
    grid = Grid(
        ("group", "rate", "95 % interval", "1 in …", "errors of trials", "people", "effective trials"),
        tuple(
            (
                name,
                percent(s.estimate) if s.known else s.reason,
                interval(s),
                one_in(s.estimate) if s.known else "",
                of(s) if s.known else "",
                "" if s.people is None else f"{s.people:,}",
                "" if s.effective_trials is None else f"{s.effective_trials:,.0f}",
            )
            for name, s in lines
        ),
    )
    return Figure(title, picture(height, "".join(parts), title), note, grid)


def scale(axis: LogAxis, left: float, width: float, height: float) -> list[str]:
    """The ticks of `axis` from `left` on: lines to behind the rows, and their rates in the last of `height`."""
    parts = []
    for tick in axis.ticks():
        x = left + width * axis.place(tick)
        parts.append(line(x, 8, x, height - 26, PALE))
        anchor = "start" if x < 5 else "end" if x > 95 else "middle"
        parts.append(text(x, height - 8, rate_label(tick), anchor, 11, "#555555"))
    return parts
