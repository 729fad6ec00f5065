"""The fine print in one SVG file that can be read without a key to its rows and columns."""

from __future__ import annotations

from textwrap import wrap
from xml.sax.saxutils import escape

from countenance.drawing.svg import element
from countenance.policy.fine_print.matrix import Column, Matrix
from countenance.policy.fine_print.panel import (
    BLOCK,
    COLOURS,
    HEAD,
    LINE,
    LOOKS,
    ROW,
    UNDECIDED,
    advice,
    gist,
    groups_of,
    headline,
    in_order,
    key,
    look,
    panel,
    uses_of,
)  # fmt: skip

_ACROSS = 3
"""Panels side by side; more would make the words too small to read in a page of 830 px."""

_LETTER = 7
"""Width of a letter at font size 13, in px, on the wide side."""

_GAP = 34
_TITLE = 88
"""Height of a panel's title, of two lines, and of the lines that say whom it stops; px."""

_TOP = 126


def poster(matrix: Matrix) -> str:
    """The picture, as text to be written in UTF-8: a panel for each vendor's words, one for another vendor, one for the
    law in force, one for the house rules.
    """
    columns = in_order(matrix)
    uses, wide = uses_of(matrix), BLOCK * len(groups_of(matrix))
    labels = 14 + round(_LETTER * max(len(use.short) for use in uses))
    across = min(_ACROSS, len(columns))
    width = labels + across * (wide + _GAP)
    strip = _TITLE + HEAD + ROW * len(uses) + 26
    height = _TOP + -(-len(columns) // across) * strip
    shapes = [
        element("title", f"What each text stops, and what it leaves open, under the law of {matrix.law_date}"),
        advice(COLOURS.__getitem__),
        element("rect", width=width, height=height, fill=COLOURS["paper"]),
        _text(12, 26, "Face recognition: who is stopped, and who is not", size=19, weight=600),
        *(_text(12, 48 + 17 * n, words, size=14) for n, words in enumerate(wrap(headline(matrix), int(width / 7.4)))),
        *_key(matrix, columns, width),
    ]
    for number, column in enumerate(columns):
        left, top = labels + number % across * (wide + _GAP), _TOP + number // across * strip
        if number % across == 0:
            shapes += [
                _text(labels - 8, top + _TITLE + HEAD + row * ROW + 14, use.short, anchor="end")
                for row, use in enumerate(uses)
            ]
        title = "Any other vendor" if column is None else column.title
        for line, words in enumerate(wrap(title, int((wide + _GAP - 10) / 8.8))[:2]):
            shapes.append(_text(left, top + 16 + LINE * line, words, size=14, weight=600))
        for line, words in enumerate(wrap(gist(matrix, column), int((wide + _GAP - 10) / 7))):
            shapes.append(_text(left, top + 50 + LINE * line, words, size=12.5, fill=COLOURS["soft"]))
        shapes += panel(matrix, column, left, top + _TITLE, COLOURS.__getitem__, titled=False)
    return element(
        "svg",
        "\n".join(["", *shapes, ""]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        font_family="system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif",
        font_size=13,
        fill=COLOURS["ink"],
    )


def _key(matrix: Matrix, columns: tuple[Column | None, ...], width: int) -> list[str]:
    drawn = {
        look(matrix.at(c.name, use.id, actor.id), c)
        for c in columns
        if c is not None
        for use in uses_of(matrix)
        for actor in matrix.actors
        if actor.picture
    }
    shapes = []
    x, y = 12.0, 74.0
    for kind in LOOKS:
        if kind is UNDECIDED and kind not in drawn:
            continue
        long = 28 + _LETTER * len(kind.words) + 14
        if x + long > width:
            x, y = 12.0, y + 22
        shapes += [key(kind, x, y, COLOURS.__getitem__), _text(x + 27, y + 12, kind.words)]
        x += long
    return shapes


def _text(
    x: float, y: float, words: str, *, anchor: str = "", size: float | None = None, weight: int | None = None,
    fill: str = "",
) -> str:  # fmt: skip
    return element("text", escape(words), x=x, y=y, text_anchor=anchor, font_size=size, font_weight=weight, fill=fill)
