"""The main job through the real server: plain boto3, real weights, real faces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.integration.serving import HOME, REGION, Live, grant, opened, serving, write_evidence

from countenance.demo.faces import Photo, orl_faces
from countenance.errors import Misconfigured
from countenance.ledger import verifier
from countenance.ledger.export import export
from countenance.mandates import AccessKey

PROGRAM = """
import boto3, json, pathlib, sys
client = boto3.client("rekognition")
folder = pathlib.Path(sys.argv[1])
client.create_collection(CollectionId="plain")
for path in sorted(folder.glob("enrol-*.png")):
    client.index_faces(CollectionId="plain", Image={"Bytes": path.read_bytes()}, ExternalImageId=path.stem, MaxFaces=1)
found = client.search_faces_by_image(CollectionId="plain", Image={"Bytes": (folder / "probe.png").read_bytes()})
listed = [f["ExternalImageId"] for p in client.get_paginator("list_faces").paginate(
    CollectionId="plain", PaginationConfig={"PageSize": 2}) for f in p["Faces"]]
try:
    client.describe_collection(CollectionId="not-there")
except client.exceptions.ResourceNotFoundException as error:
    missing = type(error).__name__
print(json.dumps({"found": [m["Face"]["ExternalImageId"] for m in found["FaceMatches"]],
                  "similarity": found["FaceMatches"][0]["Similarity"], "listed": listed, "missing": missing}))
