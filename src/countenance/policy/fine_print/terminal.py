"""The fine print on a terminal of 100 columns: one text at a time, or one actor at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from countenance.policy.fine_print.matrix import CellState, Column, Matrix, MatrixCell
from countenance.policy.fine_print.table import Heading

WIDTH = 100
_MARK = {
    CellState.STOPPED: "#",
    CellState.ONLY_IF: "c",
    CellState.OPEN: "o",
    CellState.OUTSIDE: ".",
    CellState.UNDECIDED: "?",
}
KEY = "# stopped, c allowed only if (conditions below), o left open, . not about this, x not offered here"
_MOST = 40
"""Most actors of a group side by side."""


def by_text(matrix: Matrix) -> str:
    """Each column by itself: uses down, actors across in their groups; then who they are, conditions and clauses."""
    parts = []
    silent = [column for column in matrix.columns if not _speaks(matrix, column)]
    shown = [column for column in matrix.columns if column not in silent] or matrix.columns
    for column in shown:
        parts += [f"{column.name}: {column.title}, under the law of {matrix.law_date}", KEY, ""]
        for slots in _pages(matrix):
            parts += [*_grid(matrix, column, slots), ""]
        parts += [*_actors(matrix), *_conditions(matrix, column), *_clauses(matrix, column), ""]
    if silent and shown is not matrix.columns:
        parts += [*_hanging(", ".join(column.name for column in silent), "Not about any of this: ", 4), ""]
    return "\n".join(line.rstrip() for line in parts[:-1])


def _speaks(matrix: Matrix, column: Column) -> bool:
    return any(cell.state is not CellState.OUTSIDE for key, cell in matrix.cells.items() if key[0] == column.name)


def by_actor(matrix: Matrix) -> str:
    """Each actor by itself: for every use, which texts stop it, allow it only under conditions, or leave it open."""
    lines: list[str] = []
    for actor in matrix.actors:
        lines += [f"{actor.title}, in {matrix.place_name} if nothing else is said; the law of {matrix.law_date}", ""]
        for use in matrix.uses:
            cells = [matrix.at(column.name, use.id, actor.id) for column in matrix.columns]
            lines += [use.title, *_said("not offered", [cell for cell in cells if cell.not_offered])]
            for state in CellState:
                if state is CellState.ONLY_IF:
                    for cell in cells:
                        if cell.state is state:
                            lines += _item("only if", f"{cell.pack}: {cell.conditions}")
                    continue
                lines += _said(str(state), [cell for cell in cells if cell.state is state and not cell.not_offered])
            lines.append("")
    return "\n".join(line.rstrip() for line in lines[:-1])


def _said(words: str, cells: Sequence[MatrixCell]) -> list[str]:
    return _item(words, ", ".join(cell.pack for cell in cells)) if cells else []


def _item(words: str, text: str) -> list[str]:
    return _hanging(text, f"    {words:<19}")


_Slot = tuple[Heading, tuple[Heading, ...]]


def _pages(matrix: Matrix) -> Iterator[list[_Slot]]:
    """The groups with their actors, as many side by side as a line holds."""
    page: list[_Slot] = []
    used = first = 2 + max(len(use.short) for use in matrix.uses)
    for group in matrix.groups:
        actors = matrix.of(group.id)
        for begin in range(0, len(actors), _MOST):
            slot = (group, actors[begin : begin + _MOST])
            if page and used + _wide(slot) > WIDTH:
                yield page
                page, used = [], first
            page.append(slot)
            used += _wide(slot)
    if page:
        yield page


def _wide(slot: _Slot) -> int:
    return 2 + max(len(slot[1]), *(len(line) for line in wrap(slot[0].title, 11)))


def _grid(matrix: Matrix, column: Column, slots: Sequence[_Slot]) -> Iterator[str]:
    first = 2 + max(len(use.short) for use in matrix.uses)
    heads = [wrap(group.title, 11) for group, _ in slots]
    deep = max(len(head) for head in heads)
    for line in range(deep):
        words = [([""] * (deep - len(head)) + head)[line] for head in heads]
        yield f"{'':{first}}" + "".join(f"{word:<{_wide(slot)}}" for word, slot in zip(words, slots, strict=True))
    for use in matrix.uses:
        cells = ("".join(_mark(matrix.at(column.name, use.id, actor.id)) for actor in actors) for _, actors in slots)
        yield f"{use.short:<{first}}" + "".join(f"{c:<{_wide(s)}}" for c, s in zip(cells, slots, strict=True))


def _mark(cell: MatrixCell) -> str:
    return "x" if cell.not_offered else _MARK[cell.state]


def _actors(matrix: Matrix) -> Iterator[str]:
    yield f"From left to right (in {matrix.place_name} if nothing else is said):"
    for group in matrix.groups:
        if matrix.of(group.id):
            yield from _hanging(", ".join(a.title for a in matrix.of(group.id)), f"    {group.title}: ", 8)


def _conditions(matrix: Matrix, column: Column) -> Iterator[str]:
    by_clause: dict[str, dict[str, list[str]]] = {}
    for use in matrix.uses:
        for actor in matrix.actors:
            cell = matrix.at(column.name, use.id, actor.id)
            if cell.conditions:
                by_clause.setdefault(cell.conditions, {}).setdefault(use.short, []).append(actor.title)
    for conditions, whom in by_clause.items():
        yield from _hanging(conditions, "Only if ", 4)
        for use_title, actors in whom.items():
            yield from _hanging(", ".join(actors), f"    {use_title}: ", 8)


def _clauses(matrix: Matrix, column: Column) -> Iterator[str]:
    grounds = {
        ground.id: ground.says
        for key, cell in matrix.cells.items()
        if key[0] == column.name and not cell.decision.permitted
        for ground in cell.decision.grounds
    }
    for name, says in grounds.items():
        yield from _hanging(says, f"{name}: ", 4)


def _hanging(text: str, head: str, indent: int | None = None) -> list[str]:
    return wrap(text, WIDTH, initial_indent=head, subsequent_indent=" " * (len(head) if indent is None else indent))
