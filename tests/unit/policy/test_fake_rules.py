"""The rules that always say the same are used as the real ones are, and what they decide is made as theirs is."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import cast

import pytest
from tests.fakes.policy import NOW, asked, grant
from tests.fakes.rules import FixedRules

from countenance.policy import Decision, Rules, Verdict
from countenance.policy.packs.pack import read_pack


@pytest.fixture(params=["real", "fake"])
def denying(request: pytest.FixtureRequest) -> Rules:
    """Rules that deny the request below: its mandate is not active, and the fake was told to."""
    if request.param == "real":
        return Rules([read_pack("mandate")])
    return cast(Rules, FixedRules(Verdict.DENY))


def test_callers_cannot_tell_the_fake_from_the_rules(denying: Rules) -> None:
    decision = denying.decide(asked(mandate=replace(grant(), active=False)), NOW, latest_seen=NOW, moratoria=())
    assert isinstance(decision, Decision)
    assert decision.verdict is Verdict.DENY
    assert not decision.permitted
    assert decision.clauses
    assert all(clause in decision.sentence() for clause in decision.clauses)
    assert [len(pack.hash) for pack in decision.packs] == [64]
    assert all(ground.pack in decision.packs for ground in decision.grounds)
    assert decision.obligations == ()


def test_the_fake_takes_what_the_rules_take() -> None:
    theirs = inspect.signature(Rules.decide).parameters
    ours = inspect.signature(FixedRules.decide).parameters
    open_to_more = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in ours.values())
    named = {name for name, each in ours.items() if each.kind is not inspect.Parameter.VAR_KEYWORD}
    assert open_to_more
    assert named <= set(theirs)
    assert [name for name, each in theirs.items() if each.kind is not inspect.Parameter.KEYWORD_ONLY] == [
        name for name, each in ours.items() if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
