from __future__ import annotations

import pytest
from tests.contract.rekognition.rekognition_fakes import FakeGuard, boto_client, serving


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
