"""Programs as people write them: one of each kind, with nothing set but endpoint, region and keys.

Each is written in the manner of public programs and of AWS's own examples. Guard, gallery, evidence and ledger are the
real ones, and only the engine is a fake; nothing here knows of Countenance, but for what the tests look at.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from sqlalchemy import Engine
from tests.contract.rekognition.rekognition_fakes import serving
from tests.contract.rekognition.spine import CALIBRATION, now
from tests.fakes.engine import MODEL, FakeEngine, picture_of

from countenance.audit.evidence import Evidence, EvidenceSubject, GroupEvidence
from countenance.audit.formats.results import Share
from countenance.budgets import Budgets, read_defaults
from countenance.custody import Custody
from countenance.gallery import Gallery
from countenance.ledger import Ledger
from countenance.mandates import AccessKey, Holder, MoratoriumStore, Register, Terms
from countenance.operations import BudgetKeeper, Guard, Jobs, MoratoriaInForce, Tools
from countenance.policy import Rules
from countenance.scoring import RawCosine

HOUSE = Rules.load(("house",))


@dataclass
class Server:
    """Where it is, the key of one mandate, and its ledger."""

    url: str
    key: AccessKey
    ledger: Ledger

    @property
    def environment(self) -> dict[str, str]:
        """What `countenance mandate grant` prints."""
        return {
            "AWS_ACCESS_KEY_ID": self.key.access_key,
            "AWS_SECRET_ACCESS_KEY": self.key.secret,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_REKOGNITION": self.url,
            "AWS_ENDPOINT_URL_STS": self.url,
            "NO_PROXY": "*",
        }

    def decisions(self, operation: str) -> list[dict[str, Any]]:
        found = [e.fields for e in self.ledger.entries() if e.kind == "decision"]
        return [dict(fields) for fields in found if fields["operation"] == operation]


def evidence() -> Evidence:
    """Evidence as the house rules ask for it, about the fake engine's model: it carries a false match rate of 1e-3."""
    known = Share(1, 10**6, 100, 1e-6, 1e-7, 1e-5, 0.95, 1e5, None, "made up for a test")
    subject = EvidenceSubject(
        model=MODEL,
        model_version="test",
        normaliser="raw",
        calibration=CALIBRATION.identity,
        threshold_fmr=1e-3,
        threshold_score=0.6,
    )
    return Evidence(
        subject=subject,
        issued_at=now().isoformat(),
        expires_at=(now() + timedelta(days=1)).isoformat(),
        operational=False,
        independent=False,
        audits=(),
        groups=tuple(GroupEvidence("0" * 64, factor, "a", 100, known, known, known) for factor in ("gender", "race")),
        issuer="0" * 64,
    )


@contextmanager
def house(database: Engine, ledger: Ledger, *operations: str) -> Iterator[Server]:
    """The real guard under the house rules, for a mandate of those operations."""
    register = Register(database, bytes(32), now)
    asked = register.request(
        Holder("Somebody"),
        Terms("photo_library", "consent", ("*",), operations, '{"gallery": {"provenance": "consented"}}'),
        requested_by="ann",
        expires_at=now() + timedelta(hours=1),
    )
    register.approve(asked.mandate_id, approved_by="ben")
    key = register.issue_key(asked.mandate_id)
    ids = (f"{n:08x}-0000-4000-8000-000000000000" for n in range(10**6))
    tools = Tools(
        FakeEngine(),
        Gallery(database, RawCosine(), now, lambda: next(ids)),
        RawCosine(),
        CALIBRATION,
        (evidence(),),
        Jobs(database, now),
    )
    custody = Custody(database, bytes(32), now)
    moratoria = MoratoriaInForce(MoratoriumStore(database), None)
    budgets = BudgetKeeper(Budgets(database, bytes(32), now), read_defaults())
    guard = Guard(tools, HOUSE, ledger, register, custody, moratoria, now, budgets)
    with serving(guard, credentials=register) as url:
        yield Server(url, key, ledger)


