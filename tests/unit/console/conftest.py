"""The console on real stores and rules, with an engine that needs no weights, asked through Starlette's client."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pyotp
import pytest
from argon2 import PasswordHasher
from starlette.testclient import TestClient
from tests.fakes.clock import Clock
from tests.fakes.engine import MODEL, FakeEngine
from tests.fakes.films import Films
from tests.fakes.rules import SearchRules

from countenance import administration, console, operations
from countenance.budgets import Budgets, read_defaults
from countenance.casework import CaseRecords, WaitingPictures
from countenance.custody import Custody
from countenance.database import open_database
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import AccountStore, MoratoriumStore, OperatorStore, Register, Role, SignInStore
from countenance.policy import Rules, Verdict
from countenance.policy.moratorium import Charter
from countenance.policy.obligations import Obligation
from countenance.scoring import Calibration, RawCosine
from countenance.signing import Signer

CALIBRATION = Calibration(MODEL, "raw", "ca" * 32, np.array([0.0, 0.6, 1.0]), np.array([0.0, -3.0, -9.0]))
SETTER, INSIDE, OUTSIDE = (Signer(bytes([n]) * 32) for n in (1, 2, 3))
CHARTER = Charter(
    frozenset({SETTER.public}), frozenset({INSIDE.public, OUTSIDE.public}), frozenset({OUTSIDE.public}), 2
)
PASSWORD = "seven green herons wait"
START = datetime(2026, 11, 29, 10, tzinfo=UTC)
PEOPLE = {
    "ann asks": (Role.REQUEST,),
    "ben approves": (Role.APPROVE,),
    "eve audits": (Role.AUDIT,),
    "flo does all": (Role.REQUEST, Role.APPROVE, Role.REVIEW),
    "rex reviews": (Role.REVIEW,),
    "roy reviews": (Role.REVIEW,),
    "ray reviews": (Role.REVIEW,),
}
HOUSE_RULES = Rules.load(("house",))


@dataclass
class ConsoleWorld:
    """One console and what stands behind it. step: moves the clock that one-time codes are read by."""

    app: Any
    clock: Clock
    ledger: Ledger
    operators: administration.Operators
    accounts: administration.Accounts
    services: console.ConsoleServices
    engine: FakeEngine
    store: AccountStore
    sign_ins: SignInStore
    films: Films
    run_jobs: Callable[[], None]
    tokens: dict[str, str] = field(default_factory=dict)
    seeds: dict[str, str] = field(default_factory=dict)

    def browser(self, address: str = "10.0.0.1") -> Browser:
        return Browser(self, TestClient(self.app, "http://server.test", follow_redirects=False, client=(address, 5)))

    def code(self, seed: str) -> str:
        return pyotp.TOTP(seed).at(int(self.clock.now.timestamp()))

    def signed_in(self, name: str) -> Browser:
        browser = self.browser()
        if name not in self.seeds:
            assert browser.join(self.tokens[name], name).status_code == 303
        else:
            self.clock.advance(60)
            assert browser.sign_in(name).status_code == 303
        return browser

    def kinds(self) -> list[tuple[str, object]]:
        return [(entry.kind, entry.fields.get("change")) for entry in self.ledger.entries()]

    def granted(self, **more: str) -> str:
        """A mandate asked for by ann, approved by ben; its id."""
        ann, ben = self.signed_in("ann asks"), self.signed_in("ben approves")
        path = ann.post("/mandates", page="/mandates/new", **mandate_form(**more)).headers["location"]
        assert ben.post(f"{path.removeprefix('/console')}/approval", page=path.removeprefix("/console")).is_redirect
        return path.rpartition("/")[2]


@dataclass
class Browser:
    """A browser that reads the hidden field of a page before it sends that page's form."""

    world: ConsoleWorld
    client: TestClient

    def get(self, path: str, **more: Any) -> httpx.Response:
        return cast(httpx.Response, self.client.get("/console" + path, **more))

    def form_token(self, page: str) -> str:
        found = re.search(r'name="form_token" value="([0-9a-f]{64})"', self.get(page).text)
        assert found, page
        return found[1]

    def post(self, path: str, *, page: str, files: Any = None, **fields: str) -> httpx.Response:
        data = {"form_token": self.form_token(page), **fields}
        return cast(httpx.Response, self.client.post("/console" + path, data=data, files=files))

    def join(self, own: str, name: str, **more: str) -> httpx.Response:
        seed = self.world.seeds.setdefault(name, pyotp.random_base32())
        fields = {"token": own, "password": PASSWORD, "again": PASSWORD, "seed": seed, **more}
        return self.post("/join", page="/join", **{"one_time": self.world.code(seed), **fields})

    def sign_in(self, name: str, password: str = PASSWORD, code: str | None = None, then: str = "") -> httpx.Response:
        one_time = self.world.code(self.world.seeds.get(name, "A" * 32)) if code is None else code
        return self.post("/sign-in", page="/sign-in", name=name, password=password, one_time=one_time, next=then)


