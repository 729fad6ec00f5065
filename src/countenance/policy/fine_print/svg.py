"""The fine print at a glance: one SVG that needs nothing else, with every row and column named in it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from textwrap import wrap

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
_SAID = {
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
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" font-family="system-ui, sans-serif" font-size="12" fill="#1b1f27">',
        f"<title>What each text stops, and what it leaves open, under the law of {matrix.law_date}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="12" y="24" font-size="16" font-weight="600">What each text by itself stops, '
        f"under the law of {matrix.law_date}</text>",
    ]
    x = 12
    for verdict in _SAID:
        lines.append(_square(x, 36, verdict))
        lines.append(f'<text x="{x + 16}" y="46">{_SAID[verdict]}</text>')
        x += 36 + _LETTER * len(_SAID[verdict])
    for number, pack in enumerate(matrix.packs):
        top = 64 + number // across * strip
        if number % across == 0:
            lines += [
                f'<text x="{labels - 8}" y="{top + _HEAD + row * _ROW + 10}" text-anchor="end">'
                f"{escape(use.title)}</text>"
                for row, use in enumerate(matrix.uses)
            ]
        lines += _panel(matrix, pack, labels + number % across * (panel + _GAP), top)
    top = 64 + deep * strip
    lines += [
        f'<text x="{12 + n // key * ((width - 24) // columns)}" y="{top + 14 + n % key * 18}">'
        f'<tspan font-weight="600">{letter(n)}</tspan> {escape(actor.title)}</text>'
        for n, actor in enumerate(matrix.actors)
    ]
    return "\n".join([*lines, "</svg>"])


def _panel(matrix: Matrix, pack: Pack, left: int, top: int) -> Iterator[str]:
    stopped = matrix.count(pack.name, Verdict.DENY)
    for line, words in enumerate(wrap(pack.identity.title, (_CELL * len(matrix.actors) + _GAP) // (_LETTER + 1))):
        yield f'<text x="{left}" y="{top + 14 + 16 * line}" font-weight="600">{escape(words)}</text>'
    yield f'<text x="{left}" y="{top + 48}">{stopped} of {len(matrix.actors) * len(matrix.uses)} stopped</text>'
    for column in range(len(matrix.actors)):
        yield (
            f'<text x="{left + column * _CELL + _CELL / 2 - 0.5}" y="{top + _HEAD - 5}" text-anchor="middle" '
            f'font-size="9" fill="#5b6472">{letter(column)}</text>'
        )
    for row, use in enumerate(matrix.uses):
        for column, actor in enumerate(matrix.actors):
            verdict = matrix.at(pack.name, use.id, actor.id).verdict
            yield _square(left + column * _CELL, top + _HEAD + row * _ROW, verdict)


def _square(x: int, y: int, verdict: Verdict) -> str:
    return f'<rect x="{x}" y="{y}" width="{_CELL - 1}" height="{_ROW - 1}" fill="{_COLOUR[verdict]}"/>'
