"""All dialects behind one real uvicorn, on real stores; the engine is a fake, and the rules where a test says so."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import uvicorn
from sqlalchemy import Engine
from tests.contract.rekognition.rekognition_fakes import REGION, boto_client
from tests.fakes.engine import MODEL, FakeEngine
from tests.fakes.films import Films
from tests.fakes.rules import FixedRules

from countenance import administration, operations
from countenance.api import azure, native, rekognition
from countenance.api.admission import AdmissionLimits
from countenance.api.prefixes import PrefixRouter
from countenance.budgets import Budgets, read_defaults
from countenance.casework import CaseRecords, WaitingPictures
from countenance.custody import Custody
from countenance.database import open_database
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import (
    AccountStore,
    MoratoriumStore,
    OperatorStore,
    OutsideCheckStore,
    Register,
    Role,
    SignInStore,
)
from countenance.policy import Rules
from countenance.policy.moratorium import Charter
from countenance.scoring import Calibration, RawCosine
from countenance.signing import Signer

CALIBRATION = Calibration(MODEL, "raw", "ca" * 32, np.array([0.0, 0.6, 1.0]), np.array([0.0, -3.0, -9.0]))
SETTER, INSIDE, OUTSIDE = (Signer(bytes([n]) * 32) for n in (1, 2, 3))
CHARTER = Charter(
    frozenset({SETTER.public}), frozenset({INSIDE.public, OUTSIDE.public}), frozenset({OUTSIDE.public}), 2
)
PEOPLE = {
    "ann asks": (Role.REQUEST,),
    "ben approves": (Role.APPROVE,),
    "cleo reviews": (Role.REVIEW,),
    "dora reviews": (Role.REVIEW,),
    "eve audits": (Role.AUDIT,),
    "flo does all": (Role.REQUEST, Role.APPROVE, Role.REVIEW),
}
NO_SUCH = {
    **{
        f"{kind}_id": f"{kind}-0123456789ab"
        for kind in ("mandate", "hold", "check", "case", "search", "video", "known")
    },
    "pair_id": "pair-0123456789abcdef",
    "moratorium_id": "none",
    "gallery_id": "g0",
    "user_id": "u",
    "index": 0,
    "lead": 1,
    "person": 1,
}
"""What fills paths, and is not there."""
HOUSE_RULES = Rules.load(("house",))
"""Loaded once: it runs the pack's cases. Rules are not changed by being asked."""
ISSUER = Signer(b"i" * 32)
"""Who vouches for outside checks here."""


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(eq=False)
class World:
    """A server and what stands behind it. url: where it listens."""

    url: str
    database: Engine
    ledger: Ledger
    register: Register
    operators: administration.Operators
    custody: Custody
    moratoria: administration.Moratoria
    native: Any
    films: Films
    run_jobs: Callable[[], None]
    tokens: dict[str, str] = field(default_factory=dict)
    clients: dict[str | None, httpx.Client] = field(default_factory=dict)

    def client(self, name: str | None = None, *, token: str | None = None) -> httpx.Client:
        """A client with the token of that operator, with another one, or with none."""
        sent = token or (None if name is None else self.tokens[name])
        if sent not in self.clients:
            headers = {} if sent is None else {"authorization": f"Bearer {sent}"}
            self.clients[sent] = httpx.Client(
                base_url=self.url + "/v1", headers=headers, timeout=30, trust_env=False, verify=False
            )
        return self.clients[sent]

    def faces(self, access_key: str, secret: str) -> httpx.Client:
        """A client with an access key."""
        if access_key not in self.clients:
            self.clients[access_key] = httpx.Client(
                base_url=self.url + "/v1", auth=(access_key, secret), timeout=30, trust_env=False, verify=False
            )
        return self.clients[access_key]

    def boto(self, access_key: str, secret: str) -> Any:
        return boto_client(self.url, key=access_key, secret=secret)

    def granted(self, **more: Any) -> dict[str, str]:
        """A mandate through the front door, and its key: asked for by ann, approved by ben."""
        made = self.client("ann asks").post("/mandates", json=request_body(**more))
        assert made.status_code == 201, made.text
        mandate_id = made.json()["mandate_id"]
        approved = self.client("ben approves").post(f"/mandates/{mandate_id}/approval")
        assert approved.status_code == 200, approved.text
        key = self.client("ann asks").post(f"/mandates/{mandate_id}/keys")
        assert key.status_code == 201, key.text
        return dict(key.json())

    def kinds(self) -> list[tuple[str, object]]:
        return [(entry.kind, entry.fields.get("change")) for entry in self.ledger.entries()]


