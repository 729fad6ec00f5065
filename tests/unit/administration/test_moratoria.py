"""One key stops; time alone never goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from tests.fakes.engine import picture_of
from tests.unit.operations.conftest import INSIDE, NOW, OUTSIDE, SETTER, World

from countenance.administration import Moratoria
from countenance.errors import AlreadyExists, BadRequest, Conflict, Denied, NotFound
from countenance.ledger import Ledger
from countenance.mandates import MoratoriumStore
from countenance.operations import Detect, MoratoriaInForce
from countenance.policy.moratorium import Lifting, Order, Scope, Signature
from countenance.signing import Signer

ORDER = Order("halt-1", Scope(), "until a law", NOW, NOW + timedelta(days=365))
STATUTE = "Act 12 of 2027, section 3"


def signed(signer: Signer, message: bytes) -> Signature:
    return Signature(signer.public, signer.sign(message))


def halted(world: World) -> bool:
    world.guard.carry_out(world.caller, Detect(picture_of(1)))
    in_force: Any = world.rules.told["moratoria"]
    return any(each.stops(world.rules.asked[-1]) for each in in_force)


def changes(world: World) -> Moratoria:
    return Moratoria(MoratoriumStore(world.database), world.moratoria, cast(Ledger, world.ledger))


def lift(world: World, *signers: Signer) -> None:
    for signer in signers:
        changes(world).consent("halt-1", STATUTE, signed(signer, Lifting(ORDER.digest(), STATUTE).message()))


@pytest.fixture
def stopped(world: World) -> World:
    assert halted(world) is False
    changes(world).set(ORDER, signed(SETTER, ORDER.message()))
    return world


def test_a_set_moratorium_holds_at_the_next_call_and_no_date_ends_it(stopped: World) -> None:
    assert halted(stopped) is True
    stopped.clock.now += timedelta(days=3650)
    assert halted(stopped) is True


def test_a_quorum_with_the_outside_key_lifts_it_and_each_step_is_an_entry(stopped: World) -> None:
    lift(stopped, INSIDE)
    assert halted(stopped) is True
    lift(stopped, OUTSIDE)
    assert halted(stopped) is False
    changes = [e.fields["change"] for e in stopped.ledger.entries() if e.kind == "moratorium"]
    assert changes == ["set", "consent", "lifted"]


def test_the_inside_key_twice_is_no_quorum(stopped: World) -> None:
    lift(stopped, INSIDE, INSIDE)
    assert halted(stopped) is True


def test_a_key_that_may_not_or_a_signature_that_is_not_its_changes_nothing(stopped: World) -> None:
    with pytest.raises(Denied):
        lift(stopped, SETTER)
    with pytest.raises(BadRequest, match="signature"):
        changes(stopped).consent("halt-1", STATUTE, Signature(OUTSIDE.public, INSIDE.sign(b"something")))
    with pytest.raises(NotFound):
        changes(stopped).consent("halt-2", STATUTE, signed(INSIDE, b""))
    with pytest.raises(AlreadyExists):
        changes(stopped).set(ORDER, signed(SETTER, ORDER.message()))
    assert halted(stopped) is True


@pytest.mark.parametrize("name", ["", "a b", "-first", "x" * 101, "m/1", "m-1\n"])
def test_an_id_that_no_moratorium_may_have_is_refused_through_every_door_before_it_is_recorded(
    world: World, name: str
) -> None:
    order = replace(ORDER, id=name)
    with pytest.raises(BadRequest, match="letters, digits"):
        changes(world).set(order, signed(SETTER, order.message()))
    assert not changes(world).all()
    assert not [entry for entry in world.ledger.entries() if entry.kind == "moratorium"]


def test_a_database_that_says_lifted_is_not_believed_without_the_signatures(stopped: World) -> None:
    with stopped.database.begin() as connection:
        connection.exec_driver_sql(
            'update moratoria set statements = replace(statements, \'"statute": null\', \'"statute": "x"\')'
        )
    assert halted(stopped) is True
    with stopped.database.begin() as connection:
        connection.exec_driver_sql("update moratoria set statements = '{}'")
    assert halted(stopped) is True


def test_without_a_charter_what_was_set_goes_on_and_nothing_can_be_set(stopped: World) -> None:
    store = MoratoriumStore(stopped.database)
    bare = MoratoriaInForce(store, None)
    assert [each.stops(stopped.rules.asked[-1]) for each in bare.in_force()] == [True]
    with pytest.raises(Conflict, match="CHARTER"):
        Moratoria(store, bare, cast(Ledger, stopped.ledger)).set(ORDER, signed(SETTER, ORDER.message()))


def test_a_lifted_one_takes_no_more_consents(stopped: World) -> None:
    lift(stopped, INSIDE, OUTSIDE)
    with pytest.raises(Conflict):
        lift(stopped, INSIDE)
