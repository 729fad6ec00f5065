from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.fakes.clock import Clock
from tests.fakes.engine import MODEL, FakeEngine
from tests.fakes.ledger import FakeLedger
from tests.fakes.rules import FixedRules

from countenance.budgets import Budgets, read_defaults
from countenance.custody import Custody
from countenance.database import open_database
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import AccessKey, Holder, MoratoriumStore, Register, Terms
from countenance.operations import BudgetKeeper, Caller, Guard, Jobs, MoratoriaInForce, Tools
from countenance.policy import Rules, Verdict
from countenance.policy.moratorium import Charter
from countenance.scoring import Calibration, RawCosine
from countenance.signing import Signer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CALIBRATION = Calibration(MODEL, "raw", "ca" * 32, np.array([0.0, 0.6, 1.0]), np.array([0.0, -3.0, -9.0]))


SETTER, INSIDE, OUTSIDE = (Signer(bytes([n]) * 32) for n in (1, 2, 3))
CHARTER = Charter(
    frozenset({SETTER.public}), frozenset({INSIDE.public, OUTSIDE.public}), frozenset({OUTSIDE.public}), 2
)


@dataclass
class World:
    """Everything round a guard, with no weights."""

    guard: Guard
    caller: Caller
    ledger: FakeLedger
    engine: FakeEngine
    gallery: Gallery
    register: Register
    rules: FixedRules
    custody: Custody
    moratoria: MoratoriaInForce
    clock: Clock
    key: AccessKey
    database: Engine
    budgets: BudgetKeeper

    def kinds(self) -> list[tuple[object, object]]:
        """(kind, verdict or outcome) of each ledger entry."""
        return [(e.kind, e.fields.get("verdict", e.fields.get("outcome"))) for e in self.ledger.entries()]


@pytest.fixture
def verdict() -> Verdict:
    return Verdict.PERMIT


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path) -> Path | str:
    """The guard asks the stores, which have tests on both kinds of database: one is enough here."""
    return tmp_path / "db.sqlite"


@pytest.fixture
def world(place: Path | str, verdict: Verdict, clock: Clock) -> Iterator[World]:
    database = open_database(place)
    register = Register(database, bytes(32), clock)
    asked = register.request(
        Holder("A museum"),
        Terms("photo_library", "consent", ("g*",), ("identify",), '{"gallery": {"provenance": "consented"}}'),
        requested_by="ann",
        expires_at=NOW + timedelta(days=1),
    )
    register.approve(asked.mandate_id, approved_by="ben")
    key = register.issue_key(asked.mandate_id)
    ledger = FakeLedger()
    moratoria = MoratoriaInForce(MoratoriumStore(database), CHARTER)
    ids = (f"{n:08x}-0000-4000-8000-000000000000" for n in itertools.count())
    gallery = Gallery(database, RawCosine(), clock, lambda: next(ids))
    custody = Custody(database, bytes(32), clock)
    budgets = BudgetKeeper(Budgets(database, bytes(32), clock), read_defaults())
    engine, rules = FakeEngine(), FixedRules(verdict)
    guard = Guard(
        Tools(engine, gallery, RawCosine(), CALIBRATION, (), Jobs(database, clock)),
        cast(Rules, rules),
        cast(Ledger, ledger),
        register,
        custody,
        moratoria,
        clock,
        budgets,
    )
    yield World(
        guard,
        Caller(key.access_key),
        ledger,
        engine,
        gallery,
        register,
        rules,
        custody,
        moratoria,
        clock,
        key,
        database,
        budgets,
    )
    database.dispose()
