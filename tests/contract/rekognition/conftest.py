from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.contract.rekognition.rekognition_fakes import FakeGuard, boto_client, serving
from tests.contract.rekognition.spine import now

from countenance.api.rekognition import Objects
from countenance.database import open_database
from countenance.ledger import Ledger
from countenance.policy import Verdict
from countenance.signing import Signer


@pytest.fixture
def guard() -> FakeGuard:
    return FakeGuard()


@pytest.fixture
def buckets(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "photos"
    folder.mkdir()
    return {"photos": folder}


@pytest.fixture
def url(guard: FakeGuard, buckets: dict[str, Path]) -> Iterator[str]:
    with serving(guard, objects=Objects(buckets)) as url:
        yield url


@pytest.fixture
def client(url: str) -> Any:
    return boto_client(url)


@pytest.fixture
def verdict() -> Verdict:
    return Verdict.PERMIT


@pytest.fixture
def ledger(database: Engine) -> Iterator[Ledger]:
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", now)
    yield ledger
    ledger.close()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    database = open_database(tmp_path / "db.sqlite")
    yield database
    database.dispose()
