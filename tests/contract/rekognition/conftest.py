from __future__ import annotations

import pytest
from tests.contract.rekognition.rekognition_fakes import FakeGuard, boto_client, serving
from tests.contract.rekognition.spine import now

from countenance.database import open_database
from countenance.ledger import Ledger
from countenance.policy import Verdict
from countenance.signing import Signer


@pytest.fixture
def guard():
    return FakeGuard()


@pytest.fixture
def buckets(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    return {"photos": folder}


@pytest.fixture
def url(guard, buckets):
    with serving(guard, buckets=buckets) as url:
        yield url


@pytest.fixture
def client(url):
    return boto_client(url)


@pytest.fixture
def verdict():
    return Verdict.PERMIT


@pytest.fixture
def ledger(database):
    ledger = Ledger(database, Signer(bytes(32)), "ledger.test", now)
    yield ledger
    ledger.close()


@pytest.fixture
def database(tmp_path):
    database = open_database(tmp_path / "db.sqlite")
    yield database
    database.dispose()
