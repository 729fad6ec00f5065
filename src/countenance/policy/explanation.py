"""Why a clause holds, fails or cannot be decided: three-valued evaluation that keeps the facts that mattered.

Used for explanations only. Verdicts come from Cedar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cedarpy import pst

from countenance.policy.certainty import optional_facts
from countenance.policy.facts import FACT, CedarValue

Context = Mapping[str, Mapping[str, CedarValue]]


@dataclass(frozen=True, slots=True)
class Truth:
    """value: True, False, or None where unstated facts leave it open. facts: the paths of those that made it so."""

    value: bool | None
    facts: frozenset[str]


def weigh(expression: pst.Expr, context: Context) -> Truth:
    """The truth of a condition in `context`, with the smallest set of facts that this evaluation finds decisive."""
    match expression:
        case pst.BoolLit(value):
            return Truth(value, frozenset())
        case pst.UnaryOp("not", arg):
            inner = weigh(arg, context)
            return Truth(None if inner.value is None else not inner.value, inner.facts)
        case pst.BinaryOp("and" | "or" as op, left, right):
            return _joined(op == "and", weigh(left, context), weigh(right, context))
    read = _read(expression)
    silent = frozenset(path for path in optional_facts(expression) if _value(path, context) is None)
    if silent:
        return Truth(None, silent)
    return Truth(bool(_number(expression, context)), read)


def _joined(both: bool, left: Truth, right: Truth) -> Truth:
    """`and` where both, else `or`. The value that settles it is False for `and`, True for `or`."""
    settling = not both
    settled = [side for side in (left, right) if side.value is settling]
    if settled:
        return Truth(settling, min((side.facts for side in settled), key=lambda facts: (len(facts), sorted(facts))))
    open_ = [side for side in (left, right) if side.value is None]
    if open_:
        return Truth(None, frozenset().union(*(side.facts for side in open_)))
    return Truth(both, left.facts | right.facts)


def _read(expression: pst.Expr) -> frozenset[str]:
    match expression:
        case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
            return frozenset({f"{group}.{name}"})
        case pst.UnaryOp(_, arg):
            return _read(arg)
        case pst.BinaryOp(_, left, right):
            return _read(left) | _read(right)
        case pst.Set(elements):
            return frozenset().union(*(_read(element) for element in elements))
    return frozenset()


def _value(path: str, context: Context) -> CedarValue | None:
    fact = FACT[path]
    return context.get(fact.group, {}).get(fact.name)


def _number(expression: pst.Expr, context: Context) -> CedarValue:
    """The value of an expression all of whose facts are stated."""
    match expression:
        case pst.LongLit(value) | pst.StringLit(value) | pst.BoolLit(value):
            return value
        case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
            return context[group][name]
        case pst.Set(elements):
            return [str(_number(element, context)) for element in elements]
        case pst.UnaryOp("is_empty", arg):
            return not _number(arg, context)
        case pst.UnaryOp("neg", arg):
            return -_whole(arg, context)
        case pst.BinaryOp("eq" | "not_eq" as op, left, right):
            return (_plain(left, context) == _plain(right, context)) is (op == "eq")
        case pst.BinaryOp("less", left, right):
            return _whole(left, context) < _whole(right, context)
        case pst.BinaryOp("less_eq", left, right):
            return _whole(left, context) <= _whole(right, context)
        case pst.BinaryOp("greater", left, right):
            return _whole(left, context) > _whole(right, context)
        case pst.BinaryOp("greater_eq", left, right):
            return _whole(left, context) >= _whole(right, context)
        case pst.BinaryOp("add", left, right):
            return _whole(left, context) + _whole(right, context)
        case pst.BinaryOp("sub", left, right):
            return _whole(left, context) - _whole(right, context)
        case pst.BinaryOp("mul", left, right):
            return _whole(left, context) * _whole(right, context)
        case pst.BinaryOp("contains", left, right):
            return _number(right, context) in _members(left, context)
        case pst.BinaryOp("contains_all", left, right):
            return _members(left, context) >= _members(right, context)
        case pst.BinaryOp("contains_any", left, right):
            return bool(_members(left, context) & _members(right, context))
    raise TypeError(f"{type(expression).__name__} has no place in a clause")


def _plain(expression: pst.Expr, context: Context) -> object:
    value = _number(expression, context)
    return frozenset(value) if isinstance(value, list) else value


def _whole(expression: pst.Expr, context: Context) -> int:
    value = _number(expression, context)
    if not isinstance(value, int):
        raise TypeError(f"a whole number is needed here, got {type(value).__name__}")
    return value


def _members(expression: pst.Expr, context: Context) -> frozenset[str]:
    value = _number(expression, context)
    if not isinstance(value, list):
        raise TypeError(f"a set is needed here, got {type(value).__name__}")
    return frozenset(value)
