"""One text as a panel: uses down, groups of actors across, a block for each, split where the actors of a group differ.

Nothing is told by colour alone: every state has a mark or a pattern of its own, and they differ in grey, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from textwrap import wrap
from xml.sax.saxutils import escape

from countenance.drawing.svg import element
from countenance.policy.fine_print.matrix import CellState, Column, Matrix, MatrixCell
from countenance.policy.fine_print.table import Heading

BLOCK, ROW, HEAD = 36, 21, 94
"""Width of a block, height of a row, and height of the groups' names above them; px."""

LINE = 15
"""Height of a line of words; px."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell is drawn, and what the key says."""

    id: str
    words: str


STOPPED = Look("stop", "stopped")
ADVICE = Look("advice", "advised against; nobody enforces it")
ONLY_IF = Look("only", "allowed only under conditions")
OPEN = Look("open", "left open")
OUTSIDE = Look("outside", "not even mentioned, so open")
NOT_OFFERED = Look("elsewhere", "not offered here; others offer it")
UNDECIDED = Look("doubt", "cannot be decided")
LOOKS = (STOPPED, ONLY_IF, OPEN, OUTSIDE, NOT_OFFERED, ADVICE, UNDECIDED)

_BY_STATE = {
    CellState.STOPPED: STOPPED,
    CellState.ONLY_IF: ONLY_IF,
    CellState.OPEN: OPEN,
    CellState.OUTSIDE: OUTSIDE,
    CellState.UNDECIDED: UNDECIDED,
}

Palette = Callable[[str], str]
"""From a colour's name to what `fill` says."""

COLOURS = {
    "stop": "#14375e",
    "only": "#a9c6e3",
    "open": "#f3ae3d",
    "outside": "#fdeccb",
    "line": "#8b94a1",
    "paper": "#ffffff",
    "ink": "#1b1f27",
    "soft": "#4d5663",
}


def look(cell: MatrixCell | None, column: Column | None) -> Look:
    """How a cell is drawn. None: another vendor, about whom there is no text."""
    if cell is None or column is None:
        return OUTSIDE
    if cell.not_offered:
        return NOT_OFFERED
    if column.kind == "guidance" and cell.state in (CellState.STOPPED, CellState.ONLY_IF):
        return ADVICE
    return _BY_STATE[cell.state]


def groups_of(matrix: Matrix) -> tuple[Heading, ...]:
    """The groups that have somebody in the picture."""
    return tuple(group for group in matrix.groups if _actors(matrix, group))


def uses_of(matrix: Matrix) -> tuple[Heading, ...]:
    """The uses in the picture; all of them if none is marked."""
    return tuple(use for use in matrix.uses if use.picture) or matrix.uses


def closed_to(matrix: Matrix, column: Column) -> tuple[str, ...]:
    """The groups in which somebody is stopped, or bound to conditions, in the picture; "some" where not all of them."""
    return tuple(
        _small(group.title) if len(bound) == len(_actors(matrix, group)) else f"some {_small(group.title)}"
        for group in groups_of(matrix)
        if (bound := _bound(matrix, column, group))
    )


def gist(matrix: Matrix, column: Column | None) -> str:
    """Whom a text stops, or binds to conditions, in one line; None: another vendor."""
    if column is None:
        return "No pledge: it sells all the same"
    whom = closed_to(matrix, column)
    if column.kind == "guidance":
        return "Advice: nobody enforces it"
    if not whom:
        withdrawn = any(NOT_OFFERED in _looks(matrix, column, group) for group in groups_of(matrix))
        return "Stops nobody: others sell it" if withdrawn else "Stops nobody"
    if len(whom) == len(groups_of(matrix)):
        return "Binds everybody"
    if column.kind != "pledge":
        return f"Binds {in_words(whom)} only"
    partly = any(OPEN in _looks(matrix, column, group) for group in groups_of(matrix))
    return f"Stops {in_words(whom)} only{', and in part' if partly else ''}"


def headline(matrix: Matrix) -> str:
    """What all pledges together do, in one sentence; empty if there is none."""
    pledges = [column for column in matrix.columns if column.kind == "pledge"]
    groups = groups_of(matrix)
    bound = [{actor for column in pledges for actor in _bound(matrix, column, group)} for group in groups]
    free = [_small(group.title) for group, some in zip(groups, bound, strict=True) if not some]
    whom = [
        _small(group.title) if len(some) == len(_actors(matrix, group)) else f"some {_small(group.title)}"
        for group, some in zip(groups, bound, strict=True)
        if some
    ]
    if not whom or not free:
        return ""
    return f"Vendors' pledges stop {in_words(whom)}. They leave open {', '.join(free)}, and every other vendor."


def in_words(titles: Sequence[str]) -> str:
    """As within a sentence: "US police, some firms and private people"."""
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"


def in_order(matrix: Matrix) -> tuple[Column | None, ...]:
    """The panels: pledges, first those that bind somebody, guidance, another vendor (None), law, house rules."""
    shown = matrix.shown()
    pledges = [c for c in shown if c.kind == "pledge"]
    vendors: list[Column | None] = [c for c in pledges if closed_to(matrix, c)]
    vendors += [c for c in pledges if not closed_to(matrix, c)]
    vendors += [c for c in shown if c.kind == "guidance"]
    if vendors:
        vendors.append(None)
    return (*vendors, *(c for c in shown if c.kind == "law"), *(c for c in shown if c.kind == "house"))


