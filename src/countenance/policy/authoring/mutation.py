"""Small wrongs done to the clauses of a pack, one at a time: each must make a case of the pack fail.

A wrong that no case notices is one that somebody can make by mistake, and the pack would still be accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import cedarpy
from cedarpy import pst

from countenance.policy.clauses import Clause, ClauseScope, Effect
from countenance.policy.enums import Action
from countenance.policy.facts import FACT
from countenance.policy.packs.pack import Pack
from countenance.policy.rules import Rules

Mutant = tuple[str, Pack]
"""What was done, beginning with the id of the clause or scope; and the pack with that wrong in it."""


def unnoticed(pack: Pack, mutants: Iterable[Mutant]) -> Iterator[str]:
    """What was done to the packs in `mutants` that fail no case of `pack`."""
    for what, mutant in mutants:
        if survives(mutant, re.split("[: ]", what)[0]):
            yield what


def survives(mutant: Pack, ident: str = "") -> bool:
    """Whether the pack's own cases notice nothing; those about the clause `ident` are asked first."""
    rules = Rules([mutant])
    ordered = sorted(mutant.cases, key=lambda case: ident not in case.about)
    return not any(rules.failures([case]) for case in ordered)


def coarse(pack: Pack) -> Iterator[Mutant]:
    """Each clause dropped, negated, turned from permit to forbid or back."""
    for clause in written(pack):
        yield f"{clause.id} dropped", without(pack, clause)
        yield f"{clause.id} flipped", instead(pack, clause, with_own(clause, pst.UnaryOp("not", clause.own)))
        turned = Effect.PERMIT if clause.effect is Effect.FORBID else Effect.FORBID
        yield f"{clause.id} turned", instead(pack, clause, replace(clause, effect=turned))


def dropped_conditions(pack: Pack) -> Iterator[Mutant]:
    """Each part of each condition, and of each scope's, left out."""
    yield from (mutant for mutant in _conditions(pack) if ": without " in mutant[0])


def fine(pack: Pack) -> Iterator[Mutant]:
    """Each part of each condition and scope changed a little; each operation and obligation left out."""
    yield from _conditions(pack)
    for clause in written(pack):
        if len(clause.operations) < len(Action):
            for operation in sorted(clause.operations):
                fewer = replace(clause, operations=clause.operations - {operation})
                yield f"{clause.id}: not for {operation}", instead(pack, clause, fewer)
        for obligation in clause.obligations:
            fewer = replace(clause, obligations=tuple(o for o in clause.obligations if o != obligation))
            yield f"{clause.id}: without {obligation}", instead(pack, clause, fewer)


def dates(pack: Pack) -> Iterator[Mutant]:
    """Each beginning and end moved by a day."""
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
    """The clauses that stand in the pack's file."""
    return tuple(c for c in pack.clauses if c.id != f"{pack.name}.open")


def _conditions(pack: Pack) -> Iterator[Mutant]:
    for clause in written(pack):
        for what, own in changed(clause.own):
            yield f"{clause.id}: {what}", instead(pack, clause, with_own(clause, own))
    for scope in dict.fromkeys(clause.scope for clause in written(pack) if clause.scope is not None):
        for what, condition in changed(scope.condition):
            other = replace(scope, condition=condition)
            yield f"{scope.id}: {what}", replace(pack, clauses=tuple(_within(c, scope, other) for c in pack.clauses))


def _within(clause: Clause, scope: ClauseScope, other: ClauseScope) -> Clause:
    return _stated(replace(clause, scope=other)) if clause.scope is scope else clause


def without(pack: Pack, clause: Clause) -> Pack:
    """`pack` without `clause`."""
    return replace(pack, clauses=tuple(c for c in pack.clauses if c is not clause))


def instead(pack: Pack, clause: Clause, other: Clause) -> Pack:
    """`pack` with `other` in the place of `clause`."""
    return replace(pack, clauses=tuple(other if c is clause else c for c in pack.clauses))


def with_own(clause: Clause, own: pst.Expr) -> Clause:
    """`clause` with another condition of its own."""
    return _stated(replace(clause, own=own))


def _stated(clause: Clause) -> Clause:
    return replace(clause, facts=frozenset(FACT[path] for path in paths(clause.condition)))


def paths(expression: pst.Expr) -> set[str]:
    """The facts that `expression` reads."""
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


def in_cedar(expression: pst.Expr) -> str:
    """`expression` as it is written in a clause, in one line."""
    template = pst.Template(
        id="it",
        effect="permit",
        principal=pst.ScopeAny(),
        action=pst.ScopeAny(),
        resource=pst.ScopeAny(),
        clauses=(pst.When(expression),),
        annotations={},
    )
    policies = pst.PolicySet(templates={}, static_policies={"it": template}, template_links=())
    text = str(cedarpy.PolicySet.from_pst(policies)).partition(" when { ")[2].rpartition(" }")[0]
    for path in (r"context\.[a-z_]+", r"context\.[a-z_]+\.[a-z_]+"):
        text = re.sub(rf"(?<![a-zA-Z])\(({path})\)", r"\1", text)
    return re.sub(r"\s+", " ", text)


_NEIGHBOURS: dict[str, tuple[Any, ...]] = {
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
    """`expression` with one thing changed, and what."""
    match expression:
        case pst.BinaryOp("and" | "or" as op, left, right):
            yield f"without {in_cedar(left)}", right
            yield f"without {in_cedar(right)}", left
            yield f"{op} swapped", pst.BinaryOp("or" if op == "and" else "and", left, right)
            yield from ((what, pst.BinaryOp(op, part, right)) for what, part in changed(left))
            yield from ((what, pst.BinaryOp(op, left, part)) for what, part in changed(right))
        case pst.UnaryOp("not", arg):
            yield "not left out", arg
            yield from ((what, pst.UnaryOp("not", part)) for what, part in changed(arg))
        case pst.BinaryOp(op, left, right):
            for other in _NEIGHBOURS.get(op, ()):
                if op not in ("contains_any", "contains_all") or not _single(left, right):
                    yield f"{op} -> {other}", pst.BinaryOp(other, left, right)
            for part in _parts(left):
                yield f"{part} left out", pst.BinaryOp(op, _less(left, part), right)
            for part in _parts(right):
                yield f"{part} left out", pst.BinaryOp(op, left, _less(right, part))
        case pst.GetAttr():
            yield "negated", pst.UnaryOp("not", expression)


def _single(left: pst.Expr, right: pst.Expr) -> bool:
    return any(isinstance(side, pst.Set) and len(side.elements) == 1 for side in (left, right))


def _parts(side: pst.Expr) -> tuple[str, ...]:
    return tuple(_value(e) for e in side.elements) if isinstance(side, pst.Set) and len(side.elements) > 1 else ()


def _less(side: pst.Expr, part: str) -> pst.Expr:
    assert isinstance(side, pst.Set)
    return pst.Set(tuple(e for e in side.elements if _value(e) != part))


def _value(element: pst.Expr) -> str:
    assert isinstance(element, pst.StringLit)
    return element.value
