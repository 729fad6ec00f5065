"""The fine print as one HTML page that needs no other file: small pictures first, then every cell with its clause."""

from __future__ import annotations

from markupsafe import Markup, escape

from countenance.drawing.html import rendered
from countenance.drawing.svg import element
from countenance.policy.decision import Decision, Verdict
from countenance.policy.fine_print.matrix import Matrix, letter
from countenance.policy.packs.pack import Pack

_CELL = 9
"""Side of a small picture's cell in px."""

_MARGIN = 14
"""Left and above the cells of a small picture, for numbers and letters; px."""

_FULL = 7
"""The number of texts at which the overview's colour is full."""

_ORDER = ("pledge", "guidance", "settlement", "law", "house")
_GROUPS = (
    ("What vendors said", ("pledge", "guidance")),
    ("What binds", ("settlement", "law")),
    ("What this server does by itself", ("house",)),
)
_MARK = {Verdict.PERMIT: "·", Verdict.DENY: "■", Verdict.UNDETERMINED: "?"}
_WORDS = {Verdict.PERMIT: "left open", Verdict.DENY: "stopped", Verdict.UNDETERMINED: "cannot be decided"}
_COLOUR = {Verdict.PERMIT: "open", Verdict.DENY: "stop", Verdict.UNDETERMINED: "doubt"}


def page(matrix: Matrix) -> str:
    """The page, as text to be written in UTF-8."""
    packs = sorted(matrix.packs, key=lambda pack: _ORDER.index(pack.kind))
    counted = [pack for pack in packs if pack.kind != "house"]
    groups = (
        (title, [_tile(matrix, pack) for pack in packs if pack.kind in kinds and pack.name != "mandate"])
        for title, kinds in _GROUPS
    )
    return rendered(
        "countenance.policy.fine_print",
        "fine_print.html.j2",
        law_date=matrix.law_date,
        uses=matrix.uses,
        actors=[(letter(n), actor.title) for n, actor in enumerate(matrix.actors)],
        counted=len(counted),
        overview=_overview(matrix, counted),
        groups=[(title, tiles) for title, tiles in groups if tiles],
        tables=[(use.title, _table(matrix, packs, use.id)) for use in matrix.uses],
        packs=packs,
    )


def _overview(matrix: Matrix, packs: list[Pack]) -> list[dict[str, object]]:
    """How many texts stop each use by each actor: also the key to the rows and columns of the small pictures."""
    rows: list[dict[str, object]] = []
    for use in matrix.uses:
        cells = []
        for actor in matrix.actors:
            stopping = [pack for pack in packs if matrix.at(pack.name, use.id, actor.id).verdict is not Verdict.PERMIT]
            share = round(100 * min(1.0, len(stopping) / _FULL))
            cells.append(
                {
                    "actor": actor.title,
                    "names": ", ".join(pack.name for pack in stopping) or "none",
                    "count": len(stopping),
                    "share": share,
                    "ink": "var(--stop-ink)" if share > 45 else "var(--ink)",
                }
            )
        rows.append({"use": use.title, "cells": cells})
    return rows


def _tile(matrix: Matrix, pack: Pack) -> dict[str, object]:
    return {
        "title": pack.identity.title,
        "picture": _picture(matrix, pack),
        "stopped": matrix.count(pack.name, Verdict.DENY),
        "undecided": matrix.count(pack.name, Verdict.UNDETERMINED),
        "cells": len(matrix.actors) * len(matrix.uses),
        "leaves_open": pack.leaves_open,
    }


def _picture(matrix: Matrix, pack: Pack) -> Markup:
    width, height = _MARGIN + _CELL * len(matrix.actors), _MARGIN + _CELL * len(matrix.uses)
    names = [
        element("text", letter(n), x=_MARGIN + n * _CELL + _CELL / 2, y=10, text_anchor="middle")
        for n in range(len(matrix.actors))
    ]
    names += [
        element("text", str(n + 1), x=_MARGIN - 3, y=_MARGIN + n * _CELL + 7, text_anchor="end")
        for n in range(len(matrix.uses))
    ]
    squares = []
    for row, use in enumerate(matrix.uses):
        for column, actor in enumerate(matrix.actors):
            decision = matrix.at(pack.name, use.id, actor.id)
            words = f"{actor.title}: {use.title}: {_WORDS[decision.verdict]} ({decision.clauses[0]})"
            squares.append(
                element(
                    "rect",
                    element("title", str(escape(words))),
                    x=_MARGIN + column * _CELL,
                    y=_MARGIN + row * _CELL,
                    width=_CELL - 1,
                    height=_CELL - 1,
                    fill=f"var(--{_COLOUR[decision.verdict]})",
                )
            )
    stopped = f"{matrix.count(pack.name, Verdict.DENY)} of {len(matrix.actors) * len(matrix.uses)} stopped"
    return Markup(  # noqa: S704  every text inside was escaped
        element(
            "svg",
            element("g", "".join(names), font_size=7, fill="var(--soft)", font_family="system-ui, sans-serif")
            + "".join(squares),
            viewBox=f"0 0 {width} {height}",
            role="img",
            aria_label=f"{pack.identity.title}: {stopped}",
        )
    )


def _table(matrix: Matrix, packs: list[Pack], use: str) -> list[tuple[str, list[dict[str, str]]]]:
    return [
        (actor.title, [_cell(pack, matrix.at(pack.name, use, actor.id)) for pack in packs]) for actor in matrix.actors
    ]


def _cell(pack: Pack, decision: Decision) -> dict[str, str]:
    why = "; ".join(f"{ground.id}: {ground.says}" for ground in decision.grounds[:4])
    if decision.missing:
        why += " Not stated: " + ", ".join(fact.fact for fact in decision.missing[:6])
    return {
        "verdict": str(decision.verdict),
        "pack": pack.identity.title,
        "title": f"{_WORDS[decision.verdict]}. {why}",
        "mark": _MARK[decision.verdict],
    }