@pytest.fixture
def server(database: Engine, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with house(database, ledger, "*") as made:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def client(name: str = "rekognition") -> Any:
    session: Any = boto3.session.Session()
    return session.client(name, config=Config(retries={"total_max_attempts": 1}))


# A script that greets people at a door: one face a picture, threshold 70, and "unknown" for every error.


def known(rekognition: Any, collection: str, photo: bytes) -> str:
    try:
        response = rekognition.search_faces_by_image(
            CollectionId=collection, Image={"Bytes": photo}, FaceMatchThreshold=70, MaxFaces=1
        )
        return str(response["FaceMatches"][0]["Face"]["ExternalImageId"])
    except (ClientError, IndexError):
        return "unknown"


def test_a_script_with_threshold_70_that_catches_every_error_knows_who_it_indexed(server: Server) -> None:
    rekognition = client()
    rekognition.create_collection(CollectionId="family")
    for name, seed in (("ann", 1), ("ben", 2)):
        rekognition.index_faces(
            CollectionId="family",
            Image={"Bytes": picture_of(seed)},
            ExternalImageId=name,
            MaxFaces=1,
            QualityFilter="AUTO",
            DetectionAttributes=["ALL"],
        )
    assert [known(rekognition, "family", picture_of(seed)) for seed in (1, 2, 9)] == ["ann", "ben", "unknown"]
    (first, *_) = server.decisions("search")
    assert (first["verdict"], first["min_similarity"], first["asked_similarity"]) == ("permit", 80.0, 70.0)
    assert server.ledger.refusals(now() - timedelta(hours=1)) == []


@pytest.mark.parametrize("threshold", [0.8, 0, 10, 79.9])
def test_a_doorbell_that_takes_a_threshold_for_a_share_rings_for_those_it_knows(
    server: Server, threshold: float
) -> None:
    rekognition = client()
    rekognition.create_collection(CollectionId="door")
    rekognition.index_faces(CollectionId="door", Image={"Bytes": picture_of(3)}, ExternalImageId="postman")
    found = rekognition.search_faces_by_image(
        CollectionId="door", Image={"Bytes": picture_of(3)}, FaceMatchThreshold=threshold
    )
    assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["postman"]
    assert all(match["Similarity"] >= 80 for match in found["FaceMatches"])
    assert found["ResponseMetadata"]["HTTPHeaders"]["x-countenance-threshold"] == "80"


def test_what_a_script_hides_the_operator_sees(database: Engine, ledger: Ledger) -> None:
    with house(database, ledger, "detect") as server:
        rekognition = boto3.session.Session().client(
            "rekognition",
            endpoint_url=server.url,
            region_name="eu-west-3",
            aws_access_key_id=server.key.access_key,
            aws_secret_access_key=server.key.secret,
        )
        assert [known(rekognition, "family", picture_of(1)) for _ in range(3)] == ["unknown"] * 3
        (refused,) = ledger.refusals(now() - timedelta(hours=1))
        assert (refused.mandate_id, refused.operation, refused.count) == (server.key.mandate_id, "search", 3)
        assert refused.clauses == ("mandate.operation",)


# AWS's collections demo: a class round a collection, every step logged and raised on.


def test_awss_collections_demo_runs_from_start_to_end(server: Server) -> None:
    rekognition = client()
    made = rekognition.create_collection(CollectionId="doc-example-collection-demo")
    assert made["StatusCode"] == 200
    assert made["CollectionArn"].endswith(":collection/doc-example-collection-demo")
    described = rekognition.describe_collection(CollectionId="doc-example-collection-demo")
    assert (described["FaceCount"], described["FaceModelVersion"]) == (0, made["FaceModelVersion"])
    indexed: list[str] = []
    for seed in (1, 1, 2):
        answer = rekognition.index_faces(
            CollectionId="doc-example-collection-demo",
            Image={"Bytes": picture_of(seed)},
            ExternalImageId=f"sample-image-{seed}",
            MaxFaces=10,
            DetectionAttributes=["ALL"],
        )
        assert answer["UnindexedFaces"] == []
        indexed += [record["Face"]["FaceId"] for record in answer["FaceRecords"]]
    listed = rekognition.list_faces(CollectionId="doc-example-collection-demo", MaxResults=10)
    assert {face["FaceId"] for face in listed["Faces"]} == set(indexed)
    assert listed["FaceModelVersion"] == made["FaceModelVersion"]
    assert all(face["IndexFacesModelVersion"].replace(".", "").isdigit() for face in listed["Faces"])
    by_image = rekognition.search_faces_by_image(
        CollectionId="doc-example-collection-demo", Image={"Bytes": picture_of(1)}, FaceMatchThreshold=80, MaxFaces=2
    )
    assert by_image["FaceMatches"][0]["Face"]["FaceId"] == indexed[0]
    by_face = rekognition.search_faces(
        CollectionId="doc-example-collection-demo", FaceId=indexed[0], FaceMatchThreshold=70, MaxFaces=2
    )
    assert by_face["SearchedFaceId"] == indexed[0]
    gone = rekognition.delete_faces(CollectionId="doc-example-collection-demo", FaceIds=[indexed[0]])
    assert gone["DeletedFaces"] == [indexed[0]]
    rekognition.delete_collection(CollectionId="doc-example-collection-demo")
    assert rekognition.list_collections(MaxResults=10)["CollectionIds"] == []


# A web page's back end: the token of one page comes back in the address of the next, and nobody quotes it.


def test_a_page_token_survives_an_address_that_nobody_quoted(server: Server) -> None:
    rekognition = client()
    for n in range(5):
        rekognition.create_collection(CollectionId=f"album-{n}")
    seen, address = [], "/albums?next="
    while True:
        (token,) = urllib.parse.parse_qs(address.partition("?")[2], keep_blank_values=True)["next"]
        page = rekognition.list_collections(MaxResults=2, **({"NextToken": token} if token else {}))
        seen += page["CollectionIds"]
        if "NextToken" not in page:
            break
        address = f"/albums?next={page['NextToken']}"
    assert seen == [f"album-{n}" for n in range(5)]


# AWS's own programs page with one loop, and so send an empty token first.


def test_an_empty_page_token_asks_for_the_first_page(server: Server) -> None:
    rekognition = client()
    for n in range(3):
        rekognition.create_collection(CollectionId=f"album-{n}")
    seen, token = [], ""
    for _ in range(2):
        page = rekognition.list_collections(MaxResults=2, NextToken=token)
        seen += page["CollectionIds"]
        token = page.get("NextToken", "")
    assert (seen, token) == (["album-0", "album-1", "album-2"], "")
    assert rekognition.list_faces(CollectionId="album-0", NextToken="")["Faces"] == []


# A program that looks for AWS's words in a message before it gives up.


def test_a_picture_without_a_face_is_told_in_the_words_that_programs_look_for(server: Server) -> None:
    rekognition = client()
    rekognition.create_collection(CollectionId="family")
    empty = picture_of()
    calls: list[tuple[str, dict[str, Any]]] = [
        ("search_faces_by_image", {"CollectionId": "family", "Image": {"Bytes": empty}}),
        ("compare_faces", {"SourceImage": {"Bytes": empty}, "TargetImage": {"Bytes": picture_of(1)}}),
        ("compare_faces", {"SourceImage": {"Bytes": picture_of(1)}, "TargetImage": {"Bytes": empty}}),
    ]
    for name, given in calls:
        with pytest.raises(rekognition.exceptions.InvalidParameterException) as caught:
            getattr(rekognition, name)(**given)
        assert "There are no faces in the image. Should be at least 1." in caught.value.response["Error"]["Message"]


# A start-up check, and a region from somebody's profile.


def test_a_start_up_check_learns_an_account_in_any_region(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for region in ("us-west-2", "ap-northeast-1", "eu-central-1"):
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        assert client("sts").get_caller_identity()["Account"] == "000000000000"
        assert client().list_collections()["CollectionIds"] == []


# A program that shows a person's age and mood.


def test_a_program_that_reads_a_gender_finds_none_and_the_answer_says_why(server: Server) -> None:
    answer = client().detect_faces(Image={"Bytes": picture_of(1)}, Attributes=["ALL"])
    (face,) = answer["FaceDetails"]
    with pytest.raises(KeyError):
        face["Gender"]
    assert {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"} == set(face)
    header = answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-left-out"]
    assert "Gender" in header and "AgeRange" in header and "0005" in header


# The AWS command line, as a shell script calls it.

AWS = Path(sys.executable).parent / "aws"


def aws(server: Server, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [AWS, *words, "--output", "json"],
        cwd=folder,
        env={**clean, **server.environment, "HOME": str(folder), "AWS_PAGER": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.skipif(not AWS.exists(), reason="the AWS CLI is not installed: pip install awscli")
def test_the_command_line_of_aws_runs_a_shell_script(server: Server, tmp_path: Path) -> None:
    (tmp_path / "ann.jpg").write_bytes(picture_of(1))
    (tmp_path / "empty.jpg").write_bytes(picture_of())

    def said(*words: str) -> Any:
        done = aws(server, *words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "null")

    assert said("sts", "get-caller-identity")["UserId"] == server.key.access_key
    assert said("rekognition", "create-collection", "--collection-id", "staff")["StatusCode"] == 200
    here = ("--collection-id", "staff")
    assert (
        said("rekognition", "index-faces", *here, "--image-bytes", "fileb://ann.jpg", "--external-image-id", "ann")[
            "FaceRecords"
        ][0]["Face"]["ExternalImageId"]
        == "ann"
    )
    found = said(
        "rekognition",
        "search-faces-by-image",
        *here,
        "--image-bytes",
        "fileb://ann.jpg",
        "--face-match-threshold",
        "70",
    )
    assert found["FaceMatches"][0]["Face"]["ExternalImageId"] == "ann"
    assert len(said("rekognition", "list-faces", *here, "--page-size", "1")["Faces"]) == 1
    empty = aws(
        server, "rekognition", "search-faces-by-image", *here, "--image-bytes", "fileb://empty.jpg", folder=tmp_path
    )
    assert empty.returncode != 0
    assert "(InvalidParameterException)" in empty.stderr
    assert "There are no faces in the image. Should be at least 1." in empty.stderr
    assert said("rekognition", "delete-collection", *here)["StatusCode"] == 200
