"""A real server with real weights, the demo's faces, and Microsoft's two clients as they are published."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from azure.ai.vision.face import FaceAdministrationClient, FaceClient, FaceSessionClient
from azure.cognitiveservices.vision.face import FaceClient as OlderClient
from azure.core.credentials import AzureKeyCredential
from msrest.authentication import CognitiveServicesCredentials
from tests.contract.azure.pictures import ANN, picture
from tests.integration.serving import Live, grant, serving

from countenance.mandates import AccessKey


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(tmp_path_factory.mktemp("azure") / "home") as live:
        yield live


@pytest.fixture(scope="session")
def access(server: Live) -> AccessKey:
    return grant(server.environment)


@pytest.fixture(scope="session")
def key(access: AccessKey) -> str:
    return f"{access.access_key}:{access.secret}"


@pytest.fixture
def face(server: Live, key: str) -> Iterator[FaceClient]:
    with FaceClient(server.endpoint, AzureKeyCredential(key), retry_total=0) as client:
        yield client


@pytest.fixture
def admin(server: Live, key: str) -> Iterator[FaceAdministrationClient]:
    with FaceAdministrationClient(server.endpoint, AzureKeyCredential(key), retry_total=0) as client:
        yield client


@pytest.fixture
def sessions(server: Live, key: str) -> Iterator[FaceSessionClient]:
    with FaceSessionClient(server.endpoint, AzureKeyCredential(key), retry_total=0) as client:
        yield client


@pytest.fixture
def older(server: Live, key: str) -> Any:
    untyped: Any = OlderClient
    return untyped(server.endpoint, CognitiveServicesCredentials(key))


@pytest.fixture
def ann() -> bytes:
    return picture(ANN, 1)
