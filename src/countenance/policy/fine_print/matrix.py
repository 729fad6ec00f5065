"""The fine print: what each text, by itself, says about many actors and uses. Pure; the tables come in as data.

Each cell is one of five states:

- STOPPED: denied, and no safeguard that the asker could bring changes it.
- ONLY_IF: denied as it is asked, permitted with safeguards; `Cell.ways` names them.
- OPEN: permitted as it is asked.
- OUTSIDE: the text is not about it. Asked with nothing stated but the operation, the parties and the places, and even
  with a mandate that is not in order, it permits, and asks for nothing: so it does whatever else is the case.
- UNDECIDED: facts are missing. The tables that ship state all that the packs ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum

from countenance.policy.decision import Decision, PackIdentity, Verdict
from countenance.policy.enums import Action
from countenance.policy.explanation import facts_read
from countenance.policy.fine_print.asked import AskedUse, brought_facts
from countenance.policy.fine_print.conditions import Way, ways
from countenance.policy.fine_print.table import Heading, MatrixTable, Safeguard, leaves, table_of
from countenance.policy.packs.pack import Pack
from countenance.policy.rules import Rules

Table = Mapping[str, object]

LAW = "law:"
"""How the name of the column of all laws together begins; a place follows."""

_PARTIES = ("actor", "behalf", "holder", "places")


class CellState(StrEnum):
    """What a text does to a use by an actor."""

    STOPPED = "stopped"
    ONLY_IF = "only if"
    OPEN = "left open"
    OUTSIDE = "not about this"
    UNDECIDED = "cannot be decided"


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """What one column says about one actor and one use.

    decision: about the request without safeguards. ways: if ONLY_IF, sets of safeguards with which it is permitted.
    not_offered: whoever speaks does it for nobody, and others do: a pledge or settlement by which one vendor does not
    sell it, whoever asks; an operation that this server does not have, under its own rules.
    """

    actor: str
    use: str
    pack: str
    decision: Decision
    state: CellState
    ways: tuple[Way, ...] = ()
    not_offered: bool = False

    @property
    def conditions(self) -> str:
        """The conditions in words: "a and b; or c". Empty if there is none."""
        return "; or ".join(" and ".join(safeguard.says for safeguard in way) for way in self.ways)


@dataclass(frozen=True, slots=True)
class Column:
    """One text, or several that apply together, such as the law of a place. kind: "pledge", "law", ..."""

    name: str
    title: str
    kind: str
    packs: tuple[Pack, ...]

    @classmethod
    def of(cls, pack: Pack) -> Column:
        """The column of `pack` by itself."""
        return cls(pack.name, pack.identity.title, pack.kind, (pack,))


@dataclass(frozen=True, slots=True)
class Matrix:
    """Actors x uses, one column per text. cells are keyed by (column, use, actor)."""

    law_date: date
    place: str
    place_name: str
    groups: tuple[Heading, ...]
    actors: tuple[Heading, ...]
    uses: tuple[Heading, ...]
    columns: tuple[Column, ...]
    cells: Mapping[tuple[str, str, str], MatrixCell]

    @property
    def packs(self) -> tuple[Pack, ...]:
        """The packs of all columns, each once."""
        return tuple({pack.name: pack for column in self.columns for pack in column.packs}.values())

    def at(self, column: str, use: str, actor: str) -> MatrixCell:
        """One cell."""
        return self.cells[column, use, actor]

    def shown(self) -> tuple[Column, ...]:
        """The columns of the picture: each vendor's words, the law in force as one, and the house rules."""
        kinds = ("pledge", "guidance", "house")
        return tuple(c for c in self.columns if (c.kind in kinds or c.name.startswith(LAW)) and c.name != "mandate")

    def of(self, group: str) -> tuple[Heading, ...]:
        """The actors of a group."""
        return tuple(actor for actor in self.actors if actor.group == group)

    def record(self) -> dict[str, object]:
        """The matrix as plain JSON values."""
        return {
            "law_date": self.law_date.isoformat(),
            "place": self.place,
            "packs": [_identity(pack.identity) for pack in self.packs],
            "columns": [
                {"name": c.name, "title": c.title, "kind": c.kind, "packs": [pack.name for pack in c.packs]}
                for c in self.columns
            ],
            "groups": [{"id": g.id, "title": g.title} for g in self.groups],
            "actors": [{"id": a.id, "title": a.title, "group": a.group} for a in self.actors],
            "uses": [{"id": u.id, "title": u.title} for u in self.uses],
            "cells": [_cell_record(cell) for cell in self.cells.values()],
        }


