"""Who is mistaken for whom: the cross-group matrix of false matches as a heat map."""

from __future__ import annotations

import math
import re

from countenance.audit.findings.words import interval, of, percent
from countenance.audit.formats.results import Analysis
from countenance.audit.formats.shares import Share
from countenance.audit.report.figures import Figure, Grid
from countenance.drawing.svg import HATCH, INK, PALE, picture, rectangle, text


def heat_map(analysis: Analysis, target: float | None, threshold: str) -> Figure:
    """FMR between every two groups: blue below the target, red above, hatched where fewer than 30 errors were seen."""
    names = [group.group for group in analysis.groups if group.people]
    cells = {frozenset((cell.first, cell.second)): cell for cell in analysis.cross}
    known = [c.fmr.estimate for c in analysis.cross if c.fmr.estimate]
    base = target or (sum(known) / len(known) if known else 1e-3)
    count = max(1, len(names))
    label = 20 if count <= 6 else 12
    across, row = (100 - label) / count, 50
    deepest = max((len(_wrapped(name)) for name in names), default=1)
    top = 8 + 14 * deepest
    parts = [HATCH]
    for at, name in enumerate(names):
        for line, words in enumerate(_wrapped(name)):
            parts.append(text(label + across * (at + 0.5), 14 + 14 * line, words, "middle", 11))
            parts.append(
                text(label - 1, top + row * (at + 0.5) + 11 - 7 * len(_wrapped(name)) + 14 * line, words, "end", 11)
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
            said = f"{first} and {second}: {percent(cell.fmr.estimate)}, {of(cell.fmr)}"
            parts.append(rectangle(x, y, across, row, colour, said, "#ffffff"))
            if not cell.enough:
                parts.append(rectangle(x, y, across, row, "url(#hatch)", said))
            parts.append(text(x + across / 2, y + 22, percent(cell.fmr.estimate), "middle", 12, ink, "600"))
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
    kept = [*parts[: lines - 1], "".join(parts[lines - 1 :])]
    return tuple(f"{part[: most - 1]}…" if len(part) > most else part for part in map(str.strip, kept) if part)
