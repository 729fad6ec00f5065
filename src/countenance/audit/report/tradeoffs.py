"""DET curves by group: what fewer false matches cost in misses."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.audit.findings.words import interval, percent
from countenance.audit.formats.results import Analysis, SweepPoint
from countenance.audit.report.axes import DeviateAxis
from countenance.audit.report.figures import Figure, Grid
from countenance.audit.report.frame import KEY_TOP, Box, frame, keys
from countenance.drawing.svg import LINES, area, picture, polyline

BANDS = 4
"""Most groups that bands are drawn for; more would hide each other."""
Curve = tuple[str, list[tuple[float, float]]]


def det_curves(analysis: Analysis) -> Figure | None:
    """Misses against false matches by group as the threshold moves, with bands."""
    points = [p for p in analysis.sweep if p.fmr.known]
    size = len(analysis.groups)
    curves: list[Curve] = []
    for g, group in enumerate(analysis.groups):
        diagonal = _diagonal(g, size)
        pairs = [
            (p.cells[diagonal].estimate, p.fnmr[g].estimate)
            for p in points
            if p.cells[diagonal].errors and p.fnmr[g].known
        ]
        told = [(x, y) for x, y in pairs if x is not None and y is not None]
        if len(told) > 2:
            curves.append((group.group, told))
    if not curves:
        return None
    rates, misses = ([pair[at] for _, curve in curves for pair in curve if pair[at] > 0] for at in (0, 1))
    across = DeviateAxis(max(1e-7, min(rates) / 1.5), min(0.9, max(rates) * 1.5))
    down = DeviateAxis(max(1e-5, min(misses, default=1e-4) / 1.5), min(0.95, max(misses, default=0.1) * 1.5 + 1e-3))
    box, parts = frame(across, down, "false match rate within the group", "miss rate")
    named = curves if len(curves) <= len(LINES) else _extremes(curves, len(LINES))
    for name, curve in curves:
        if (name, curve) not in named:
            parts.append(polyline([(across.place(x), 1 - down.place(y)) for x, y in curve], box, "#c4c4c4", "", 1))
    if len(named) <= BANDS:
        for (name, _), (colour, _) in zip(named, LINES, strict=False):
            place = next(g for g, line in enumerate(analysis.groups) if line.group == name)
            parts.append(_band(points, place, size, across, down, box, colour))
    for (_, curve), (colour, dash) in zip(named, LINES, strict=False):
        parts.append(polyline([(across.place(x), 1 - down.place(y)) for x, y in curve], box, colour, dash))
    key = keys([(name, *style) for (name, _), style in zip(named, LINES, strict=False)])
    rows = []
    for point in points:
        for g, group in enumerate(analysis.groups):
            cell, missed = point.cells[_diagonal(g, size)], point.fnmr[g]
            if cell.known and missed.known:
                rows.append((f"{point.threshold:.4g}", group.group, percent(cell.estimate), interval(cell),
                             percent(missed.estimate), interval(missed)))  # fmt: skip
    title = f"What fewer false matches cost in misses, by {analysis.name}"
    note = (
        "Each line is one group as the threshold moves (a DET curve; both axes are normal deviates). Lower is better. "
        "Shaded, for up to four groups: the 95 % interval of the miss rate."
    )
    heads = ("threshold", "group", "false match rate", "95 % interval", "miss rate", "95 % interval")
    height = KEY_TOP + 20 * len(named) + 6
    return Figure(title, picture(height, "".join([*parts, *key]), title), note, Grid(heads, tuple(rows)))


def _band(
    points: Sequence[SweepPoint], group: int, size: int, across: DeviateAxis, down: DeviateAxis, box: Box, colour: str
) -> str:
    """The interval of the miss rate along a group's curve."""
    known = [
        (cell.estimate, missed.low, missed.high)
        for cell, missed in ((p.cells[_diagonal(group, size)], p.fnmr[group]) for p in points)
        if cell.errors and cell.estimate is not None and missed.low is not None and missed.high is not None
    ]
    upper = [(across.place(x), 1 - down.place(high)) for x, _, high in known]
    lower = [(across.place(x), 1 - down.place(low)) for x, low, _ in reversed(known)]
    return area([*upper, *lower], box, colour, 0.13)


def _extremes(curves: list[Curve], most: int) -> list[Curve]:
    """The curves that reach furthest out and in."""
    ranked = sorted(curves, key=lambda curve: -max(x for x, _ in curve[1]))
    return [*ranked[: most - 3], *ranked[-3:]]


def _diagonal(group: int, size: int) -> int:
    """Position of the cell (group, group) in the upper triangle, row by row."""
    return sum(size - k for k in range(group))