def mandate_form(**more: str) -> dict[str, str]:
    return {
        "holder": "A museum",
        "purpose": "photo_library",
        "legal_basis": "consent",
        "galleries": "g*",
        "operations": "*",
        "facts": '{"gallery": {"provenance": "consented"}}',
        "expires": "30",
        **more,
    }


@pytest.fixture
def verdict() -> Verdict | None:
    """What the rules say to everything; None for the rules that ship."""
    return None


@pytest.fixture
def obligations() -> tuple[Obligation, ...]:
    """What a permit of those rules obliges to, for searches."""
    return ()


@pytest.fixture
def empty(tmp_path: Path, verdict: Verdict | None, obligations: tuple[Obligation, ...]) -> Iterator[ConsoleWorld]:
    """A console that nobody has opened yet."""
    clock = Clock(START)
    database = open_database(tmp_path / "db.sqlite")
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", clock)
    register, custody = Register(database, bytes(32), clock), Custody(database, bytes(32), clock)
    in_force = operations.MoratoriaInForce(MoratoriumStore(database), CHARTER)
    gallery = Gallery(database, RawCosine(), clock, lambda: str(uuid.uuid4()))
    engine = FakeEngine()
    tools = operations.Tools(engine, gallery, RawCosine(), CALIBRATION, (), operations.Jobs(database, clock))
    rules = HOUSE_RULES if verdict is None else cast(Rules, SearchRules(verdict, *obligations))
    budgets = operations.BudgetKeeper(Budgets(database, bytes(32), clock), read_defaults())
    operators = administration.Operators(OperatorStore(database, clock, os.urandom), ledger)
    mandates = administration.Mandates(register, ledger, clock, budgets)
    store = AccountStore(database, bytes(32), clock, os.urandom)
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    sign_ins = SignInStore(database, clock, os.urandom)
    accounts = administration.Accounts(
        store, sign_ins, operators, mandates, ledger, cheap, lambda: clock.now.timestamp()
    )
    passkeys = administration.Passkeys(store, sign_ins, accounts, operators, ledger, "http://server.test")
    provider = administration.ProviderSignIn(store, sign_ins, accounts, operators, ledger, None)
    records = CaseRecords(database, bytes(32), clock)
    waiting = WaitingPictures(database, bytes(32), clock)
    custodian = administration.Custodian(custody, register, gallery, ledger, clock, partial(records.has, "hold"))
    guard = operations.Guard(tools, rules, ledger, register, custody, in_force, clock, budgets)
    cases = administration.Cases(records, waiting, custodian, mandates, guard, ledger, lambda: tools)
    limits = administration.ReviewLimits(known_rate=0)
    films = Films(tmp_path)
    services = console.ConsoleServices(
        accounts,
        passkeys,
        provider,
        operators,
        mandates,
        custodian,
        administration.Moratoria(MoratoriumStore(database), in_force, ledger),
        administration.Explainer(HOUSE_RULES, in_force, clock),
        administration.Record(ledger),
        administration.InstallationStatus(lambda: tools, ledger, clock, {"COUNTENANCE_PORT": "8080"}),
        guard,
        cases,
        administration.CaseVideos(cases, records, guard, ledger, films.stored, films.copied),
        administration.VideoJobList(lambda: tools.jobs.videos, mandates, cases.file),
        administration.Reviews(cases, records, custodian, mandates, guard, ledger, lambda: tools, limits),
        administration.AuditReports(tmp_path / "audits", tmp_path / "keys" / "audit.key", ledger, clock, os.environ),
        console.Streams(),
    )
    yield ConsoleWorld(
        console.app(services),
        clock,
        ledger,
        operators,
        accounts,
        services,
        engine,
        store,
        sign_ins,
        films,
        lambda: films.run_jobs(tools.jobs, guard),
    )
    ledger.close()
    database.dispose()


@pytest.fixture
def world(empty: ConsoleWorld) -> ConsoleWorld:
    """The same with operators who have tokens and no sign-in yet."""
    for name, roles in PEOPLE.items():
        empty.tokens[name] = empty.operators.add(name, roles, START + timedelta(days=30))[1]
    return empty
