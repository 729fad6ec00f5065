"""A moratorium is set by one key, and lifted only by a quorum with an outside key that cites a statute."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.policy import NOW, asked

from countenance.errors import BadRequest, Conflict, Denied, PolicyError
from countenance.policy import Action, Party, Power, Rules
from countenance.policy.moratorium import (
    Charter,
    Lifting,
    Moratorium,
    Order,
    Scope,
    Signature,
    consent,
    replayed,
    set_moratorium,
)
from countenance.policy.packs.pack import read_pack
from countenance.signing import Signer

KEYS = {
    name: Signer(bytes([number]) * 32) for number, name in enumerate(("setter", "ann", "ben", "out", "stranger"), 1)
}
CHARTER = Charter(
    setters=frozenset({KEYS["setter"].public}),
    lifters=frozenset({KEYS["ann"].public, KEYS["ben"].public, KEYS["out"].public}),
    outside=frozenset({KEYS["out"].public}),
    quorum=2,
)
ORDER = Order("m-1", Scope(), "no law protects people yet", NOW, NOW + timedelta(days=365))
LIFTING = Lifting(ORDER.digest(), "Act 1 of 2031, section 4")


def signed(name: str, message: bytes) -> Signature:
    return Signature(KEYS[name].public, KEYS[name].sign(message))


def in_force(order: Order = ORDER) -> Moratorium:
    return set_moratorium(CHARTER, order, signed("setter", order.message()))


def agreed(moratorium: Moratorium, *names: str, lifting: Lifting = LIFTING) -> Moratorium:
    for name in names:
        moratorium = consent(moratorium, CHARTER, lifting, signed(name, lifting.message()))
    return moratorium


def test_a_scope_and_a_signature_are_read_from_words_and_hex_digits() -> None:
    assert Scope.of(["identify"], ["arrest"]) == Scope(frozenset({Action.IDENTIFY}), frozenset({Power.ARREST}))
    with pytest.raises(BadRequest, match="policy vocabulary"):
        Scope.of(["identify"], ["no power"])
    assert Signature.of("0a" * 32, "0B" * 64) == Signature(bytes([10]) * 32, bytes([11]) * 64)
    for key, value in (("0a" * 31, "0b" * 64), ("0a" * 32, "0b" * 63), ("zz" * 32, "0b" * 64), (" a" * 32, "0b" * 64)):
        with pytest.raises(BadRequest, match="64 hex digits"):
            Signature.of(key, value)


def test_one_key_sets_it_and_everything_stops() -> None:
    rules = Rules([read_pack("mandate")])
    assert rules.decide(asked(), NOW).permitted
    decision = rules.decide(asked(), NOW, moratoria=[in_force()])
    assert decision.clauses == ("mandate.moratorium",)
    assert "No date ends it" in decision.sentence()


def test_a_timer_alone_never_lifts_it() -> None:
    rules = Rules([read_pack("mandate")])
    long_after = ORDER.look_again_at + timedelta(days=10) if ORDER.look_again_at else NOW
    request = asked(mandate=replace(asked().mandate, expires_at=long_after + timedelta(days=1)))
    assert rules.decide(request, long_after).permitted
    assert not rules.decide(request, long_after, moratoria=[in_force()]).permitted


@pytest.mark.parametrize("names", [("ann", "out"), ("out", "ann"), ("out", "ben"), ("ann", "ben", "out")])
def test_a_quorum_with_an_outside_key_lifts_it(names: tuple[str, ...]) -> None:
    lifted = agreed(in_force(), *names)
    assert lifted.lifted
    assert Rules([read_pack("mandate")]).decide(asked(), NOW, moratoria=[lifted]).permitted


@pytest.mark.parametrize("names", [("ann",), ("out",), ("ann", "ben"), ("ann", "ann"), ("out", "out"), ()])
def test_fewer_keys_one_key_twice_or_no_outside_key_do_not(names: tuple[str, ...]) -> None:
    moratorium = agreed(in_force(), *names)
    assert not moratorium.lifted
    assert moratorium.stops(asked())


def test_consents_to_different_statutes_do_not_add_up() -> None:
    other = Lifting(ORDER.digest(), "another Act")
    moratorium = agreed(agreed(in_force(), "ann"), "out", lifting=other)
    assert not moratorium.lifted
    assert len(moratorium.consents) == 1


def test_lifting_cites_a_statute() -> None:
    for empty in ("", "   "):
        with pytest.raises(BadRequest, match="cites the statute"):
            agreed(in_force(), "ann", lifting=Lifting(ORDER.digest(), empty))


def test_a_consent_to_lift_one_moratorium_lifts_no_other() -> None:
    other = replace(ORDER, id="m-2")
    with pytest.raises(BadRequest, match="another moratorium"):
        consent(in_force(other), CHARTER, LIFTING, signed("ann", LIFTING.message()))


def test_a_key_that_may_not_is_refused() -> None:
    with pytest.raises(Denied):
        set_moratorium(CHARTER, ORDER, signed("ann", ORDER.message()))
    for name in ("setter", "stranger"):
        with pytest.raises(Denied):
            agreed(in_force(), name)


def test_a_signature_over_something_else_is_refused() -> None:
    with pytest.raises(BadRequest, match="signature"):
        set_moratorium(CHARTER, ORDER, signed("setter", replace(ORDER, reason="another").message()))
    with pytest.raises(BadRequest, match="signature"):
        consent(in_force(), CHARTER, LIFTING, signed("out", ORDER.message()))
    forged = Signature(KEYS["out"].public, KEYS["stranger"].sign(LIFTING.message()))
    with pytest.raises(BadRequest, match="signature"):
        consent(in_force(), CHARTER, LIFTING, forged)


def test_what_is_lifted_is_lifted_once() -> None:
    lifted = agreed(in_force(), "ann", "out")
    with pytest.raises(Conflict):
        agreed(lifted, "ben")


def test_a_stored_claim_that_it_is_lifted_is_not_believed() -> None:
    claimed = replace(in_force(), lifted=True)
    assert not replayed(CHARTER, claimed).lifted
    true = agreed(in_force(), "ann", "out")
    assert replayed(CHARTER, replace(true, lifted=False)) == true
    forged = replace(true, consents=(true.consents[0], Signature(KEYS["out"].public, bytes(64))))
    with pytest.raises(BadRequest, match="signature"):
        replayed(CHARTER, forged)


@pytest.mark.parametrize(
    ("scope", "operation", "power", "stopped"),
    [
        (Scope(), Action.DETECT, None, True),
        (Scope(operations=frozenset({Action.IDENTIFY})), Action.IDENTIFY, None, True),
        (Scope(operations=frozenset({Action.IDENTIFY})), Action.VERIFY, None, False),
        (Scope(powers=frozenset({Power.ARREST})), Action.IDENTIFY, Power.ARREST, True),
        (Scope(powers=frozenset({Power.ARREST})), Action.IDENTIFY, Power.BENEFITS, False),
        (Scope(powers=frozenset({Power.ARREST})), Action.IDENTIFY, None, False),
    ],
)
def test_it_stops_what_it_covers(scope: Scope, operation: Action, power: Power | None, stopped: bool) -> None:
    moratorium = in_force(replace(ORDER, scope=scope))
    party = Party(class_name="x", powers=frozenset({power} if power else ()))
    assert moratorium.stops(asked(operation, actor=party)) is stopped
    assert moratorium.stops(asked(operation, on_behalf_of=party)) is stopped


@pytest.mark.parametrize(
    "change",
    [
        {"setters": frozenset()},
        {"outside": frozenset()},
        {"outside": frozenset({KEYS["stranger"].public})},
        {"quorum": 1},
        {"quorum": 4},
        {"setters": frozenset({b"short"})},
    ],
)
def test_a_charter_that_cannot_hold_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(PolicyError):
        replace(CHARTER, **change)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["setter", "ann", "ben", "out", "stranger"]), max_size=8))
def test_in_any_order_of_any_keys_it_is_lifted_exactly_by_two_with_one_outside(names: list[str]) -> None:
    moratorium, counted = in_force(), set()
    for name in names:
        if moratorium.lifted:
            break
        if name in ("ann", "ben", "out"):
            moratorium = agreed(moratorium, name)
            counted.add(name)
        else:
            with pytest.raises(Denied):
                agreed(moratorium, name)
        assert moratorium.lifted is (len(counted) >= 2 and "out" in counted)
