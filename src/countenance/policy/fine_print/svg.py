"""The fine print in one SVG file, with every row and column named in it."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from xml.sax.saxutils import escape

from countenance.drawing.svg import element
from countenance.policy.decision import Verdict
from countenance.policy.fine_print.matrix import Matrix, letter
from countenance.policy.packs.pack import Pack

_CELL = 11
_ROW = 13
_ACROSS = 3
"""Panels side by side; more would make the words too small to read in a page."""

_LETTER = 7
"""Width of a letter at font size 12, in px, on the wide side."""

_GAP = 22
_HEAD = 74
_COLOUR = {Verdict.PERMIT: "#eef1f5", Verdict.DENY: "#1d4e89", Verdict.UNDETERMINED: "#e0a030"}
_WORDS = {
    Verdict.DENY: "stopped",
    Verdict.UNDETERMINED: "cannot be decided, so not permitted",
    Verdict.PERMIT: "left open",
}


def poster(matrix: Matrix) -> str:
    """The picture, as text to be written in UTF-8: a panel for each pack, uses as rows, actors as columns."""
    panel = _CELL * len(matrix.actors)
    across = min(_ACROSS, len(matrix.packs))
    deep = -(-len(matrix.packs) // across)
    labels = 12 + _LETTER * max(len(use.title) for use in matrix.uses)
    width = labels + max(across * (panel + _GAP), 420)
    strip = _HEAD + _ROW * len(matrix.uses) + 16
    columns = 3
    key = -(-len(matrix.actors) // columns)
    height = 64 + deep * strip + 18 * key + 22
    shapes = [
        element("title", f"What each text stops, and what it leaves open, under the law of {matrix.law_date}"),
        element("rect", width=width, height=height, fill="#ffffff"),
        _text(12, 24, f"What each text by itself stops, under the law of {matrix.law_date}", size=16, weight=600),
    ]
    x = 12
    for verdict, words in _WORDS.items():
        shapes += [_square(x, 36, verdict), _text(x + 16, 46, words)]
        x += 36 + _LETTER * len(words)
    for number, pack in enumerate(matrix.packs):
        top = 64 + number // across * strip
        if number % across == 0:
            shapes += [
                _text(labels - 8, top + _HEAD + row * _ROW + 10, use.title, anchor="end")
                for row, use in enumerate(matrix.uses)
            ]
        shapes += _panel(matrix, pack, labels + number % across * (panel + _GAP), top)
    top = 64 + deep * strip
    for n, actor in enumerate(matrix.actors):
        name = element("tspan", letter(n), font_weight=600) + " " + escape(actor.title)
        shapes.append(element("text", name, x=12 + n // key * ((width - 24) // columns), y=top + 14 + n % key * 18))
    return element(
        "svg",
        "\n".join(["", *shapes, ""]),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        font_family="system-ui, sans-serif",
        font_size=12,
        fill="#1b1f27",
    )


def _panel(matrix: Matrix, pack: Pack, left: int, top: int) -> Iterator[str]:
    stopped = matrix.count(pack.name, Verdict.DENY)
    for line, words in enumerate(wrap(pack.identity.title, (_CELL * len(matrix.actors) + _GAP) // (_LETTER + 1))):
        yield _text(left, top + 14 + 16 * line, words, weight=600)
    yield _text(left, top + 48, f"{stopped} of {len(matrix.actors) * len(matrix.uses)} stopped")
    for column in range(len(matrix.actors)):
        middle = left + column * _CELL + _CELL / 2 - 0.5
        yield _text(middle, top + _HEAD - 5, letter(column), anchor="middle", size=9, fill="#5b6472")
    for row, use in enumerate(matrix.uses):
        for column, actor in enumerate(matrix.actors):
            verdict = matrix.at(pack.name, use.id, actor.id).verdict
            yield _square(left + column * _CELL, top + _HEAD + row * _ROW, verdict)


def _text(
    x: float, y: float, words: str, *, anchor: str = "", size: int | None = None, weight: int | None = None,
    fill: str = "",
) -> str:  # fmt: skip
    return element("text", escape(words), x=x, y=y, text_anchor=anchor, font_size=size, font_weight=weight, fill=fill)


def _square(x: int, y: int, verdict: Verdict) -> str:
    return element("rect", x=x, y=y, width=_CELL - 1, height=_ROW - 1, fill=_COLOUR[verdict])
