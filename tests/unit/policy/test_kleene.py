"""Which facts a test reads, wherever in it they stand: one that is overlooked would be read unguarded."""

from __future__ import annotations

import pytest
from cedarpy import pst

from countenance.policy.kleene import optional_facts, possibly, surely


def fact(group: str, name: str) -> pst.Expr:
    return pst.GetAttr(pst.GetAttr(pst.Var("context"), group), name)


SPACE, TARGETED = fact("space", "public"), fact("subject", "targeted")
EQUAL = pst.BinaryOp("eq", pst.UnaryOp("not", SPACE), TARGETED)
WITHIN = pst.BinaryOp("contains", pst.Set((SPACE, TARGETED)), pst.BoolLit(True))


@pytest.mark.parametrize("test", [EQUAL, WITHIN], ids=["below a not", "members of a set"])
def test_facts_are_found_below_other_operators_and_in_sets(test: pst.Expr) -> None:
    assert optional_facts(test) == {"space.public", "subject.targeted"}


def test_facts_that_are_always_stated_need_no_guard() -> None:
    always = fact("mandate", "active")
    assert optional_facts(always) == frozenset()
    assert surely(always) == possibly(always) == always


@pytest.mark.parametrize("test", [EQUAL, WITHIN], ids=["below a not", "members of a set"])
def test_each_fact_is_guarded_and_silence_counts_against_surely_and_for_possibly(test: pst.Expr) -> None:
    for bound, when_silent in ((surely, False), (possibly, True)):
        guarded = bound(test)
        guards = []
        while isinstance(guarded, pst.IfThenElse):
            assert guarded.else_expr == pst.BoolLit(when_silent)
            guards.append(str(guarded.cond))
            guarded = guarded.then_expr
        assert guarded == test
        assert len(guards) == 2
        assert guards == sorted(guards)  # in one order, so that the same rule is always the same text
