"""A picture and its twin, the same numbers as a table; and what pictures share: axes, frames, keys, rows of rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar

from markupsafe import Markup

from countenance.audit.findings.questions import by_rate
from countenance.audit.findings.words import interval, of, one_in, percent, seen
from countenance.audit.formats.results import Share
from countenance.drawing.svg import BLACK, BLUE, GREY, INK, PALE, line, mark, picture, text


@dataclass(frozen=True, slots=True)
class LogAxis:
    """A logarithmic axis for rates and counts, from 10^low to 10^high."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Iterable[float | None], floor: float = 1e-9) -> LogAxis:
        """An axis that holds every positive value, from one to another of the steps 1, 2, 5, 10 …"""
        positive = [value for value in values if value is not None and value > floor]
        if not positive:
            return cls(-3.0, 0.0)
        low, high = _step(min(positive), below=True), _step(max(positive), below=False)
        if high / low < 9.9:  # at least a decade, or small differences would look large
            low = _step(high / 10, below=True)
        return cls(math.log10(low), math.log10(high))

    def place(self, value: float) -> float:
        """Where `value` lies, 0..1; what lies outside goes to the end."""
        if value <= 0:
            return 0.0
        return min(1.0, max(0.0, (math.log10(value) - self.low) / (self.high - self.low)))

    def ticks(self) -> list[float]:
        """The steps 1, 2, 5, 10 … on the axis; of more than six decades, decades only."""
        decades = range(math.floor(self.low + 1e-9), math.ceil(self.high - 1e-9) + 1)
        steps = (1,) if len(decades) > 7 else (1, 2, 5)
        values = [step * 10.0**k for k in decades for step in steps]
        return [v for v in values if self.low - 1e-9 <= math.log10(v) <= self.high + 1e-9]

    def labelled(self) -> list[float]:
        """The ticks that have room for a label on a phone."""
        ticks = self.ticks()
        if len(ticks) <= MOST_LABELS:
            return ticks
        whole = [t for t in ticks if abs(math.log10(t) - round(math.log10(t))) < 1e-9]
        return whole[:: -(-len(whole) // MOST_LABELS)]


MOST_LABELS = 7


def _step(value: float, below: bool) -> float:
    """The nearest of 1, 2, 5, 10 … times a power of ten, at or below a value, or at or above it."""
    base = 10.0 ** math.floor(math.log10(value) + 1e-9)
    steps = [step * base for step in (1, 2, 5, 10)]
    if below:
        return max(step for step in steps if step <= value * (1 + 1e-9))
    return min(step for step in steps if step >= value * (1 - 1e-9))


@dataclass(frozen=True, slots=True)
class LinearAxis:
    """A plain axis from low to high."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Where `value` lies, 0..1; what lies outside goes to the end."""
        width = self.high - self.low
        return min(1.0, max(0.0, (value - self.low) / width)) if width > 0 else 0.0

    def ticks(self) -> list[float]:
        """About five round numbers."""
        width = self.high - self.low
        if width <= 0:
            return [self.low]
        step = 10.0 ** math.floor(math.log10(width / 4))
        step *= next(f for f in (1, 2, 2.5, 5, 10) if width / (step * f) <= 5)
        first = math.ceil(self.low / step - 1e-9)
        return [k * step for k in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def labelled(self) -> list[float]:
        """All ticks: they are few."""
        return self.ticks()


_DEVIATE = NormalDist().inv_cdf


@dataclass(frozen=True, slots=True)
class DeviateAxis:
    """The normal-deviate axis of DET curves, between two rates."""

    low: float
    high: float

    TICKS: ClassVar[tuple[float, ...]] = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5, 0.8)

    def place(self, value: float) -> float:
        """Where a rate lies, 0..1; what lies outside goes to the end."""
        bottom, top = _DEVIATE(self.low), _DEVIATE(self.high)
        inside = min(max(value, self.low), self.high)
        return (_DEVIATE(inside) - bottom) / (top - bottom)

    def ticks(self) -> list[float]:
        """Round rates."""
        return [tick for tick in self.TICKS if self.low <= tick <= self.high]

    def labelled(self) -> list[float]:
        """Ticks so far apart that their labels do not touch on a phone."""
        ticks: list[float] = []
        for tick in self.ticks():
            if not ticks or self.place(tick) - self.place(ticks[-1]) >= APART:
                ticks.append(tick)
        return ticks


APART = 0.17
"""Share of an axis that a label such as "0.0001 %" takes on a phone."""


def rate_label(value: float) -> str:
    """A tick of a rate: "0.1 %", "0.0001 %"."""
    return f"{100 * value:.10f}".rstrip("0").rstrip(".") + " %"


def number_label(value: float) -> str:
    """A tick of a plain number: "0.25", "10 k", "1 M"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"


PAPER_PX = 670
"""Width of A4 between the margins of the printed page, in CSS pixels."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: the heads of its columns, and rows of texts."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with a title that says what it shows, a note under it, and the table twin.

    min_width_px: narrower screens scroll the picture sideways.
    """

    title: str
    picture: Markup | None
    note: str
    grid: Grid
    min_width_px: int = 0

    @property
    def shrink(self) -> float:
        """The factor that makes the whole picture fit on paper, at most 1."""
        return round(min(1.0, PAPER_PX / self.min_width_px), 3) if self.min_width_px else 1.0


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: a heading, words, pictures and tables."""

    heading: str
    words: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    grids: tuple[tuple[str, Grid], ...] = ()


Box = tuple[float, float, float, float]
"""Left in percent, top in px, width in percent, height in px."""
KEY_TOP = 330
"""Where the key starts, px."""

Axis = LinearAxis | LogAxis | DeviateAxis


def frame(
    across: Axis, down: Axis, x_name: str, y_name: str, x_label: Callable[[float], str] = rate_label
) -> tuple[Box, list[str]]:
    """A box with ticks; returns it (left %, top px, width %, height px) and its parts."""
    box = (15.0, 24.0, 83.0, 250.0)
    left, top, width, height = box
    parts = [text(0, 14, y_name, "start", 12, INK, "600"), text(98, top + height + 38, x_name, "end", 12, INK, "600")]
    named = across.labelled()
    for tick in across.ticks():
        x = left + width * across.place(tick)
        parts.append(line(x, top, x, top + height, PALE))
        if tick in named:
            parts.append(text(x, top + height + 16, x_label(tick), "end" if x > 94 else "middle", 11, "#555555"))
    named = down.ticks() if len(down.ticks()) < 2 * MOST_LABELS else down.labelled()
    for tick in down.ticks():
        y = top + height * (1 - down.place(tick))
        parts.append(line(left, y, left + width, y, PALE))
        if tick in named:
            parts.append(text(left - 1, y + 4, rate_label(tick), "end", 11, "#555555"))
    parts.append(line(left, top + height, left + width, top + height, BLACK))
    parts.append(line(left, top, left, top + height, BLACK))
    return box, parts


def keys(names: Sequence[tuple[str, str, str]]) -> list[str]:
    """One line per name, colour and dash."""
    parts = []
    for at, (name, colour, dash) in enumerate(names):
        y = KEY_TOP + 20 * at
        parts.append(line(2, y, 12, y, colour, 3, dash))
        parts.append(text(14, y + 4, name, "start", 12))
    return parts


LARGE = 0.1
"""Rates whose intervals all lie above this are drawn on a plain axis."""
ROW = 44
"""Height of a row, px: a line of words and a line with the interval under it."""
LETTER = 1.8
"""Width of a letter of a tick's label on a phone, percent of the picture."""
MOST_LETTERS = 42
"""Letters of a group's name that a phone has room for in a picture."""
LONG, LONG_BESIDE, LINE = 26, 14, 16
"""Names of more letters than this leave no room for the number on a phone, or where pictures stand beside each other:
it goes onto a line of its own, px."""


def rate_axis(shares: Sequence[Share], also: float | None = None) -> LogAxis | LinearAxis:
    """An axis for rates with their intervals: logarithmic, or, where every rate is large, from 0 to 100 %."""
    if shares and min(share.low or 0.0 for share in shares) >= LARGE:
        return LinearAxis(0.0, 1.0)
    return LogAxis.over([*(v for s in shares for v in (s.low, s.estimate, s.high)), also], floor=1e-8)


def forest(
    title: str,
    lines: Sequence[tuple[str, Share]],
    note: str,
    reference: tuple[str, float] | None = None,
    low_is_bad: bool = False,
    shared: LogAxis | LinearAxis | None = None,
) -> Figure | None:
    """One row per group, the worst first: its rate and interval, groups without a number last.

    The axis is logarithmic, or, where every rate is large, goes from 0 to 100 %. A rate without an error is a ring at
    the left end, with its upper bound. reference: a name and a rate to draw a line at. shared: the axis of several such
    pictures beside each other; the lines then keep their order. None where no group has an error, or none has a number:
    there is nothing to see.
    """
    known = [share for _, share in lines if share.known]
    if shared is None:
        lines = by_rate(tuple(lines), 1 if low_is_bad else -1)
        if not any(share.errors for share in known):
            return None
    axis = rate_axis(known, reference[1] if reference else None) if shared is None else shared
    left, width = 1.0, 98.0
    long = [len(name) > (LONG if shared is None else LONG_BESIDE) for name, _ in lines]
    tops = [16 + ROW * at + LINE * sum(long[:at]) for at in range(len(lines))]
    height = ROW * len(lines) + LINE * sum(long) + 40
    parts = scale(axis, left, width, height)
    if reference is not None and reference[1] > 0:
        x = left + width * axis.place(reference[1])
        # Beside the bars only: drawn through the words it would cross out numbers.
        parts += [
            line(x, y + 5 + LINE * far, x, y + 23 + LINE * far, GREY, 1.5, "4 3")
            for y, far in zip(tops, long, strict=True)
        ]
    for top, far, (name, share) in zip(tops, long, lines, strict=True):
        parts.append(text(left, top, _short(name), "start", 13, INK, "600", halo=True))
        y = top + LINE * far
        if share.estimate is None or share.low is None or share.high is None:
            parts.append(text(99, y, share.reason or "no number", "end", 12, "#555555", halo=True))
            continue
        parts.append(text(99, y, seen(share), "end", 12, INK, halo=True))
        low, high, x = (left + width * axis.place(v) for v in (share.low, share.high, share.estimate))
        parts.append(line(low, y + 13, high, y + 13, BLUE, 3))
        if share.errors:
            parts.append(mark(x, y + 13, "dot", BLUE, f"{name}: {seen(share)}"))
        else:
            parts.append(mark(low + 0.6, y + 13, "ring", BLUE, f"{name}: {seen(share)}"))
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


def _short(name: str) -> str:
    """A name with room on a phone: of a long one its beginning and its end, since many begin alike."""
    return name if len(name) <= MOST_LETTERS else f"{name[:19].rstrip()} … {name[-20:].lstrip()}"


def scale(axis: LogAxis | LinearAxis, left: float, width: float, height: float) -> list[str]:
    """The ticks of `axis`: lines behind the rows, and rates at the bottom. left, width: percent; height: px."""
    places = {tick: left + width * axis.place(tick) for tick in axis.ticks()}
    parts = [line(x, 8, x, height - 26, PALE) for x in places.values()]
    taken: list[tuple[float, float]] = []
    named = axis.labelled()
    for tick in (*named[1:-1], *named[:1], *named[1:][-1:]):  # those at the ends reach farthest in, and matter least
        x, room = places[tick], LETTER * len(rate_label(tick))
        anchor, begins = ("start", x) if x < 5 else ("end", x - room) if x > 95 else ("middle", x - room / 2)
        if all(begins > end or begins + room < other for other, end in taken):
            taken.append((begins, begins + room))
            parts.append(text(x, height - 8, rate_label(tick), anchor, 11, "#555555"))
    return parts
