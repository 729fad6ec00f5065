"""Why a clause holds, fails or cannot be decided: three-valued evaluation that keeps the facts that mattered.

It explains a refusal and tells "deny" from "undetermined". Only Cedar can permit; if the two disagree about a clause,
nothing is permitted. Conditions are compiled to functions once, because a caller who tries many requests causes many
refusals.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cedarpy import pst

from countenance.policy.facts import FACT, CedarValue

Context = Mapping[str, CedarValue]
"""Stated facts by their flat names, as compiled rules see them."""


@dataclass(frozen=True, slots=True)
class Truth:
    """value: True, False, or None if unstated facts leave it open. facts: the paths of the facts that decided."""

    value: bool | None
    facts: frozenset[str]


Weigher = Callable[[Context], Truth]
_Value = Callable[[Context], object]

_NOTHING: frozenset[str] = frozenset()


def weigher(expression: pst.Expr) -> Weigher:
    """A function from a context to the truth of the condition and a small set of facts that decides it."""
    match expression:
        case pst.BoolLit(value):
            plain = Truth(value, _NOTHING)
            return lambda context: plain
        case pst.UnaryOp("not", arg):
            return _negated(weigher(arg))
        case pst.BinaryOp("and" | "or" as op, left, right):
            return _joined(op == "or", weigher(left), weigher(right))
    return _test(expression)


def _negated(inner: Weigher) -> Weigher:
    def weigh(context: Context) -> Truth:
        truth = inner(context)
        return truth if truth.value is None else Truth(not truth.value, truth.facts)

    return weigh


def _joined(settling: bool, left: Weigher, right: Weigher) -> Weigher:
    """`or` if `settling` is True, else `and`. settling: the value of one side that decides the whole."""

    def weigh(context: Context) -> Truth:
        one, other = left(context), right(context)
        if one.value is settling and other.value is settling:
            return min(one, other, key=lambda side: (len(side.facts), sorted(side.facts)))
        if one.value is settling:
            return one
        if other.value is settling:
            return other
        if one.value is None:
            return one if other.value is not None else Truth(None, one.facts | other.facts)
        return other if other.value is None else Truth(not settling, one.facts | other.facts)

    return weigh


def _test(expression: pst.Expr) -> Weigher:
    read = facts_read(expression)
    optional = {FACT[path].flat: path for path in sorted(read) if FACT[path].optional}
    value = _value(expression)
    holds, fails = Truth(True, read), Truth(False, read)

    def weigh(context: Context) -> Truth:
        for flat in optional:
            if flat not in context:
                return Truth(None, frozenset(path for flat, path in optional.items() if flat not in context))
        return holds if value(context) else fails

    return weigh


def facts_read(expression: pst.Expr) -> frozenset[str]:
    """The paths of the facts that an expression reads."""
    match expression:
        case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
            return frozenset({f"{group}.{name}"})
        case pst.UnaryOp(_, arg):
            return facts_read(arg)
        case pst.BinaryOp(_, left, right):
            return facts_read(left) | facts_read(right)
        case pst.Set(elements):
            return frozenset().union(*(facts_read(element) for element in elements))
    return frozenset()


_OPERATORS: Mapping[str, Callable[..., object]] = {
    "eq": operator.eq,
    "not_eq": operator.ne,
    "less": operator.lt,
    "less_eq": operator.le,
    "greater": operator.gt,
    "greater_eq": operator.ge,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "contains": operator.contains,
    "contains_all": operator.ge,
    "contains_any": lambda left, right: not left.isdisjoint(right),
}


def _value(expression: pst.Expr) -> _Value:
    """A function that gives the expression's value where all its facts are stated; sets are frozensets."""
    match expression:
        case pst.LongLit(value) | pst.StringLit(value) | pst.BoolLit(value):
            return lambda context: value
        case pst.Set(elements):
            members = frozenset(e.value for e in elements if isinstance(e, pst.StringLit | pst.LongLit))
            return lambda context: members
        case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
            fact = FACT[f"{group}.{name}"]
            flat = fact.flat
            if fact.cedar == "Set<String>":
                return lambda context: frozenset(context[flat])  # type: ignore[arg-type]
            return lambda context: context[flat]
        case pst.UnaryOp("is_empty", arg):
            inner = _value(arg)
            return lambda context: not inner(context)
        case pst.UnaryOp("neg", arg):
            inner = _value(arg)
            return lambda context: -inner(context)  # type: ignore[operator]
        case pst.BinaryOp(op, left, right):
            one, other, verb = _value(left), _value(right), _OPERATORS[op]
            return lambda context: verb(one(context), other(context))
    raise TypeError(f"{type(expression).__name__} has no place in a clause")