def panel(
    matrix: Matrix, column: Column | None, left: float, top: float, colour: Palette, *, titled: bool
) -> Iterator[str]:
    """The blocks and the groups' names above them, `HEAD` high; column None: another vendor.

    titled: whether a block says what it is to a pointer; a picture in a page cannot.
    """
    for number, group in enumerate(groups_of(matrix)):
        x = left + number * BLOCK
        lines = wrap(group.title, 14)
        for line, words in enumerate(lines):
            middle = x + BLOCK / 2 + 4 + (line - (len(lines) - 1) / 2) * 13
            yield element(
                "text", escape(words), transform=f"translate({middle:g} {top + HEAD - 6:g}) rotate(-90)",
                font_size=12, fill=colour("ink"),
            )  # fmt: skip
        for row, use in enumerate(uses_of(matrix)):
            at = (x, top + HEAD + row * ROW)
            for across, down, wide, kind, title in _blocks(matrix, column, use, _actors(matrix, group), at):
                yield _block(kind, across, down, wide, ROW - 3, colour, title if titled else "")


def key(kind: Look, x: float, y: float, colour: Palette) -> str:
    """A block as the key shows it, 20 px wide."""
    return _block(kind, x, y, 20, 14, colour, "")


def _blocks(
    matrix: Matrix, column: Column | None, use: Heading, actors: Sequence[Heading], at: tuple[float, float]
) -> Iterator[tuple[float, float, float, Look, str]]:
    """Left, top and width of each block of a group, how it looks, and what it says."""
    wide = (BLOCK - 3) / len(actors)
    done = 0
    cells = [(actor, None if column is None else matrix.at(column.name, use.id, actor.id)) for actor in actors]
    for kind, run in groupby(cells, key=lambda pair: look(pair[1], column)):
        same = list(run)
        words = f"{use.title}: {', '.join(actor.title for actor, _ in same)}: {kind.words}"
        why = same[0][1].conditions if same[0][1] is not None else ""
        clauses = ", ".join(dict.fromkeys(c for _, cell in same if cell is not None for c in cell.decision.clauses))
        title = f"{words}{': only if ' + why if why else ''}{f' ({clauses})' if clauses else ''}"
        yield at[0] + done * wide, at[1], wide * len(same), kind, title
        done += len(same)


def _block(kind: Look, x: float, y: float, wide: float, high: float, colour: Palette, title: str) -> str:
    def box(fill: str, stroke: str = "") -> str:
        return element("rect", x=x, y=y, width=wide, height=high, fill=fill, stroke=stroke)

    if kind is STOPPED:
        parts = box(colour("stop"))
    elif kind is ONLY_IF:
        corner = f"M{x:g} {y:g} V{y + high:g} H{x + wide:g} Z"
        parts = box(colour("only")) + element("path", d=corner, fill=colour("stop"))
    elif kind is ADVICE:
        parts = box(colour("outside")) + box("url(#advice)")
    elif kind is OPEN:
        parts = box(colour("open"))
    elif kind is OUTSIDE:
        dot = element("circle", cx=x + wide / 2, cy=y + high / 2, r=2, fill=colour("open"))
        parts = box(colour("outside")) + dot
    elif kind is NOT_OFFERED:
        line = f"M{x + 1:g} {y + high - 1:g} L{x + wide - 1:g} {y + 1:g}"
        parts = element(
            "rect", x=x + 0.5, y=y + 0.5, width=wide - 1, height=high - 1, fill=colour("paper"), stroke=colour("line")
        ) + element("path", d=line, stroke=colour("line"), stroke_width=1.2)
    else:
        mark = element("text", "?", x=x + wide / 2, y=y + high - 4, text_anchor="middle", fill=colour("ink"))
        parts = box(colour("paper"), stroke=colour("line")) + mark
    return element("g", (element("title", escape(title)) if title else "") + parts)


def advice(colour: Palette) -> str:
    """The pattern of what is advised and not enforced, to be put into the picture once."""
    lines = element("path", d="M-1 7 L7 -1 M5 9 L9 5", stroke=colour("stop"), stroke_width=1.8)
    return element("defs", element("pattern", lines, id="advice", width=8, height=8, patternUnits="userSpaceOnUse"))


def _actors(matrix: Matrix, group: Heading) -> tuple[Heading, ...]:
    return tuple(actor for actor in matrix.of(group.id) if actor.picture)


def _looks(matrix: Matrix, column: Column, group: Heading) -> set[Look]:
    return {
        look(matrix.at(column.name, use.id, actor.id), column)
        for use in uses_of(matrix)
        for actor in _actors(matrix, group)
    }


def _bound(matrix: Matrix, column: Column, group: Heading) -> tuple[Heading, ...]:
    """The actors of a group who are stopped, or bound to conditions, in some use of the picture."""
    closed = (STOPPED, ONLY_IF, UNDECIDED, ADVICE)
    return tuple(
        actor
        for actor in _actors(matrix, group)
        if any(look(matrix.at(column.name, use.id, actor.id), column) in closed for use in uses_of(matrix))
    )


def _small(title: str) -> str:
    return title if title[:2].isupper() else title[0].lower() + title[1:]
