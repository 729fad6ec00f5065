"""The pictures of reports on face comparisons: who is mistaken for whom, DET curves, scores, sizes of galleries."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from countenance.audit.findings.questions import by_rate
from countenance.audit.findings.words import interval, of, one_sided, percent, rate, seen
from countenance.audit.formats.results import ENOUGH, Analysis, FaceResults, SearchResult, Share, SweepPoint
from countenance.audit.report.figures import (
    KEY_TOP,
    Box,
    DeviateAxis,
    Figure,
    Grid,
    LinearAxis,
    LogAxis,
    frame,
    keys,
    number_label,
)
from countenance.drawing.svg import (
    BLUE,
    GREY,
    HATCH,
    INK,
    LINES,
    PALE,
    RED,
    area,
    line,
    mark,
    picture,
    polyline,
    rectangle,
    text,
)


def heat_map(analysis: Analysis, target: float | None, threshold: str) -> Figure | None:
    """FMR between every two groups: blue below the target, red above, hatched where fewer than 30 errors were seen.

    Groups are in the order of their own rates. None where there are not two groups, or no false match was seen.
    """
    names = [name for name, _ in by_rate(tuple((group.group, group.fmr) for group in analysis.groups if group.people))]
    cells = {frozenset((cell.first, cell.second)): cell for cell in analysis.cross}
    known = [c.fmr.estimate for c in analysis.cross if c.fmr.estimate]
    if len(names) < 2 or not known:
        return None
    base = target or (sum(known) / len(known) if known else 1e-3)
    count = max(1, len(names))
    label = 20 if count <= 6 else 12
    across, row = (100 - label) / count, 50
    deepest = max((len(_wrapped(name)) for name in names), default=1)
    top = 8 + 14 * deepest
    parts = [HATCH]
    for at, name in enumerate(names):
        for row_of_name, words in enumerate(_wrapped(name)):
            parts.append(text(label + across * (at + 0.5), 14 + 14 * row_of_name, words, "middle", 11))
            parts.append(
                text(
                    label - 1,
                    top + row * (at + 0.5) + 11 - 7 * len(_wrapped(name)) + 14 * row_of_name,
                    words,
                    "end",
                    11,
                )
            )
    rows = []
    for i, first in enumerate(names):
        for j, second in enumerate(names):
            cell = cells.get(frozenset((first, second)))
            x, y = label + across * j, top + row * i
            if cell is None or cell.fmr.estimate is None:
                parts.append(rectangle(x, y, across, row, "#ffffff", f"{first}, {second}: no number", PALE))
                parts.append(text(x + across / 2, y + row / 2 + 4, "–", "middle", 12))
                continue
            colour, ink = _heat(cell.fmr.estimate, base)
            cell_text = f"{first} and {second}: {seen(cell.fmr)}"
            parts.append(rectangle(x, y, across, row, colour, cell_text, "#ffffff"))
            if not cell.enough:
                parts.append(rectangle(x, y, across, row, "url(#hatch)", cell_text))
            parts.append(text(x + across / 2, y + 22, _short(cell.fmr), "middle", 12, ink, "600"))
            parts.append(text(x + across / 2, y + 38, _counts(cell.fmr), "middle", 10, ink))
            if j >= i:
                rows.append((first, second, percent(cell.fmr.estimate), interval(cell.fmr), of(cell.fmr),
                             "" if cell.enough else "fewer than 30 errors"))  # fmt: skip
    height = top + row * count + 6
    title = f"Who is mistaken for whom, by {analysis.name}"
    note = (
        f"Share of comparisons of two different people that are accepted, at the one threshold {threshold}. White: "
        f"{percent(base)}; each step of colour is a factor of ten, red more, blue fewer. Hatched: fewer than 30 "
        "errors, so the number is rough. Under each rate: errors / comparisons."
    )
    grid = Grid(("one", "other", "false match rate", "95 % interval", "errors of trials", "note"), tuple(rows))
    return Figure(title, picture(height, "".join(parts), title), note, grid, _width(count))


def _width(count: int) -> int:
    """Pixels below which cells of so many groups could not be read; 0: any width will do."""
    return 110 + 82 * count if count > 3 else 0


def _heat(rate: float, base: float) -> tuple[str, str]:
    """Fill and ink of a cell: white at the base, a step of colour per factor of ten."""
    if rate <= 0:
        return "#9ecae9", INK
    steps = max(-2.0, min(2.0, math.log10(rate / base)))
    strength = abs(steps) / 2
    end = (213, 94, 0) if steps > 0 else (86, 160, 220)
    mixed = tuple(round(255 + (to - 255) * strength) for to in end)
    return f"#{mixed[0]:02x}{mixed[1]:02x}{mixed[2]:02x}", INK


def _short(share: Share) -> str:
    return interval(share).replace("at most", "≤").replace("at least", "≥") if one_sided(share) else rate(share)


def _counts(share: Share) -> str:
    if share.errors is None or share.trials is None:
        return ""
    trials = share.trials
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if trials >= size:
            return f"{share.errors:,}/{trials / size:.3g}{unit}"
    return f"{share.errors:,}/{trials}"


def _wrapped(name: str, most: int = 12, lines: int = 3) -> tuple[str, ...]:
    """A name in up to three lines of at most `most` letters, cut between words where that can be."""
    parts = [""]
    for word in re.findall(r".+?(?:[ _/-]+|$)", name):
        if parts[-1] and len((parts[-1] + word).rstrip()) > most:
            parts.append("")
        parts[-1] += word
    lines_of_text = [*parts[: lines - 1], "".join(parts[lines - 1 :])]
    return tuple(f"{part[: most - 1]}…" if len(part) > most else part for part in map(str.strip, lines_of_text) if part)


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
        known = [(x, y) for x, y in pairs if x is not None and y is not None]
        if len(known) > 2:
            curves.append((group.group, known))
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


CROWDED = 0.25
"""Share of the axis within which an end's label would run into the threshold's on a phone."""


def distributions(analysis: Analysis, threshold: float, untold: float | None = None) -> Figure | None:
    """Scores by group: different people (grey) and, where there are any, the same person (blue).

    untold: the score below which the system tells none. None where all scores are one.
    """
    order = [name for name, _ in by_rate(tuple((group.group, group.fmr) for group in analysis.groups))]
    groups = [group for group in analysis.groups if group.histogram is not None and any(group.histogram.impostors)]
    groups = sorted(groups, key=lambda group: order.index(group.group))
    first = groups[0].histogram if groups else None
    if first is None or first.low == first.high:
        return None
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
    mated = any(any(group.histogram.genuine) for group in groups if group.histogram is not None)
    whose = "different people (grey) and of the same person (blue)" if mated else "different people"
    title = f"Scores of {whose}, by {analysis.name}"
    note = (
        "Each histogram is drawn to its own height. What lies right of the dashed line is accepted as the same person."
    )
    if first.low > threshold or first.high < threshold:
        note = "Each is drawn to its own height."
    if untold is not None:
        note += f" Scores that were not told lie at the end, at {untold:g}."
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


NEARLY_SURE = 0.5
"""Chances of a false candidate all above this are told in words."""


def few_searches(faces: FaceResults) -> tuple[str, ...]:
    """Groups with so few false matches that nothing but a bound can be said about searches."""
    errors = {group.group: group.fmr_any.errors for analysis in faces.analyses[:1] for group in analysis.groups}
    return tuple(g for g in dict.fromkeys(s.group for s in faces.searches) if (errors.get(g) or 0) < ENOUGH)


def _expected(search: SearchResult, few: bool) -> tuple[str, str, str, str]:
    """False candidates of a search, their interval, the chance of any, and that at the upper bound."""
    low, high = search.expected_low, search.expected_high
    ends = "" if low is None or high is None else f"{low:.3g} to {high:.3g}" if low else f"at most {high:.3g}"
    if few:
        return "too few to tell", ends, "too few to tell", f"at most {percent(search.chance_high)}"
    return f"{search.expected_false:.3g}", ends, percent(search.chance_any), percent(search.chance_high)


def gallery_curve(faces: FaceResults) -> Figure | None:
    """Chance of a false candidate by gallery size and probe group: the formula as lines, what was measured as marks."""
    groups = list(dict.fromkeys(s.group for s in faces.searches))
    few = few_searches(faces)
    lines = [(g, [s for s in faces.searches if s.group == g and s.chance_any > 0]) for g in groups if g not in few]
    lines = [(g, searches) for g, searches in lines if len(searches) > 1]
    if not lines:
        return None
    across = LogAxis.over([float(s.gallery) for s in faces.searches])
    chances = [s.chance_any for _, searches in lines for s in searches]
    if min(chances) > NEARLY_SURE:
        return None  # lines along the upper edge
    down = LogAxis.over([max(1e-6, min(chances)), 1.0])
    box, parts = frame(across, down, "people in the gallery", "chance of a false candidate", number_label)
    ranked = sorted(lines, key=lambda pair: -pair[1][-1].expected_false)
    curves = ranked if len(ranked) <= len(LINES) else [*ranked[:4], *ranked[-3:]]
    for (_, searches), (colour, dash) in zip(curves, LINES, strict=False):
        parts.append(
            polyline([(across.place(s.gallery), 1 - down.place(s.chance_any)) for s in searches], box, colour, dash)
        )
        for s in searches:
            if s.measured is not None and s.measured.estimate:
                x, y = across.place(s.gallery), 1 - down.place(s.measured.estimate)
                parts.append(mark(box[0] + box[2] * x, box[1] + box[3] * y, "ring", colour, "measured"))
    key = keys([(name, *style) for (name, _), style in zip(curves, LINES, strict=False)])
    rows = tuple(
        (f"{s.gallery:,}", s.group, *_expected(s, s.group in few),
         "" if s.measured is None else seen(s.measured),
         "" if s.lead_right is None or s.group in few else percent(s.lead_right))
        for s in faces.searches
    )  # fmt: skip
    heads = ("gallery", "probe group", "false candidates per search", "95 % interval", "chance of any",
             "at the upper bound", "measured", "lead is right")  # fmt: skip
    title = "The larger the gallery, the likelier a false candidate"
    note = (
        "Chance that a search for somebody who is not in the gallery returns at least one false candidate. Lines: the "
        "formula 1-(1-FMR)^N with a gallery mixed like the data; rings: measured on galleries drawn from the data."
    )
    height = KEY_TOP + 20 * len(curves) + 6
    return Figure(title, picture(height, "".join([*parts, *key]), title), note, Grid(heads, rows))