def matrix(
    table: Table | MatrixTable, columns: Iterable[Pack | Column], as_of: date | None = None, *, conditions: bool = True
) -> Matrix:
    """The matrix of `table` under each of `columns` alone.

    as_of: the day whose law applies and on which it all happens; None is the table's own day. conditions: whether to
    look for safeguards that would permit; without, what is denied is STOPPED. A malformed table is a `PolicyError`.
    """
    whole = table if isinstance(table, MatrixTable) else table_of(table)
    now = whole.now if as_of is None else datetime.combine(as_of, time(12), UTC)
    whole = replace(whole, now=now)
    brought = {safeguard: brought_facts(safeguard, now) for safeguard in whole.safeguards}
    asked = {(use.id, actor.id): AskedUse(whole, use, actor, brought) for use in whole.uses for actor in whole.actors}
    cells, applied = {}, []
    for one in columns:
        column = Column.of(one) if isinstance(one, Pack) else one
        applied.append(column)
        rules = Rules(column.packs)
        unnamed = _unnamed(column)
        read = frozenset(fact.path for pack in column.packs for clause in pack.clauses for fact in clause.facts)
        for (use_id, actor_id), request in asked.items():
            cells[column.name, use_id, actor_id] = _cell(column, rules, request, unnamed, read, conditions)
    return Matrix(
        now.astimezone(UTC).date(), whole.place, whole.place_name(), whole.groups, tuple(whole.actors),
        tuple(whole.uses), tuple(applied), cells,
    )  # fmt: skip


def _cell(
    column: Column, rules: Rules, asked: AskedUse, unnamed: frozenset[str], read: frozenset[str], conditions: bool
) -> MatrixCell:
    day = asked.moment.now.astimezone(UTC).date()
    decision = rules.judge(asked.plain, asked.moment, day)
    only_if: tuple[Way, ...] = ()
    if decision.permitted:
        bare = rules.judge(asked.bare, replace(asked.moment, halted=True), day)
        outside = bare.permitted and not bare.obligations
        state = CellState.OUTSIDE if outside else CellState.OPEN
    elif decision.verdict is Verdict.UNDETERMINED:
        state = CellState.UNDECIDED
    else:
        if conditions and rules.judge(asked.unsaid(), asked.moment, day).verdict is not Verdict.DENY:

            def permitted(way: Way) -> bool:
                request = asked.guarded(way)
                return request is not None and rules.judge(request, asked.moment, day).permitted

            only_if = ways([s for s in asked.safeguards if _spoken_of(s, read)], permitted)
        state = CellState.ONLY_IF if only_if else CellState.STOPPED
    one_party = column.kind in ("pledge", "settlement")
    withdrawn = one_party and state is CellState.STOPPED and set(decision.clauses) <= unnamed
    not_offered = withdrawn or (column.kind == "house" and asked.plain.operation is Action.PREDICT)
    return MatrixCell(asked.actor, asked.use, column.name, decision, state, only_if, not_offered)


def _spoken_of(safeguard: Safeguard, read: frozenset[str]) -> bool:
    """Whether a clause reads a fact of it; Cedar calls some by the request's name and a unit, and the state of an
    authorisation follows from its times."""
    return any(
        path.startswith("authorisation.") or any(fact.startswith(path) for fact in read)
        for path in leaves(safeguard.facts)
    )


def _unnamed(column: Column) -> frozenset[str]:
    """The clauses that look at nobody: who asks, for whom, and where make no difference to them."""
    return frozenset(
        clause.id
        for pack in column.packs
        for clause in pack.clauses
        if not any(path.partition(".")[0] in _PARTIES for path in facts_read(clause.condition))
    )


def _identity(pack: PackIdentity) -> dict[str, str]:
    return {"name": pack.name, "title": pack.title, "version": pack.version, "hash": pack.hash}


def _cell_record(cell: MatrixCell) -> dict[str, object]:
    return {
        "pack": cell.pack,
        "use": cell.use,
        "actor": cell.actor,
        "state": str(cell.state),
        "verdict": str(cell.decision.verdict),
        "not_offered": cell.not_offered,
        "conditions": [[_safeguard_record(safeguard) for safeguard in way] for way in cell.ways],
        "clauses": list(cell.decision.clauses),
        "missing": [fact.fact for fact in cell.decision.missing],
    }


def _safeguard_record(safeguard: Safeguard) -> dict[str, object]:
    return {"id": safeguard.id, "says": safeguard.says, "facts": leaves(safeguard.facts)}


def columns_of(packs: Sequence[Pack], place: str, place_name: str) -> tuple[Column, ...]:
    """A column for each pack by itself, then the law in force at `place`: all laws together. A settlement is none: it
    binds one party.
    """
    laws = tuple(pack for pack in packs if pack.kind == "law")
    together = [Column(f"{LAW}{place}", f"The law in {place_name}", "law", laws)] if laws else []
    return (*(Column.of(pack) for pack in packs), *together)
