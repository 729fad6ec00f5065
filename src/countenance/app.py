"""The composition root: Settings -> stores, rules, guard -> one ASGI application. Wiring only."""

from __future__ import annotations

import hashlib
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Engine as Database
from starlette.types import ASGIApp

from countenance import operations
from countenance.api import native, rekognition
from countenance.api.doors import Doors
from countenance.custody import Custody
from countenance.database import open_database
from countenance.engine import Engine, load_manifests
from countenance.faces import ModelId
from countenance.gallery import Calibration, Gallery, Normaliser, load_normaliser
from countenance.ledger import Ledger
from countenance.mandates import Halts, Register
from countenance.mandates import Operators as OperatorStore
from countenance.policy import Rules
from countenance.settings import Settings
from countenance.signing import Signer, secret_file


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Countenance:
    """One installation, opened. What needs models is made when it is first asked for."""

    settings: Settings
    database: Database
    register: Register
    ledger: Ledger

    @classmethod
    def open(cls, settings: Settings) -> Countenance:
        """Open the database under `settings.home`, making folder, keys and tables on first use."""
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = open_database(settings.database)
        register = Register(database, secret_file(settings.keys / "mandates.key"), _now)
        ledger = Ledger(database, Signer.from_file(settings.keys / "ledger.key"), settings.origin, _now)
        return cls(settings, database, register, ledger)

    @cached_property
    def mandates(self) -> operations.Mandates:
        """The register behind its ledger entries."""
        return operations.Mandates(self.register, self.ledger, _now)

    @cached_property
    def operators(self) -> operations.Operators:
        """The people who run this, behind their ledger entries."""
        return operations.Operators(OperatorStore(self.database, _now, os.urandom), self.ledger)

    @cached_property
    def rules(self) -> Rules:
        """The packs in force."""
        return Rules.load(self.settings.packs, self.settings.packs_dir, self.settings.appeal_contact)

    @property
    def model(self) -> ModelId:
        """The embedder that the manifest names, without loading it."""
        return ModelId(load_manifests(self.settings.models_dir)[self.settings.model].sha256)

    @cached_property
    def engine(self) -> Engine:
        """The models, verified and loaded."""
        s = self.settings
        return Engine.open(
            s.models_cache,
            s.detector,
            s.model,
            threads=s.threads,
            extra=s.models_dir,
            smallest_face=s.smallest_face,
        )

    @cached_property
    def normaliser(self) -> Normaliser:
        """The score normaliser of the model in use."""
        return load_normaliser(self.model, self.settings.calibration / "cohorts")

    @cached_property
    def gallery(self) -> Gallery:
        """Who is enrolled."""
        return Gallery(self.database, self.normaliser, _now, lambda: str(uuid.uuid4()))

    @cached_property
    def tools(self) -> operations.Tools:
        """What operations work with."""
        calibration = Calibration.load(self.model, self.normaliser.identity, self.settings.calibration / "calibrations")
        evidence = operations.believed(self.settings.evidence, shipped=self.settings.shipped_evidence)
        return operations.Tools(self.engine, self.gallery, self.normaliser, calibration, evidence)

    @cached_property
    def custody(self) -> Custody:
        """Results that wait for people, and terms that end."""
        return Custody(self.database, secret_file(self.settings.keys / "custody.key"), _now)

    @cached_property
    def moratoria(self) -> operations.Moratoria:
        """What is stopped until a quorum says otherwise."""
        charter = None if self.settings.charter is None else operations.read_charter(self.settings.charter)
        return operations.Moratoria(Halts(self.database), self.ledger, charter)

    @cached_property
    def custodian(self) -> operations.Custodian:
        """The custody behind its ledger entries."""
        return operations.Custodian(self.custody, self.register, self.gallery, self.ledger, _now)

    @cached_property
    def guard(self) -> operations.Guard:
        """The one way to run an operation."""
        return operations.Guard(self.tools, self.rules, self.ledger, self.register, self.custody, self.moratoria, _now)

    def asgi(self) -> ASGIApp:
        """The HTTP front doors."""
        explainer, record = operations.Explainer(self.rules, self.moratoria, _now), operations.Record(self.ledger)
        services = native.Services(self.operators, self.mandates, self.custodian, self.moratoria, explainer, record)
        return Doors(self._rekognition(), {native.PREFIX: native.app(services)})

    def _rekognition(self) -> ASGIApp:
        return rekognition.app(
            self.guard,
            self.register,
            region=self.settings.region,
            buckets=self.settings.buckets,
            page_key=hashlib.sha256(b"pages" + secret_file(self.settings.keys / "mandates.key")).digest(),
            now=_now,
            executor=self.executor,
            limits=rekognition.Limits(requests=self.settings.queue),
        )

    @cached_property
    def executor(self) -> ThreadPoolExecutor:
        """Threads for requests in work: more than cores, since some wait for the disk while others see."""
        return ThreadPoolExecutor(2 * (self.settings.threads or os.cpu_count() or 1), thread_name_prefix="request")

    def close(self) -> None:
        """Write what waits, and let go of files and threads."""
        if "executor" in self.__dict__:
            self.executor.shutdown()
        self.ledger.close()
        if "engine" in self.__dict__:
            self.engine.close()
        self.database.dispose()
