"""`countenance migrate azure` from a second server that stands for Microsoft's, through Microsoft's client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.ai.vision.face import FaceAdministrationClient
from azure.core.credentials import AzureKeyCredential
from azure.core.rest import HttpRequest
from click.testing import CliRunner, Result
from tests.integration.migrating import Cloud, cloud_at, entries, rows, shot
from tests.integration.serving import grant, opened

from countenance.cli import cli
from countenance.errors import BadRequest, NotFound, Unauthenticated
from countenance.gallery import GroupKind

MODEL: dict[str, Any] = {"recognition_model": "recognition_04"}
NAMES = {"Ann": 1, "Ben": 2}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud_at(tmp_path_factory.mktemp("cloud") / "home") as made, admin(made) as client:
        group = client.large_person_group
        group.create("staff", name="Staff", user_data="of the house", **MODEL)
        for name, person in NAMES.items():
            made_person = group.create_person("staff", name=name, user_data=f"{name}'s data")
            for number in (1, 2):
                group.add_face(
                    "staff", made_person.person_id, shot(person, number=number), user_data=f"{name}-{number}",
                    detection_model="detection_03",
                )  # fmt: skip
        group.create_person("staff", name="Nobody yet")
        group.begin_train("staff").result()
        client.large_face_list.create("seen", name="Seen", **MODEL)
        client.large_face_list.add_face("seen", shot(5), user_data="five", detection_model="detection_03")
        client.large_face_list.add_face("seen", shot(6), user_data="six", detection_model="detection_03")
        for path in ("persongroups/small", "facelists/few"):  # the client knows the large ones only
            client.send_request(HttpRequest("PUT", f"/{path}", json={"name": "S"})).raise_for_status()
        yield made


def admin(cloud: Cloud) -> FaceAdministrationClient:
    return FaceAdministrationClient(cloud.url, AzureKeyCredential(key_of(cloud)), retry_total=0)


def key_of(cloud: Cloud) -> str:
    return f"{cloud.access.access_key}:{cloud.access.secret}"


@pytest.fixture
def home(tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AZURE_FACE_KEY", key_of(cloud))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name, person in NAMES.items():
        for number in (1, 2):
            (pictures / f"{name}-{number}.jpg").write_bytes(shot(person, number=number))
    (pictures / "five.jpg").write_bytes(shot(5))
    return pictures


def migrate(cloud: Cloud, *options: object) -> Result:
    arguments = ["migrate", "azure", "--endpoint", cloud.url, *map(str, options)]
    return CliRunner().invoke(cli, arguments, catch_exceptions=False)


def test_groups_lists_and_people_come_along_and_ids_are_mapped(cloud: Cloud, home: Path, folder: Path) -> None:
    key = grant({"COUNTENANCE_HOME": str(home)}).access_key
    options = ["--folder", folder, "--name", "{userData}.jpg", "--quality", "NONE", "--key", key]
    done = migrate(cloud, *options)
    assert done.exit_code == 0, done.output
    with opened({"COUNTENANCE_HOME": str(home)}) as app:
        profiles = app.gallery.profiles
        staff = profiles.group("staff", GroupKind.LARGE_PERSON_GROUP).profile
        assert (staff.name, staff.user_data, staff.model_label) == ("Staff", "of the house", "recognition_04")
        people = {p.name: p for p in profiles.persons("staff", "", 100).items}
        assert {name: len(p.face_ids) for name, p in people.items()} == {"Ann": 2, "Ben": 2, "Nobody yet": 0}
        assert people["Ann"].user_data == "Ann's data"
        assert [f.user_data for f in profiles.faces("seen", "", 100).items] == ["five"]
        assert profiles.group("small", GroupKind.PERSON_GROUP) and profiles.group("few", GroupKind.FACE_LIST)
    mapped = {row["source_user"]: row["user"] for row in rows(Path("migration/people.csv"))}
    assert sorted(mapped.values()) == sorted(p.person_id for p in people.values())
    table = rows(Path("migration/faces.csv"))
    assert {row["external_id"]: row["user"] for row in table if row["gallery"] == "staff"} == {
        f"{name}-{number}": people[name].person_id for name in NAMES for number in (1, 2)
    }
    (left,) = [row for row in table if not row["face_id"]]
    assert (left["external_id"], left["reason"]) == ("six", "no picture for this face")

    again = migrate(cloud, *options)
    assert "4 were dealt with before, 0 now" in again.output
    assert {row["source_user"]: row["user"] for row in rows(Path("migration/people.csv"))} == mapped


def test_both_services_are_asked_in_groups_and_lists(cloud: Cloud, home: Path, folder: Path) -> None:
    key = grant({"COUNTENANCE_HOME": str(home)}).access_key
    options = ["--folder", folder, "--name", "{userData}.jpg", "--quality", "NONE", "--key", key]
    options += ["--group", "staff", "--group", "seen"]
    migrate(cloud, *options)
    done = migrate(cloud, *options, "--compare", "--pairs", 6, "--searches", 5, "--calls-per-second", 1000, "--yes")
    assert done.exit_code == 0, done.output
    found = {row["asked"]: row for row in json.loads(Path("migration/agreement.json").read_text())["rows"]}
    assert found["comparisons"]["counts"]["both yes"] > 0 and found["comparisons"]["counts"]["both no"] > 0
    assert found["comparisons"]["agreement"]["share"] == 1.0
    assert found["searches"]["counts"]["both yes"] == 5
    assert [entry["operation"] for entry in entries(home) if entry.get("operation") == "send_pictures"]


def test_a_person_whose_making_was_cut_off_is_not_made_twice(cloud: Cloud, home: Path, folder: Path) -> None:
    key = grant({"COUNTENANCE_HOME": str(home)}).access_key
    options = ["--folder", folder, "--name", "{userData}.jpg", "--quality", "NONE", "--key", key, "--group", "staff"]
    migrate(cloud, *options)
    (journal,) = (home / "enrolling").glob("*.done")
    with opened({"COUNTENANCE_HOME": str(home)}) as app:
        (lonely,) = [p for p in app.gallery.profiles.persons("staff", "", 10).items if not p.face_ids]
    lines = journal.read_text().splitlines(keepends=True)
    (line,) = [line for line in lines if lonely.person_id in line]
    journal.write_text("".join(each for each in lines if each != line) + line[:20])  # killed before it was written
    assert migrate(cloud, *options).exit_code == 0
    with opened({"COUNTENANCE_HOME": str(home)}) as app:
        assert len(app.gallery.profiles.persons("staff", "", 10).items) == 3


def test_what_the_source_refuses_is_said(
    cloud: Cloud, home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = ("--folder", folder, "--name", "{userData}.jpg", "--dry-run")
    with pytest.raises(NotFound, match="no group or list nothing"):
        migrate(cloud, *rule, "--group", "nothing")
    with pytest.raises(BadRequest, match=r"words such as \{group\}"):
        migrate(cloud, "--folder", folder, "--name", "{ExternalImageId}.jpg", "--dry-run")
    monkeypatch.setenv("AZURE_FACE_KEY", "another")
    with pytest.raises(Unauthenticated):
        migrate(cloud, *rule)
