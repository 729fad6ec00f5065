"""Small wrongs done to a clause, one at a time: each must make a case of its pack fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from cedarpy import pst

from countenance.policy.clauses import Clause, Effect
from countenance.policy.facts import FACT
from countenance.policy.packs.pack import Pack
from countenance.policy.rules import Rules

COARSE = ("dropped", "flipped", "turned")


def without(pack: Pack, clause: Clause) -> Pack:
    return replace(pack, clauses=tuple(c for c in pack.clauses if c is not clause))


def instead(pack: Pack, clause: Clause, other: Clause) -> Pack:
    return replace(pack, clauses=tuple(other if c is clause else c for c in pack.clauses))


def coarse(pack: Pack) -> Iterator[tuple[str, Pack]]:
    """Each clause dropped, negated, turned from permit to forbid or back."""
    for clause in written(pack):
        yield f"{clause.id} dropped", without(pack, clause)
        yield f"{clause.id} flipped", instead(pack, clause, with_(clause, pst.UnaryOp("not", clause.condition)))
        turned = Effect.PERMIT if clause.effect is Effect.FORBID else Effect.FORBID
        yield f"{clause.id} turned", instead(pack, clause, replace(clause, effect=turned))


def fine(pack: Pack) -> Iterator[tuple[str, Pack]]:
    """Each part of each condition changed a little; each operation left out; each date moved by a day."""
    for clause in written(pack):
        for what, condition in changed(clause.condition):
            yield f"{clause.id}: {what}", instead(pack, clause, with_(clause, condition))
        if len(clause.operations) < 13:
            for operation in sorted(clause.operations):
                fewer = replace(clause, operations=clause.operations - {operation})
                yield f"{clause.id}: not for {operation}", instead(pack, clause, fewer)
        for obligation in clause.obligations:
            fewer = replace(clause, obligations=tuple(o for o in clause.obligations if o != obligation))
            yield f"{clause.id}: without {obligation}", instead(pack, clause, fewer)


def dates(pack: Pack) -> Iterator[tuple[str, Pack]]:
    for clause in written(pack):
        if clause.in_force_from > date(2020, 1, 1):
            later = replace(clause, in_force_from=clause.in_force_from + timedelta(days=1))
            yield f"{clause.id}: begins a day later", instead(pack, clause, later)
            sooner = replace(clause, in_force_from=clause.in_force_from - timedelta(days=1))
            yield f"{clause.id}: begins a day sooner", instead(pack, clause, sooner)
        if clause.in_force_until is not None:
            later = replace(clause, in_force_until=clause.in_force_until + timedelta(days=1))
            yield f"{clause.id}: ends a day later", instead(pack, clause, later)


def written(pack: Pack) -> tuple[Clause, ...]:
    return tuple(c for c in pack.clauses if c.id != f"{pack.name}.open")


def with_(clause: Clause, condition: pst.Expr) -> Clause:
    return replace(clause, condition=condition, facts=frozenset(FACT[path] for path in paths(condition)))


def survives(mutant: Pack, ident: str = "") -> bool:
    """Whether the pack's own cases notice nothing; those about the clause `ident` are asked first."""
    rules = Rules([mutant])
    ordered = sorted(mutant.cases, key=lambda case: ident not in case.about)
    return not any(rules.failures([case]) for case in ordered)


def paths(expression: pst.Expr) -> set[str]:
    match expression:
        case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
            return {f"{group}.{name}"}
        case pst.UnaryOp(_, arg):
            return paths(arg)
        case pst.BinaryOp(_, left, right):
            return paths(left) | paths(right)
        case pst.Set(elements):
            return set().union(*(paths(e) for e in elements))
    return set()


NEIGHBOURS: dict[str, tuple[Any, ...]] = {
    "less": ("less_eq",),
    "less_eq": ("less",),
    "greater": ("greater_eq",),
    "greater_eq": ("greater",),
    "eq": ("not_eq",),
    "not_eq": ("eq",),
    "contains_any": ("contains_all",),
    "contains_all": ("contains_any",),
}


def changed(expression: pst.Expr) -> Iterator[tuple[str, pst.Expr]]:
    match expression:
        case pst.BinaryOp("and" | "or" as op, left, right):
            yield f"only the right of {op}", right
            yield f"only the left of {op}", left
            yield f"{op} swapped", pst.BinaryOp("or" if op == "and" else "and", left, right)
            yield from ((what, pst.BinaryOp(op, part, right)) for what, part in changed(left))
            yield from ((what, pst.BinaryOp(op, left, part)) for what, part in changed(right))
        case pst.UnaryOp("not", arg):
            yield "not left out", arg
            yield from ((what, pst.UnaryOp("not", part)) for what, part in changed(arg))
        case pst.BinaryOp(op, left, right):
            for other in NEIGHBOURS.get(op, ()):
                if op not in ("contains_any", "contains_all") or not single(left, right):
                    yield f"{op} -> {other}", pst.BinaryOp(other, left, right)
            for part in parts(left):
                yield f"{part} left out", pst.BinaryOp(op, less(left, part), right)
            for part in parts(right):
                yield f"{part} left out", pst.BinaryOp(op, left, less(right, part))
        case pst.GetAttr():
            yield "negated", pst.UnaryOp("not", expression)


def single(left: pst.Expr, right: pst.Expr) -> bool:
    return any(isinstance(side, pst.Set) and len(side.elements) == 1 for side in (left, right))


def parts(side: pst.Expr) -> tuple[str, ...]:
    return tuple(_value(e) for e in side.elements) if isinstance(side, pst.Set) and len(side.elements) > 1 else ()


def less(side: pst.Expr, part: str) -> pst.Expr:
    assert isinstance(side, pst.Set)
    return pst.Set(tuple(e for e in side.elements if _value(e) != part))


def _value(element: pst.Expr) -> str:
    assert isinstance(element, pst.StringLit)
    return element.value
