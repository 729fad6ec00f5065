"""SVG. `element` writes any element; the shapes below it fit any screen: across in percent, heights in pixels.

Colours are Okabe and Ito's (2008), which people with any colour vision can tell apart; nothing is told by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from markupsafe import Markup

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
GREY, PALE, INK = "#8a8a8a", "#e6e6e6", "#1b1b1b"
LINES = ((BLUE, ""), (RED, "7 3"), (GREEN, "2 3"), (PURPLE, "9 3 2 3"), (ORANGE, "4 2"), (SKY, "12 4"), (BLACK, "1 2"))
"""Colour and dash of each line of a chart, so that lines differ in print, too."""


def element(name: str, content: str = "", **attributes: object) -> str:
    """An element; attribute names take _ for -, a trailing _ is dropped. `content` is markup already."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_number(value))}"
        for key, value in attributes.items()
        if value is not None and value != ""
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def line(x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 1, dash: str = "") -> str:
    """A line; x in percent, y in pixels."""
    return element(
        "line", x1=f"{x1:.3f}%", y1=y1, x2=f"{x2:.3f}%", y2=y2, stroke=stroke, stroke_width=width, stroke_dasharray=dash
    )


def rectangle(x: float, y: float, width: float, height: float, fill: str, title: str = "", stroke: str = "") -> str:
    """A rectangle; x and width in percent, y and height in pixels; title: what a pointer or a screen reader is told."""
    inner = element("title", escape(title)) if title else ""
    return element("rect", inner, x=f"{x:.3f}%", y=y, width=f"{width:.3f}%", height=height, fill=fill, stroke=stroke)


def text(
    x: float,
    y: float,
    words: str,
    anchor: str = "start",
    size: float = 12,
    fill: str = INK,
    weight: str = "",
    halo: bool = False,
) -> str:
    """Words; x in percent, y in pixels (baseline). anchor: start, middle or end. halo: white around, over lines."""
    return element(
        "text",
        escape(words),
        x=f"{x:.3f}%",
        y=y,
        text_anchor=anchor,
        font_size=size,
        fill=fill,
        font_weight=weight,
        paint_order="stroke" if halo else None,
        stroke="#ffffff" if halo else None,
        stroke_width=4 if halo else None,
    )


def mark(x: float, y: float, kind: str, colour: str, title: str = "") -> str:
    """A point; x in percent. kind: dot, ring or diamond."""
    inner = element("title", escape(title)) if title else ""
    if kind == "diamond":
        shape = element("path", inner, d="M0 -6 L6 0 L0 6 L-6 0 Z", fill=colour)
        return element("svg", shape, x=f"{x:.3f}%", y=y, overflow="visible")
    fill = "#ffffff" if kind == "ring" else colour
    return element("circle", inner, cx=f"{x:.3f}%", cy=y, r=5, fill=fill, stroke=colour, stroke_width=2)


def polyline(
    points: Iterable[tuple[float, float]],
    box: tuple[float, float, float, float],
    stroke: str,
    dash: str = "",
    width: float = 2,
) -> str:
    """A line through points given as shares (0..1 across, 0..1 down) of a box (left %, top px, width %, height px)."""
    left, top, across, high = box
    path = " ".join(f"{1000 * x:.2f},{1000 * y:.2f}" for x, y in points)
    inner = element(
        "polyline", points=path, fill="none", stroke=stroke, stroke_width=width, stroke_dasharray=dash,
        vector_effect="non-scaling-stroke", stroke_linejoin="round",
    )  # fmt: skip
    return _stretched(inner, left, top, across, high)


def area(
    points: Sequence[tuple[float, float]], box: tuple[float, float, float, float], fill: str, opacity: float
) -> str:
    """A filled shape through points as in `polyline`."""
    left, top, across, high = box
    path = " ".join(f"{1000 * x:.2f},{1000 * y:.2f}" for x, y in points)
    return _stretched(element("polygon", points=path, fill=fill, fill_opacity=opacity), left, top, across, high)


def picture(height: float, content: str, label: str) -> Markup:
    """A whole SVG as wide as its surroundings. label: what it shows, for those who do not see it."""
    return Markup(  # noqa: S704  every text inside was escaped by `element` or `escape`
        element(
            "svg",
            content,
            xmlns="http://www.w3.org/2000/svg",
            width="100%",
            height=height,
            role="img",
            aria_label=label,
            font_family="system-ui, sans-serif",
        )
    )


HATCH = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line x1="0" y1="0" x2="0" y2="7" stroke="#1b1b1b" stroke-opacity="0.45" stroke-width="2"/></pattern></defs>'
)
"""The pattern over cells with too few errors to be sure of; fill="url(#hatch)"."""


def _stretched(inner: str, left: float, top: float, across: float, high: float) -> str:
    return element(
        "svg", inner, x=f"{left:.3f}%", y=top, width=f"{across:.3f}%", height=high, viewBox="0 0 1000 1000",
        preserveAspectRatio="none", overflow="visible",
    )  # fmt: skip


def _number(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
