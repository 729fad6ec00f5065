"""What another process decides on the same database holds at the very next call, whatever was asked or read before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import Engine
from tests.fakes.engine import picture_of
from tests.unit.operations.conftest import CALIBRATION, NOW, SETTER, World

from countenance.custody import Custody
from countenance.database import open_database
from countenance.errors import Denied, Held, NotFound, Unauthenticated
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import MoratoriumStore, Register
from countenance.operations import Guard, Jobs, SearchByImage, Tools
from countenance.policy import Rules
from countenance.policy.moratorium import Moratorium, Order, Scope, Signature
from countenance.policy.moratorium_text import text_of
from countenance.policy.packs.pack import read_pack
from countenance.scoring import RawCosine

ASK = SearchByImage("g0", picture_of(1))


@pytest.fixture
def asking(world: World) -> World:
    """A world whose guard decides by the pack that is always in force; the same question was asked twice before."""
    world.gallery.create("g0", world.engine.model, world.engine.version, {})
    tools = Tools(world.engine, world.gallery, RawCosine(), CALIBRATION, (), Jobs(world.database, world.clock))
    rules = Rules([read_pack("mandate")])
    world.guard = Guard(
        tools,
        rules,
        cast(Ledger, world.ledger),
        world.register,
        world.custody,
        world.moratoria,
        world.clock,
        world.budgets,
    )
    for _ in range(2):
        ask(world)
    return world


def ask(world: World) -> None:
    world.guard.carry_out(world.caller, ASK)


@pytest.fixture
def elsewhere(world: World, place: Path | str) -> Iterator[Engine]:
    """The same database, opened by somebody else."""
    engine = open_database(place)
    yield engine
    engine.dispose()


def test_a_revoked_mandate_stops_at_the_next_call(asking: World, elsewhere: Engine) -> None:
    Register(elsewhere, bytes(32), asking.clock).end(asking.key.mandate_id, "misuse")
    with pytest.raises(Denied, match="revoked"):
        ask(asking)


def test_a_moratorium_stops_the_next_call(asking: World, elsewhere: Engine) -> None:
    order = Order("halt-1", Scope(), "until a law", NOW, None)
    moratorium = Moratorium(order, Signature(SETTER.public, SETTER.sign(order.message())))
    MoratoriumStore(elsewhere).add("halt-1", text_of(moratorium))
    with pytest.raises(Denied, match="moratorium"):
        ask(asking)


def test_an_authorisation_that_becomes_overdue_freezes_the_next_call(asking: World, elsewhere: Engine) -> None:
    Custody(elsewhere, bytes(32), asking.clock).hold(
        mandate_id=asking.key.mandate_id, decision=1, request_hash="a", result_hash="b", contents={},
        reviewers=0, clauses=("c",),
        authorise_by=NOW + timedelta(hours=1),
    )  # fmt: skip
    ask(asking)
    asking.clock.now += timedelta(hours=1, microseconds=1)
    with pytest.raises(Held, match="Frozen"):
        ask(asking)


def test_a_mandate_that_expires_is_refused_in_that_very_second(asking: World) -> None:
    asking.clock.now = NOW + timedelta(days=1, microseconds=-1)
    ask(asking)
    asking.clock.now = NOW + timedelta(days=1)
    with pytest.raises(Denied, match="expire"):
        ask(asking)


def test_a_clock_that_goes_back_denies_what_was_permitted_at_that_time_before(asking: World) -> None:
    asking.clock.now += timedelta(seconds=5)
    ask(asking)
    asking.clock.now -= timedelta(seconds=5)
    with pytest.raises(Denied, match="clock"):
        ask(asking)


def test_a_deleted_gallery_is_not_found_at_the_next_call(asking: World, elsewhere: Engine) -> None:
    Gallery(elsewhere, RawCosine(), asking.clock, str).delete("g0")
    with pytest.raises(NotFound):
        ask(asking)


def test_a_key_that_is_gone_authenticates_nobody(asking: World, elsewhere: Engine) -> None:
    assert asking.register.secret_of(asking.key.access_key) == asking.key.secret
    with elsewhere.begin() as connection:
        connection.exec_driver_sql("DELETE FROM access_keys")
    assert asking.register.secret_of(asking.key.access_key) is None
    with pytest.raises(Unauthenticated):
        ask(asking)
