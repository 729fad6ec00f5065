"""The auditor's description of the Azure Face dialect, against the real server with real weights."""

from __future__ import annotations

from pathlib import Path

from tests.contract.azure.pictures import ANN, CLEO, picture
from tests.integration.serving import Live

from countenance.audit.sources.live.adapter.description import read_adapter
from countenance.audit.sources.live.adapter.service import DescribedService


def test_the_shipped_description_finds_and_compares_faces(server: Live, key: str, ann: bytes) -> None:
    file = read_adapter("azure-dialect", Path())
    found = DescribedService(
        file, server.endpoint, {"AZURE_FACE_KEY": key}, ("detect", "compare"), lambda: 1000.0, lambda s: None
    )
    pictures = [ann, picture(ANN, 2), picture(CLEO, 1)]
    looks = [found.detect(image) for image in pictures]
    assert {look.state for look in looks} == {"answered"} and len({look.token for look in looks}) == 3
    same, other = (found.compare(b"", b"", looks[0].token, look.token).score for look in looks[1:])
    assert same is not None and other is not None and 0 <= other < 0.5 < same <= 1
    assert found.detect(b"no picture").state == "refused"
