"""The fine print as one HTML page that needs no other file: the picture's panels, then every cell with its clause."""

from __future__ import annotations

from markupsafe import Markup, escape

from countenance.drawing.html import rendered
from countenance.drawing.svg import element
from countenance.policy.fine_print.matrix import LAW, CellState, Column, Matrix, MatrixCell
from countenance.policy.fine_print.panel import (
    BLOCK,
    HEAD,
    LOOKS,
    ROW,
    UNDECIDED,
    Look,
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

_LETTER = 7
_MARK = {
    CellState.STOPPED: "■",
    CellState.ONLY_IF: "◣",
    CellState.OPEN: "○",
    CellState.OUTSIDE: "·",
    CellState.UNDECIDED: "?",
}
_KINDS = ("pledge", "guidance", "settlement", "law", "house")


def script() -> str:
    """The page's script, as text to be sent in UTF-8."""
    return rendered("countenance.policy.fine_print", "fine_print.js")


def page(matrix: Matrix, script_at: str = "") -> str:
    """The page, as text to be written in UTF-8. script_at: the address of its script, which is else in the page."""
    single = [column for column in matrix.columns if not column.name.startswith(LAW)]
    single.sort(key=lambda column: _KINDS.index(column.kind))
    drawn = {look(cell, _column(matrix, cell)) for cell in matrix.cells.values()}
    return rendered(
        "countenance.policy.fine_print",
        "fine_print.html.j2",
        script=script_at,
        law_date=matrix.law_date,
        place=matrix.place_name,
        headline=headline(matrix),
        pattern=Markup(element("svg", advice(_colour), width=0, height=0, aria_hidden="true")),  # noqa: S704  our own
        key=[(_swatch(kind), kind.words) for kind in LOOKS if kind is not UNDECIDED or kind in drawn],
        tiles=[_tile(matrix, column) for column in in_order(matrix)],
        columns=single,
        groups=[(group.title, [actor.title for actor in matrix.of(group.id)]) for group in matrix.groups],
        tables=[(use.title, _table(matrix, single, use.id)) for use in matrix.uses],
        packs=matrix.packs,
    )


def _tile(matrix: Matrix, column: Column | None) -> dict[str, object]:
    if column is None:
        title, more = (
            "Any other vendor",
            "A pledge binds the vendor that made it. Who made none sells what it can build.",
        )
    else:
        title = column.title
        more = column.packs[0].leaves_open if len(column.packs) == 1 else _applied(matrix, column)
    return {"title": title, "gist": gist(matrix, column), "picture": _picture(matrix, column, title), "more": more}


def _applied(matrix: Matrix, column: Column) -> str:
    """The packs of a column that are about anybody in the picture."""
    actors, uses = [actor for actor in matrix.actors if actor.picture], uses_of(matrix)
    concerned = [
        pack.identity.title
        for pack in column.packs
        if any(
            matrix.at(pack.name, use.id, actor.id).state is not CellState.OUTSIDE for use in uses for actor in actors
        )
    ]
    return f"Of the laws that ship, these apply there: {'; '.join(concerned) or 'none'}."


def _picture(matrix: Matrix, column: Column | None, title: str) -> Markup:
    uses = uses_of(matrix)
    labels = 10 + _LETTER * max(len(use.short) for use in uses)
    width, height = labels + BLOCK * len(groups_of(matrix)), HEAD + ROW * len(uses)
    names = [
        element(
            "text", str(escape(use.short)), x=labels - 8, y=HEAD + row * ROW + 14, text_anchor="end",
            fill=_colour("ink"),
        )
        for row, use in enumerate(uses)
    ]  # fmt: skip
    return Markup(  # noqa: S704  every text inside was escaped
        element(
            "svg",
            "".join((*names, *panel(matrix, column, labels, 0, _colour, titled=True))),
            viewBox=f"0 0 {width} {height}",
            role="img",
            font_size=13,
            aria_label=f"{title}: {gist(matrix, column)}",
        )
    )


def _swatch(kind: Look) -> Markup:
    return Markup(element("svg", key(kind, 0, 0, _colour), viewBox="0 0 20 14", width=20, height=14))  # noqa: S704


def _colour(name: str) -> str:
    return f"var(--{name})"


def _table(matrix: Matrix, columns: list[Column], use: str) -> list[tuple[str, list[dict[str, str]]]]:
    return [
        (actor.title, [_cell(column, matrix.at(column.name, use, actor.id)) for column in columns])
        for actor in matrix.actors
    ]


def _cell(column: Column, cell: MatrixCell) -> dict[str, str]:
    why = "; ".join(f"{ground.id}: {ground.says}" for ground in cell.decision.grounds[:4])
    if cell.conditions:
        why = f"Only if {cell.conditions}. {why}"
    if cell.decision.missing:
        why += " Not stated: " + ", ".join(fact.fact for fact in cell.decision.missing[:6])
    kind = look(cell, column)
    return {
        "look": kind.id,
        "pack": column.title,
        "title": f"{kind.words[0].upper()}{kind.words[1:]}. {why}",
        "mark": "╱" if cell.not_offered else _MARK[cell.state],
    }


def _column(matrix: Matrix, cell: MatrixCell) -> Column:
    return next(column for column in matrix.columns if column.name == cell.pack)
