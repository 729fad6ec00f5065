"""The composition root: Settings -> stores, rules, guard -> one ASGI application. Wiring only."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy import Engine as Database
from starlette.types import ASGIApp

from countenance.api import rekognition
from countenance.database import open_database
from countenance.engine import Engine
from countenance.gallery import Calibration, Gallery, load_normaliser
from countenance.ledger import Ledger
from countenance.mandates import Register
from countenance.operations import Guard, Mandates, Tools
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
        return cls(
            settings=settings,
            database=database,
            register=Register(database, secret_file(settings.keys / "mandates.key"), _now),
            ledger=Ledger(database, Signer.from_file(settings.keys / "ledger.key"), settings.origin, _now),
        )

    @cached_property
    def mandates(self) -> Mandates:
        """The register behind its ledger entries."""
        return Mandates(self.register, self.ledger)

    @cached_property
    def rules(self) -> Rules:
        """The packs in force."""
        return Rules.load(self.settings.packs, self.settings.packs_dir)

    @cached_property
    def tools(self) -> Tools:
        """Engine, gallery and calibration: models are verified and loaded here."""
        s = self.settings
        engine = Engine.open(s.models_cache, s.detector, s.model, threads=s.threads, extra=s.models_dir)
        normaliser = load_normaliser(engine.model)
        return Tools(
            engine=engine,
            gallery=Gallery(self.database, normaliser, _now, lambda: str(uuid.uuid4())),
            normaliser=normaliser,
            calibration=Calibration.load(engine.model, normaliser.identity),
        )

    @cached_property
    def guard(self) -> Guard:
        """The one way to run an operation."""
        return Guard(self.tools, self.rules, self.ledger, self.register, _now)

    def asgi(self) -> ASGIApp:
        """The HTTP front doors."""
        return rekognition.app(
            self.guard,
            self.register,
            region=self.settings.region,
            buckets=self.settings.buckets,
            page_key=hashlib.sha256(b"pages" + secret_file(self.settings.keys / "mandates.key")).digest(),
            now=_now,
            queue=self.settings.queue,
        )

    def close(self) -> None:
        """Write what waits, and let go of files and threads."""
        self.ledger.close()
        if "tools" in self.__dict__:
            self.tools.engine.close()
        self.database.dispose()
