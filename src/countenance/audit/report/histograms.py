"""Distributions of scores by group."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.audit.formats.results import Analysis
from countenance.audit.report.axes import LinearAxis
from countenance.audit.report.figures import Figure, Grid
from countenance.drawing.svg import BLUE, GREY, INK, RED, area, line, picture, text

CROWDED = 0.25
"""Share of the axis within which an end's label would run into the threshold's on a phone."""


def distributions(analysis: Analysis, threshold: float) -> Figure | None:
    """Scores by group: different people (grey) and, where there are any, the same person (blue)."""
    groups = [group for group in analysis.groups if group.histogram is not None and any(group.histogram.impostors)]
    if not groups:
        return None
    first = groups[0].histogram
    assert first is not None
    axis = LinearAxis(first.low, first.high)
    row, left, width = 62, 1.0, 98.0
    height = row * len(groups) + 30
    x = left + width * axis.place(threshold)
    parts = [line(x, 6, x, height - 24, RED, 2, "5 3"), text(x, height - 12, "threshold", _anchor(x), 11, RED)]
    rows = []
    for at, group in enumerate(groups):
        histogram = group.histogram
        assert histogram is not None
        top = at * row
        parts.append(text(left, top + 14, group.group, "start", 12, INK, "600"))
        for counts, colour in ((histogram.impostors, GREY), (histogram.genuine, BLUE)):
            most = max(counts, default=0)
            if most:
                bins = len(counts)
                outline = [(k / bins, 1 - n / most) for k, n in enumerate(counts) for k in (k, k + 1)]
                parts.append(area([(0, 1), *outline, (1, 1)], (left, top + 18, width, row - 24), colour, 0.55))
        total, mates = sum(histogram.impostors), sum(histogram.genuine)
        rows.append(
            (group.group, f"{total:,}", f"{mates:,}", _peak(histogram.impostors, axis), _peak(histogram.genuine, axis))
        )
    for end, anchor in ((axis.low, "start"), (axis.high, "end")):
        if abs(axis.place(end) - axis.place(threshold)) > CROWDED:
            parts.append(text(left + width * axis.place(end), height - 12, f"{end:.3g}", anchor, 11, "#555555"))
    title = f"Scores of different people (grey) and of the same person (blue), by {analysis.name}"
    note = (
        "Each histogram is drawn to its own height. What lies right of the dashed line is accepted as the same person."
    )
    if first.low > threshold or first.high < threshold:
        note = "Each is drawn to its own height."
    heads = (
        "group",
        "comparisons of different people",
        "of the same person",
        "commonest impostor score",
        "commonest genuine score",
    )
    return Figure(title, picture(height, "".join(parts), title), note, Grid(heads, tuple(rows)))


def _anchor(x: float) -> str:
    return "start" if x < 10 else "end" if x > 90 else "middle"


def _peak(counts: Sequence[int], axis: LinearAxis) -> str:
    if not any(counts):
        return ""
    at = max(range(len(counts)), key=counts.__getitem__)
    return f"{axis.low + (at + 0.5) / len(counts) * (axis.high - axis.low):.3g}"
