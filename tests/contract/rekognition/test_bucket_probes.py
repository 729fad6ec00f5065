"""Nobody learns from a denial what a bucket holds: the rules are asked before an object is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from sqlalchemy import Engine
from tests.contract.rekognition.spine import spine
from tests.fakes.engine import picture_of

from countenance.api.rekognition import Objects
from countenance.ledger import Ledger
from countenance.policy import Verdict

PROBED = ["present.jpg", "too-large.jpg", "missing.jpg", "no/such/folder.jpg", "../outside.jpg"]
CALLS: dict[str, tuple[str, dict[str, object]]] = {
    "detect_faces": ("Image", {}),
    "index_faces": ("Image", {"CollectionId": "staff"}),
    "search_faces_by_image": ("Image", {"CollectionId": "staff"}),
    "search_users_by_image": ("Image", {"CollectionId": "staff"}),
    "compare_faces": ("SourceImage", {"TargetImage": {"Bytes": picture_of(1)}}),
}


@pytest.fixture
def photos(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "bucket"
    folder.mkdir()
    (folder / "present.jpg").write_bytes(picture_of(1))
    with (folder / "too-large.jpg").open("wb") as file:
        file.truncate(20 * 1024 * 1024)
    return {"photos": folder}


@pytest.mark.parametrize("name", CALLS)
def test_a_denial_says_the_same_of_every_object_and_each_leaves_an_entry(
    database: Engine, ledger: Ledger, photos: dict[str, Path], name: str
) -> None:
    member, more = CALLS[name]
    said = set()
    with spine(database, ledger, Verdict.DENY, objects=Objects(photos)) as client:
        places = [{"Bucket": "photos", "Name": each} for each in PROBED] + [{"Bucket": "none", "Name": "x.jpg"}]
        for place in places:
            before = ledger.size or 1  # an empty ledger begins with its key
            with pytest.raises(ClientError) as caught:
                getattr(client, name)(**{member: {"S3Object": place}}, **more)
            said.add((caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]))
            assert ledger.size == before + 1
    ((code, _),) = said
    assert code == "AccessDeniedException"


def test_a_permitted_caller_is_told_what_is_wrong_with_an_object_and_that_is_on_record(
    database: Engine, ledger: Ledger, photos: dict[str, Path]
) -> None:
    with spine(database, ledger, Verdict.PERMIT, objects=Objects(photos)) as client:
        answer = client.detect_faces(Image={"S3Object": {"Bucket": "photos", "Name": "present.jpg"}})
        assert len(answer["FaceDetails"]) == 1
        for place, exception in {
            "too-large.jpg": client.exceptions.ImageTooLargeException,
            "missing.jpg": client.exceptions.InvalidS3ObjectException,
        }.items():
            before = ledger.size or 1  # an empty ledger begins with its key
            with pytest.raises(exception):
                client.detect_faces(Image={"S3Object": {"Bucket": "photos", "Name": place}})
            assert ledger.size == before + 2  # the decision, and how it ended
