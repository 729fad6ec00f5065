"""The frame of a chart with two axes, and its key."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from countenance.audit.report.axes import DeviateAxis, LinearAxis, LogAxis, rate_label
from countenance.drawing.svg import BLACK, INK, PALE, line, text

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
    ticks = across.ticks()
    every = 2 if len(ticks) > 6 else 1
    for at, tick in enumerate(ticks):
        x = left + width * across.place(tick)
        parts.append(line(x, top, x, top + height, PALE))
        if at % every == 0:
            parts.append(text(x, top + height + 16, x_label(tick), "end" if x > 94 else "middle", 11, "#555555"))
    for tick in down.ticks():
        y = top + height * (1 - down.place(tick))
        parts.append(line(left, y, left + width, y, PALE))
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