"""


@pytest.fixture(scope="module")
def faces() -> dict[tuple[int, int], bytes]:
    try:
        photos: list[Photo] = orl_faces(HOME / "demo-faces")
    except Misconfigured as error:
        pytest.skip(f"the ORL faces cannot be fetched: {error}")
    return {(photo.person, photo.number): photo.png for photo in photos}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("main")
    write_evidence(folder / "evidence")
    (folder / "bucket" / "in").mkdir(parents=True)
    with serving(
        folder / "home",
        COUNTENANCE_EVIDENCE=str(folder / "evidence"),
        COUNTENANCE_BUCKETS=f"photos={folder / 'bucket'}",
    ) as live:
        yield live


@pytest.fixture(scope="module")
def key(live: Live) -> AccessKey:
    return grant(live.environment)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def enrol(client: Any, collection: str, faces: dict[tuple[int, int], bytes], people: range) -> None:
    client.create_collection(CollectionId=collection)
    for person in people:
        client.index_faces(
            CollectionId=collection,
            Image={"Bytes": faces[person, 1]},
            ExternalImageId=f"p-{person}",
            QualityFilter="NONE",
        )


def test_an_unmodified_boto3_program_works_with_nothing_but_its_environment_changed(
    live: Live, key: AccessKey, faces: dict[tuple[int, int], bytes], tmp_path: Path
) -> None:
    for person in range(1, 6):
        (tmp_path / f"enrol-{person}.png").write_bytes(faces[person, 1])
    (tmp_path / "probe.png").write_bytes(faces[3, 2])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        env={
            **os.environ,
            "AWS_ENDPOINT_URL_REKOGNITION": live.endpoint,
            "AWS_ACCESS_KEY_ID": key.access_key,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": REGION,
            "NO_PROXY": "*",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    said = json.loads(done.stdout)
    assert said["found"] == ["enrol-3"]
    assert said["similarity"] >= 80.0
    assert said["listed"] == [f"enrol-{person}" for person in range(1, 6)]
    assert said["missing"] == "ResourceNotFoundException"


def test_comparing_tells_one_person_from_another(
    live: Live, key: AccessKey, faces: dict[tuple[int, int], bytes]
) -> None:
    client = live.client(key)
    pictures = {"SourceImage": {"Bytes": faces[7, 1]}, "SimilarityThreshold": 90}  # at 80, 1 stranger in 1,000 matches
    same = client.compare_faces(**pictures, TargetImage={"Bytes": faces[7, 2]})
    other = client.compare_faces(**pictures, TargetImage={"Bytes": faces[8, 2]})
    assert (len(same["FaceMatches"]), len(other["FaceMatches"])) == (1, 0)
    assert len(other["UnmatchedFaces"]) == 1


def test_images_come_from_folders_that_stand_for_buckets(
    live: Live, key: AccessKey, faces: dict[tuple[int, int], bytes]
) -> None:
    bucket = Path(live.environment["COUNTENANCE_BUCKETS"].partition("=")[2])
    (bucket / "in" / "a.png").write_bytes(faces[1, 1])
    client = live.client(key)
    answer = client.detect_faces(Image={"S3Object": {"Bucket": "photos", "Name": "in/a.png"}})
    assert len(answer["FaceDetails"]) == 1
    for name in ("in/none.png", "../../home/countenance.sqlite", "/etc/passwd"):
        with pytest.raises(client.exceptions.InvalidS3ObjectException):
            client.detect_faces(Image={"S3Object": {"Bucket": "photos", "Name": name}})


def test_a_person_is_found_by_several_pictures_as_one_user(
    live: Live, key: AccessKey, faces: dict[tuple[int, int], bytes]
) -> None:
    client = live.client(key)
    here = {"CollectionId": "users"}
    client.create_collection(**here)
    ids: dict[int, list[str]] = {}
    for person in range(1, 7):
        for number in (1, 2, 3):
            image = {"Bytes": faces[person, number]}
            answer = client.index_faces(**here, Image=image, MaxFaces=1, QualityFilter="NONE")
            ids.setdefault(person, []).append(answer["FaceRecords"][0]["Face"]["FaceId"])
    for person in range(1, 6):
        client.create_user(**here, UserId=f"u-{person}")
        client.associate_faces(**here, UserId=f"u-{person}", FaceIds=ids[person][:1])
        done = client.associate_faces(**here, UserId=f"u-{person}", FaceIds=[*ids[person], ids[6][0]])
        assert [each["FaceId"] for each in done["AssociatedFaces"]] == ids[person][1:]
        [refused] = done["UnsuccessfulFaceAssociations"]
        assert (refused["FaceId"], refused["Reasons"]) == (ids[6][0], ["LOW_MATCH_CONFIDENCE"])
        assert refused["Confidence"] < 75
    assert client.describe_collection(**here)["UserCount"] == 5

    for person in range(1, 6):
        image = {"Bytes": faces[person, 5]}
        found = client.search_users_by_image(**here, Image=image)
        assert [match["User"]["UserId"] for match in found["UserMatches"]] == [f"u-{person}"]
        leads = client.search_faces_by_image(**here, Image=image)["FaceMatches"]
        assert {lead["Face"]["UserId"] for lead in leads} == {f"u-{person}"}
        assert 80 <= found["UserMatches"][0]["Similarity"] < leads[0]["Similarity"]
        by_face = client.search_users(**here, FaceId=ids[person][0])["UserMatches"]
        assert [match["User"]["UserId"] for match in by_face] == [f"u-{person}"]
        assert client.search_users(**here, UserId=f"u-{person}")["UserMatches"] == []
    assert client.search_users_by_image(**here, Image={"Bytes": faces[6, 5]})["UserMatches"] == []
    assert client.search_users_by_image(**here, Image={"Bytes": faces[30, 1]})["UserMatches"] == []
    looser = client.search_users_by_image(**here, Image={"Bytes": faces[1, 5]}, UserMatchThreshold=10.0)
    assert [match["User"]["UserId"] for match in looser["UserMatches"]] == ["u-1"]
    assert looser["ResponseMetadata"]["HTTPHeaders"]["x-countenance-threshold"] == "80"
    kept = client.delete_faces(**here, FaceIds=ids[1])["UnsuccessfulFaceDeletions"]
    assert [each["UserId"] for each in kept] == ["u-1"] * 3


def test_a_search_looser_than_its_evidence_is_answered_at_what_the_evidence_carries(
    live: Live, key: AccessKey, faces: dict[tuple[int, int], bytes]
) -> None:
    client = live.client(key)
    enrol(client, "loose", faces, range(1, 3))
    ask = {"CollectionId": "loose", "Image": {"Bytes": faces[1, 2]}}
    loose = client.search_faces_by_image(**ask, FaceMatchThreshold=0.8)
    assert loose["ResponseMetadata"]["HTTPHeaders"]["x-countenance-threshold"] == "80"
    exact = client.search_faces_by_image(**ask, FaceMatchThreshold=80.0)
    assert loose["FaceMatches"] == exact["FaceMatches"] != []


def test_a_revoked_mandate_is_refused_at_the_next_call(live: Live, faces: dict[tuple[int, int], bytes]) -> None:
    own = grant(live.environment, ("detect",))
    client = live.client(own)
    client.detect_faces(Image={"Bytes": faces[1, 1]})
    with opened(live.environment) as app:
        app.mandates.end(own.mandate_id, "a test")
    with pytest.raises(ClientError, match=r"mandate\.active"):
        client.detect_faces(Image={"Bytes": faces[1, 1]})


def test_a_mandate_reaches_no_further_than_it_says(live: Live, faces: dict[tuple[int, int], bytes]) -> None:
    client = live.client(grant(live.environment, ("detect", "manage"), ("mine-*",)))
    client.create_collection(CollectionId="mine-1")
    with pytest.raises(ClientError, match=r"mandate\.gallery"):
        client.create_collection(CollectionId="yours-1")
    with pytest.raises(ClientError, match=r"mandate\.operation"):
        client.compare_faces(SourceImage={"Bytes": faces[1, 1]}, TargetImage={"Bytes": faces[1, 2]})


def test_a_mandate_that_ends_is_refused_by_its_clause(live: Live, faces: dict[tuple[int, int], bytes]) -> None:
    client = live.client(grant(live.environment, lasting=timedelta(seconds=3)))
    client.detect_faces(Image={"Bytes": faces[1, 1]})
    time.sleep(3)
    with pytest.raises(ClientError, match=r"mandate\.in-date"):
        client.detect_faces(Image={"Bytes": faces[1, 1]})


def test_an_answers_receipt_is_proved_by_an_export_that_an_outsider_checks(
    live: Live, key: AccessKey, faces: dict[tuple[int, int], bytes], tmp_path: Path
) -> None:
    answer = live.client(key).detect_faces(Image={"Bytes": faces[1, 1]})
    receipt = answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-receipt"]
    with opened(live.environment) as app:
        export(app.ledger, app.ledger.checkpoint(), tmp_path / "out")
    script = tmp_path / "verifier.py"
    script.write_bytes(Path(verifier.__file__).read_bytes())
    ask = [sys.executable, "-I", str(script), str(tmp_path / "out"), "--receipt", receipt]
    assert subprocess.run(ask, capture_output=True, check=False).returncode == 0
    ask[-1] = receipt[:-8] + ("AAAAAAAA" if not receipt.endswith("AAAAAAAA") else "BBBBBBBB")
    assert subprocess.run(ask, capture_output=True, check=False).returncode != 0


def test_what_was_acknowledged_survives_kill_9(faces: dict[tuple[int, int], bytes], tmp_path: Path) -> None:
    write_evidence(tmp_path / "evidence")
    more = {"COUNTENANCE_EVIDENCE": str(tmp_path / "evidence")}
    with serving(tmp_path / "home", **more) as live:
        key = grant(live.environment)
        enrol(live.client(key), "kept", faces, range(1, 6))
        live.kill()
    with serving(tmp_path / "home", **more) as live:
        client = live.client(key)
        assert client.describe_collection(CollectionId="kept")["FaceCount"] == 5
        found = client.search_faces_by_image(CollectionId="kept", Image={"Bytes": faces[4, 2]})
        assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["p-4"]


def test_without_evidence_nobody_is_identified_and_verification_goes_on(
    faces: dict[tuple[int, int], bytes], tmp_path: Path
) -> None:
    write_evidence(tmp_path / "evidence", model="ab" * 32)
    with serving(
        tmp_path / "home",
        COUNTENANCE_EVIDENCE=str(tmp_path / "evidence"),
        COUNTENANCE_SHIPPED_EVIDENCE="0",
    ) as live:
        client = live.client(grant(live.environment))
        enrol(client, "g", faces, range(1, 3))
        with pytest.raises(ClientError, match=r"house\.evidence") as denied:
            client.search_faces_by_image(CollectionId="g", Image={"Bytes": faces[1, 2]})
        assert code(denied) == "AccessDeniedException"
        same = client.compare_faces(SourceImage={"Bytes": faces[1, 1]}, TargetImage={"Bytes": faces[1, 2]})
        assert len(same["FaceMatches"]) == 1
