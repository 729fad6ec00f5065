"""What an unstated fact means: each clause becomes two Cedar conditions, "surely" and "possibly".

A fact that the request does not state is absent. Strong Kleene logic is applied to the clause as written:

- surely(c): c holds for all values of the unstated facts, as far as and, or and not can tell
- possibly(c): c holds for some values of them

    surely(a and b) = surely(a) and surely(b)       possibly(a and b) = possibly(a) and possibly(b)
    surely(not a)   = not possibly(a)               possibly(not a)   = not surely(a)
    surely(test)    = stated(facts) and test        possibly(test)    = if stated(facts) then test else true

If all facts are stated the two are the same condition. Both validate against the schema with optional facts, so
evaluation never meets a missing attribute.
"""

from __future__ import annotations

from cedarpy import pst

from countenance.policy.facts import FACT


def surely(expression: pst.Expr) -> pst.Expr:
    """True only where `expression` is true whatever the unstated facts are."""
    return _bound(expression, when_silent=False)


def possibly(expression: pst.Expr) -> pst.Expr:
    """True where `expression` can be true, given the stated facts."""
    return _bound(expression, when_silent=True)


def _bound(expression: pst.Expr, *, when_silent: bool) -> pst.Expr:
    match expression:
        case pst.BinaryOp("and" | "or" as op, left, right):
            return pst.BinaryOp(op, _bound(left, when_silent=when_silent), _bound(right, when_silent=when_silent))
        case pst.UnaryOp("not", arg):
            return pst.UnaryOp("not", _bound(arg, when_silent=not when_silent))
    test: pst.Expr = expression
    for path in sorted(optional_facts(expression), reverse=True):
        group, name = path.split(".")
        stated = pst.HasAttr(pst.GetAttr(pst.Var("context"), group), (name,))
        test = pst.IfThenElse(stated, test, pst.BoolLit(when_silent))
    return test


def optional_facts(expression: pst.Expr) -> frozenset[str]:
    """The paths of the optional facts that `expression` reads."""
    match expression:
        case pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name):
            path = f"{group}.{name}"
            return frozenset({path}) if FACT[path].optional else frozenset()
        case pst.UnaryOp(_, arg):
            return optional_facts(arg)
        case pst.BinaryOp(_, left, right):
            return optional_facts(left) | optional_facts(right)
        case pst.Set(elements):
            return frozenset().union(*(optional_facts(element) for element in elements))
    return frozenset()