def request_body(**more: Any) -> dict[str, Any]:
    return {
        "holder": {"name": "A museum"},
        "purpose": "photo_library",
        "legal_basis": "consent",
        "galleries": ["g*"],
        "operations": ["*"],
        "facts": {"gallery": {"provenance": "consented"}},
        "expires_at": (now() + timedelta(days=1)).isoformat(),
        **more,
    }


@contextmanager
def world(
    folder: Path, rules: Any = None, charter: Charter | None = CHARTER, limits: AdmissionLimits = native.OPERATOR_LIMITS
) -> Iterator[World]:
    database = open_database(folder / "db.sqlite")
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", now)
    register, custody = Register(database, bytes(32), now), Custody(database, bytes(32), now)
    in_force = operations.MoratoriaInForce(MoratoriumStore(database), charter)
    moratoria = administration.Moratoria(MoratoriumStore(database), in_force, ledger)
    gallery = Gallery(database, RawCosine(), now, lambda: str(uuid.uuid4()))
    jobs, checks = operations.Jobs(database, now), OutsideCheckStore(database, now)
    tools = operations.Tools(FakeEngine(), gallery, RawCosine(), CALIBRATION, (), jobs, checks=checks)
    rules = rules or HOUSE_RULES
    budgets = operations.BudgetKeeper(Budgets(database, bytes(32), now), read_defaults())
    guard = operations.Guard(tools, rules, ledger, register, custody, in_force, now, budgets)
    operators = administration.Operators(OperatorStore(database, now, os.urandom), ledger)
    mandates = administration.Mandates(register, ledger, now, budgets)
    records = CaseRecords(database, bytes(32), now)
    waiting = WaitingPictures(database, bytes(32), now)
    custodian = administration.Custodian(custody, register, gallery, ledger, now, partial(records.has, "hold"))
    accounts = administration.Accounts(
        AccountStore(database, bytes(32), now, os.urandom),
        SignInStore(database, now, os.urandom),
        operators,
        mandates,
        ledger,
    )
    cases = administration.Cases(records, waiting, custodian, mandates, guard, ledger, lambda: tools)
    films = Films(folder)
    executor = ThreadPoolExecutor(4)
    services = native.Services(
        operators,
        mandates,
        custodian,
        moratoria,
        administration.Explainer(HOUSE_RULES if isinstance(rules, FixedRules) else rules, in_force, now),
        administration.Record(ledger),
        native.FaceDoor(guard, register, executor),
        administration.OutsideChecks(checks, jobs.liveness, ledger, {ISSUER.public.hex()}),
        native.CaseDoor(
            cases,
            administration.CaseVideos(cases, records, guard, ledger, films.stored, films.copied),
            administration.VideoJobList(lambda: tools.jobs.videos, mandates, cases.file),
            administration.Reviews(
                cases,
                records,
                custodian,
                mandates,
                guard,
                ledger,
                lambda: tools,
                administration.ReviewLimits(known_rate=0),
            ),
            accounts.key_under,
            executor,
        ),
    )
    aws = rekognition.app(
        guard,
        register,
        region=REGION,
        objects=rekognition.Objects({"films": folder}),
        page_key=b"k" * 32,
        now=now,
        executor=executor,
    )
    ours = native.app(services, limits)
    face = azure.app(guard, register, executor=executor)
    with listening(PrefixRouter(aws, {native.PREFIX: ours, azure.PREFIX: face})) as url:
        run_jobs = partial(films.run_jobs, jobs, guard)
        made = World(url, database, ledger, register, operators, custody, moratoria, ours, films, run_jobs)
        for name, roles in PEOPLE.items():
            made.tokens[name] = operators.add(name, roles, now() + timedelta(days=1))[1]
        yield made
        for client in made.clients.values():
            client.close()
    executor.shutdown()
    ledger.close()
    database.dispose()


@contextmanager
def listening(app: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def kept_logs() -> logging.Handler:
    """A handler that keeps all that is logged, as text, in `.lines`."""

    class Keeper(logging.Handler):
        def __init__(self) -> None:
            super().__init__(0)
            self.lines: list[str] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.lines.append(self.format(record))

    return Keeper()
