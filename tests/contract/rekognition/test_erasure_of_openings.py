"""Who is erased is gone from every file of the data folder, and the ledger still verifies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.contract.rekognition.spine import spine
from tests.fakes.engine import picture_of
from tests.fakes.postgres import files_only

from countenance.ledger import Ledger, verify_records
from countenance.policy import Verdict

pytestmark = files_only  # it reads them


@pytest.fixture
def client(database: Engine, ledger: Ledger) -> Iterator[Any]:
    with spine(database, ledger, Verdict.PERMIT) as client:
        yield client


def found(tmp_path: Path, names: list[str]) -> set[str]:
    return {
        name for path in tmp_path.rglob("*") if path.is_file() for name in names if name.encode() in path.read_bytes()
    }


def enrol(client: Any, person: int, name: str) -> str:
    answer = client.index_faces(CollectionId="heartofgold", Image={"Bytes": picture_of(person)}, ExternalImageId=name)
    return str(answer["FaceRecords"][0]["Face"]["FaceId"])


def test_a_deleted_face_is_gone_from_every_file(client: Any, ledger: Ledger, tmp_path: Path) -> None:
    client.create_collection(CollectionId="heartofgold")
    one, other = enrol(client, 1, "zaphod-external"), enrol(client, 2, "ford-external")
    client.search_faces_by_image(CollectionId="heartofgold", Image={"Bytes": picture_of(1)})
    client.search_faces(CollectionId="heartofgold", FaceId=one)
    assert found(tmp_path, ["zaphod-external", one]) == {"zaphod-external", one}
    client.delete_faces(CollectionId="heartofgold", FaceIds=[one])
    assert found(tmp_path, ["zaphod-external", one]) == set()
    assert found(tmp_path, ["ford-external", other]) == {"ford-external", other}
    assert verify_records(ledger).findings == []


def test_a_deleted_collection_is_gone_with_its_faces(client: Any, ledger: Ledger, tmp_path: Path) -> None:
    client.create_collection(CollectionId="heartofgold")
    face = enrol(client, 1, "zaphod-external")
    client.search_faces_by_image(CollectionId="heartofgold", Image={"Bytes": picture_of(1)})
    client.create_collection(CollectionId="magrathea")
    names = ["zaphod-external", face, "heartofgold"]
    assert found(tmp_path, names) == set(names)
    client.delete_collection(CollectionId="heartofgold")
    assert found(tmp_path, names) == set()
    assert found(tmp_path, ["magrathea"]) == {"magrathea"}
    assert verify_records(ledger).findings == []
