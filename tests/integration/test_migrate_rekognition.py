"""`countenance migrate rekognition` from a second server that stands for Amazon's, through boto3 as it is published."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result
from tests.contract.rekognition.rekognition_fakes import boto_client
from tests.integration.migrating import Cloud, cloud_at, entries, rows, shot
from tests.integration.serving import ROOT, grant, opened

from countenance.cli import cli
from countenance.errors import BadRequest, Denied

PEOPLE = {"ann": 1, "ben": 2, "eve": 3}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud_at(tmp_path_factory.mktemp("cloud") / "home") as made:
        client = aws(made)
        client.create_collection(CollectionId="staff")
        client.create_user(CollectionId="staff", UserId="nobody-yet")
        for name, person in PEOPLE.items():
            client.create_user(CollectionId="staff", UserId=name)
            faces = [index(client, "staff", f"{name}-{n}", shot(person, number=n))[0] for n in (1, 2)]
            client.associate_faces(CollectionId="staff", UserId=name, FaceIds=faces)
        index(client, "staff", "two-together", shot(7, 8))
        index(client, "staff", "no-picture", shot(9))
        yield made


@pytest.fixture
def home(tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", cloud.access.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", cloud.access.secret)
    monkeypatch.setenv("AWS_REGION", "eu-test-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://127.0.0.1:9")  # as where programs already come here
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def key(home: Path) -> str:
    return grant({"COUNTENANCE_HOME": str(home)}).access_key


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, person in PEOPLE.items():
        for number in (1, 2):
            (pictures / f"{name}-{number}.jpg").write_bytes(shot(person, number=number))
    (pictures / "two-together.jpg").write_bytes(shot(7, 8))
    return pictures


def aws(cloud: Cloud) -> Any:
    return boto_client(cloud.url, key=cloud.access.access_key, secret=cloud.access.secret)


def index(client: Any, collection: str, external_id: str, image: bytes) -> list[str]:
    answer = client.index_faces(
        CollectionId=collection, ExternalImageId=external_id, Image={"Bytes": image}, QualityFilter="NONE"
    )
    return [record["Face"]["FaceId"] for record in answer["FaceRecords"]]


def migrate(cloud: Cloud, *options: object, answer: str | None = None) -> Result:
    arguments = ["migrate", "rekognition", "--endpoint", cloud.url, *map(str, options)]
    return CliRunner().invoke(cli, arguments, input=answer, catch_exceptions=False)


def kept(home: Path) -> tuple[dict[str, str | None], list[str]]:
    """The external id and the id of every face here with its user, and the users."""
    with opened({"COUNTENANCE_HOME": str(home)}) as app:
        faces = app.gallery.faces("staff", limit=1000).items
        users = [user.user_id for user in app.gallery.users("staff", limit=100).items]
        return {f"{f.external_id} {f.face_id}": f.user_id for f in faces}, users


def test_collections_come_with_users_and_every_face_is_accounted_for(
    cloud: Cloud, home: Path, key: str, folder: Path
) -> None:
    options = ("--folder", folder, "--name", "{ExternalImageId}.jpg", "--quality", "NONE")
    tried = migrate(cloud, *options, "--dry-run")
    assert tried.exit_code == 0, tried.output
    assert "9 faces and 4 users at the source; 8 faces of 7 pictures would be enrolled, 1 faces" in tried.output
    assert "Templates do not come along" in tried.output
    assert not Path("migration").exists()

    done = migrate(cloud, *options, "--key", key)
    assert done.exit_code == 0, done.output
    faces, users = kept(home)
    assert sorted(users) == sorted([*PEOPLE, "nobody-yet"])
    assert {name.split()[0]: user for name, user in faces.items()} == {
        **{f"{person}-{number}": person for person in PEOPLE for number in (1, 2)},
        "two-together": None,
    }
    assert len(faces) == 8  # both of those together, each at its place
    table = rows(Path("migration/faces.csv"))
    source = {face["FaceId"] for face in aws(cloud).list_faces(CollectionId="staff")["Faces"]}
    assert {row["source_face"] for row in table} == source
    assert len({row["face_id"] for row in table}) == 9
    (left,) = [row for row in table if not row["face_id"]]
    assert (left["external_id"], left["reason"]) == ("no-picture", "no picture for this face")
    assert "| staff | 8 | 1 |" in Path("migration/report.md").read_text()
    asked = [entry["operation"] for entry in entries(home) if entry["kind"] == "decision"]
    assert asked.count("enrol_one") == 8 and "send_pictures" not in asked

    before = len(entries(home))
    again = migrate(cloud, *options, "--key", key)
    assert "8 were dealt with before, 0 now; 8 faces are enrolled" in again.output
    assert kept(home) == (faces, users) and rows(Path("migration/faces.csv")) == table
    assert "enrol_one" not in [entry.get("operation") for entry in entries(home)[before:]]


def test_a_manifest_with_errors_moves_what_is_right_and_says_what_is_not(
    cloud: Cloud, home: Path, key: str, folder: Path
) -> None:
    (folder / "empty.jpg").write_bytes(b"no picture")
    (folder / "nobody.jpg").write_bytes(shot())
    (folder / "crowd.jpg").write_bytes(shot(3, 5, 6))
    ann, ben = (aws(cloud).list_faces(CollectionId="staff", UserId=who)["Faces"] for who in ("ann", "ben"))
    lines = [
        "collection,path,external_id,user,face_id",
        "staff,ann-1.jpg,ann-1,,",
        f"staff,ann-2.jpg,ann-1,,{ann[1]['FaceId']}",  # that face has another external id
        "staff,ben-1.jpg,ben-1,eve,",  # and this one another user
        "staff,gone.jpg,ben-2,ben,",
        "staff,empty.jpg,eve-1,eve,",
        "staff,eve-2.jpg,,eve,",  # could be either face: the picture has one, so it is hers
        "staff,crowd.jpg,,eve,",
        "staff,nobody.jpg,no-picture,,",
        "staff,../secret.jpg,eve-2,,",
        "staff,eve-2.jpg,nobody-has-this,,",
        "other,eve-2.jpg,x,,",
    ]
    manifest = folder.parent / "people.csv"
    manifest.write_text("\n".join(lines) + "\n")
    done = migrate(cloud, "--folder", folder, "--manifest", manifest, "--quality", "NONE", "--key", key)
    assert done.exit_code == 0, done.output
    assert "1 rows are about collections that are not moved: other" in done.output
    table = rows(Path("migration/faces.csv"))
    moved = {row["picture"]: row["user"] for row in table if row["face_id"]}
    assert moved == {"ann-1.jpg": "ann", "eve-2.jpg": "eve"}
    why = {(row["picture"], row["reason"]) for row in table if not row["face_id"] and row["picture"]}
    assert why >= {
        ("ann-2.jpg", "external id differs"),
        ("ben-1.jpg", "user differs"),
        ("gone.jpg", "no picture for this face"),
        ("empty.jpg", "unusable picture"),
        ("crowd.jpg", "several faces"),
        ("nobody.jpg", "no face found"),
        ("../secret.jpg", "no picture for this face"),
        ("eve-2.jpg", "external id differs"),
    }
    (named,) = [row for row in table if row["source_face"] == ben[1]["FaceId"]]
    assert named["reason"] == "no picture for this face"
    assert len(kept(home)[0]) == len([row for row in table if row["face_id"]])


def test_a_kill_loses_nothing_and_doubles_nothing(cloud: Cloud, home: Path, key: str, folder: Path) -> None:
    client = aws(cloud)
    client.create_collection(CollectionId="many")
    for person in range(100, 124):
        index(client, "many", f"p{person}", shot(person))
        (folder / f"p{person}.jpg").write_bytes(shot(person))
    options = ["--collection", "many", "--folder", str(folder), "--name", "{ExternalImageId}.jpg", "--quality", "NONE"]
    options += ["--key", key]
    command = [sys.executable, "-m", "tests.integration.migrating", "migrate", "rekognition", "--endpoint", cloud.url]
    process = subprocess.Popen(
        [*command, *options], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while process.poll() is None:
            journal = next((home / "enrolling").glob("*.done"), None)
            if journal is not None and journal.read_bytes().count(b"\n") >= 3:
                break
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    done = migrate(cloud, *options)
    assert done.exit_code == 0, done.output
    assert "were dealt with before" in done.output
    source = aws(cloud).list_faces(CollectionId="many")["Faces"]
    with opened({"COUNTENANCE_HOME": str(home)}) as app:
        here = app.gallery.faces("many", limit=1000).items
    table = rows(Path("migration/faces.csv"))
    assert {row["source_face"] for row in table} == {face["FaceId"] for face in source}
    enrolled = [row["face_id"] for row in table if row["face_id"]]
    assert sorted(face.face_id for face in here) == sorted(enrolled) and len(enrolled) == 24


def test_both_services_are_asked_the_same_and_what_was_sent_is_on_record(
    cloud: Cloud, home: Path, key: str, folder: Path
) -> None:
    options: list[object] = ["--folder", folder, "--name", "{ExternalImageId}.jpg", "--collection", "staff"]
    options += ["--quality", "NONE", "--key", key]
    migrate(cloud, *options)
    compare = [*options, "--compare", "--pairs", 12, "--searches", 4, "--calls-per-second", 1000]
    tried = migrate(cloud, *compare, "--dry-run", "--price", 0.5)
    assert "would leave this installation" in tried.output and "16 calls" in tried.output and "8.00" in tried.output
    refused = migrate(cloud, *compare, answer="n\n")
    assert refused.exit_code == 1 and "send them?" in refused.output
    sent = [entry for entry in entries(home) if entry.get("operation") == "send_pictures"]
    assert sent == []

    done = migrate(cloud, *compare, "--yes")
    assert done.exit_code == 0, done.output
    said = json.loads(Path("migration/agreement.json").read_text())
    comparisons = {row["asked"]: row for row in said["rows"]}
    assert comparisons["comparisons"]["questions"] == 12 and comparisons["searches"]["questions"] == 4
    assert comparisons["comparisons"]["agreement"]["share"] == 1.0  # the two servers are the same software
    assert 0 < comparisons["comparisons"]["agreement"]["low"] < 1
    assert comparisons["comparisons of one person"]["counts"]["both yes"] > 0
    assert comparisons["comparisons of two people"]["counts"]["both no"] > 0
    assert comparisons["searches"]["counts"]["both yes"] == 4
    assert "| comparisons | 12 | 100.0 % (" in Path("migration/agreement.md").read_text()
    assert rows(Path("migration/differences.csv")) == []
    (record,) = [entry for entry in entries(home) if entry.get("operation") == "send_pictures"]
    (result,) = [entry for entry in entries(home) if entry.get("decision") == record["sequence"]]
    assert (result["outcome"], result["questions"]) == ("done", 16)

    again = migrate(cloud, *compare, "--yes")  # nothing is sent, or paid for, twice
    assert "0 pictures of people would leave" in again.output
    assert len([entry for entry in entries(home) if entry.get("operation") == "send_pictures"]) == 1


def test_questions_of_ones_own_show_which_pairs_differ(cloud: Cloud, home: Path, key: str, folder: Path) -> None:
    questions = folder.parent / "questions.csv"
    names = ("ann-1.jpg", "ann-2.jpg", "two-together.jpg")
    questions.write_text(f"first,second,person,second_person\n{names[0]},{names[1]},a,a\n{names[0]},{names[2]},a,b\n")
    options = ["--folder", folder, "--collection", "staff", "--key", key, "--compare", "--questions", questions]
    done = migrate(cloud, *options, "--yes", "--calls-per-second", 1000)
    assert done.exit_code == 0, done.output
    tape = Path("migration/source.cassette.jsonl")
    tape.write_text(tape.read_text().replace('"score":null', '"score":99.5'))  # as if the source found them alike
    migrate(cloud, *options, "--yes")
    (different,) = rows(Path("migration/differences.csv"))
    assert (different["outcome"], different["second"], different["same_person"]) == ("only source", names[2], "no")
    assert different["source_score"] == "99.5"


def test_a_denied_mandate_sends_nothing(cloud: Cloud, home: Path, folder: Path) -> None:
    only_enrols = grant({"COUNTENANCE_HOME": str(home)}, operations=("enrol", "manage", "read")).access_key
    options = ["--folder", folder, "--name", "{ExternalImageId}.jpg", "--collection", "staff", "--key", only_enrols]
    with pytest.raises(Denied):
        migrate(cloud, *options, "--compare", "--searches", 0, "--yes")
    assert Path("migration/source.cassette.jsonl").read_text().count("\n") == 1  # its header


def test_what_does_not_go_together_is_said(cloud: Cloud, home: Path, folder: Path) -> None:
    rule = ("--name", "{ExternalImageId}.jpg")
    for options, why in [
        (("--folder", folder), "--manifest or with --name"),
        (("--folder", folder, *rule), "needs --key"),
        (rule, "a --folder or in a --bucket"),
        (("--folder", folder, "--dry-run", "--name", "{Nonsense}.jpg"), "got {Nonsense}"),
    ]:
        with pytest.raises(BadRequest, match=why):
            migrate(cloud, *options)
    port = cloud.url.rpartition(":")[2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COUNTENANCE_PORT", port)
        with pytest.raises(BadRequest, match="is this server"):
            migrate(cloud, "--folder", folder, *rule, "--dry-run")


def test_pictures_may_lie_in_a_bucket(cloud: Cloud, home: Path, key: str, folder: Path) -> None:
    moto_server = pytest.importorskip("moto.server")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        s3 = boto3.session.Session().client("s3", endpoint_url=address, region_name="us-east-1")
        s3.create_bucket(Bucket="photos")
        for number in (1, 2):
            s3.put_object(Bucket="photos", Key=f"staff/ann/{number}.jpg", Body=shot(1, number=number))
        manifest = folder.parent / "keys.csv"
        lines = [f"staff,staff/ann/{number}.jpg,ann-{number}" for number in (1, 2, 3)]
        manifest.write_text("\n".join(["collection,key,external_id", *lines, "staff,staff/gone.jpg,ben-1"]) + "\n")
        options = ["--bucket", "photos", "--s3-endpoint", address, "--manifest", manifest, "--quality", "NONE"]
        done = migrate(cloud, *options, "--key", key)
        assert done.exit_code == 0, done.output
        assert sorted(name.split()[0] for name in kept(home)[0]) == ["ann-1", "ann-2"]
        table = {row["picture"]: row["reason"] for row in rows(Path("migration/faces.csv")) if row["picture"]}
        assert table["staff/gone.jpg"] == "no picture for this face"
        assert table["staff/ann/3.jpg"] == "external id differs"
    finally:
        server.stop()
