"""A whole audit through adapters: of a server of this project by its Rekognition dialect, and of made-up services."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.contract.audit.services import Asked, Said, service
from tests.contract.rekognition.rekognition_fakes import ACCESS_KEY, REGION, SECRET, FakeGuard, picture, serving

from countenance.audit.bundle import read_bundle
from countenance.audit.sources.live.adapter.description import FOLDER
from countenance.cli.audit import audit
from countenance.errors import BadRequest, NotFound

DRAFT = """
title = "Any vendor"
question = "Does an audit through a description work like one through a client?"
[system]
name = "Vendor"
[groups]
factors = ["gender"]
labelled_by = "made up"
[api]
client = "{client}"
endpoint = "{url}"
folder = "p"
labels = "l.csv"
genuine_per_subject = 1
impostors_per_group = 25
impostors_across = 25
calls_per_second = 1000.0
[threshold]
rule = "fixed"
value = {threshold}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("COUNTENANCE_HOME", str(tmp_path / "home"))
    (tmp_path / "p").mkdir()
    lines = ["file,subject,gender"]
    for at, name in enumerate("abcdefghijklmnopqrstuvwx"):
        for shot in range(2):
            nobody = name == "c" and shot == 1
            (tmp_path / "p" / f"{name}{shot}.jpg").write_bytes(picture() if nobody else picture(f"{name} {'x' * shot}"))
            lines.append(f"{name}{shot}.jpg,{name},{'f' if at % 2 else 'm'}")
    (tmp_path / "l.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def described(name: str, folder: Path, *changes: tuple[str, str]) -> str:
    text = (FOLDER / f"{name}.toml").read_text().replace("calls_per_second = 10.0", "calls_per_second = 100000.0")
    for old, new in (*changes, ("calls_per_second = 5.0", "calls_per_second = 100000.0")):
        text = text.replace(old, new)
    (folder / "own.toml").write_text(text)
    return "own.toml"


def invoke(*arguments: object) -> str:
    result = CliRunner().invoke(audit, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_the_rekognition_dialect_by_a_description(folder: Path) -> None:
    client = described("rekognition-dialect", folder, ("us-east-1", REGION))
    guard = FakeGuard()
    with serving(guard) as url:
        (folder / "d.toml").write_text(DRAFT.format(client=client, url=url, threshold=80.0))
        invoke("plan", folder / "d.toml")
        said = invoke("run", folder / "d.plan.json", "-o", folder / "one.zip", "--yes")
        asked = len(guard.asked)
        invoke("run", folder / "d.plan.json", "-o", folder / "two.zip", "--yes")
        assert len(guard.asked) == asked  # all on the cassette
    assert f"Rekognition dialect at {url} with AWS_ACCESS_KEY_ID: " in said
    invoke("run", folder / "d.plan.json", "-o", folder / "three.zip", "--replay")
    found = [read_bundle(folder / name) for name in ("one.zip", "three.zip")]
    faces = found[0].results.faces
    assert faces is not None and faces.failures.errors == 1 and faces.failures.trials == 48
    assert faces.fnmr.errors == 0 and (faces.fmr.trials or 0) > 50
    assert found[0].results.faces == found[1].results.faces
    assert "own.toml" in {one.name for one in found[0].plan.inputs}
    roles = {(model.role, model.name) for model in found[0].environment.models}
    assert ("service", "Rekognition dialect") in roles and ("adapter", "own.toml") in roles


def deepface(asked: Asked) -> Said:
    def people(text: str) -> list[str]:
        return [name.split()[0] for name in json.loads(base64.b64decode(text.partition(",")[2])[3:])]

    nobody = Said({"error": "Exception: Face could not be detected in numpy array."}, 400)
    if asked.path == "/verify":
        one, two = people(asked.json["img1"]), people(asked.json["img2"])
        return Said({"distance": 0.1 if one[0] == two[0] else 0.7}) if one and two else nobody
    seen = people(asked.json["img"])
    if not seen:
        return nobody
    if asked.path == "/analyze":
        woman = (ord(seen[0]) - ord("a")) % 2 and seen[0] != "d"
        return Said({"results": [{"region": {"w": 1, "h": 1}, "dominant_gender": "Woman" if woman else "Man"}]})
    return Said({"results": [{"embedding": [0.5], "facial_area": {"w": 1, "h": 1}}]})


def test_distances_are_smaller_for_one_person(folder: Path) -> None:
    client = described("deepface", folder)
    with service(deepface, "application/json") as (url, asked):
        (folder / "d.toml").write_text(DRAFT.format(client=client, url=url, threshold=0.3))
        invoke("plan", folder / "d.toml")
        invoke("run", folder / "d.plan.json", "-o", folder / "one.zip", "--yes")
    faces = read_bundle(folder / "one.zip").results.faces
    assert faces is not None and (faces.fmr.errors, faces.fnmr.errors) == (0, 0)
    assert faces.failures.errors == 1 and len(asked) > 100
    assert "embedding" not in (folder / "d.plan.cassette.jsonl").read_text()


def test_a_changed_description_is_another_cassette(folder: Path) -> None:
    client = described("deepface", folder)
    with service(deepface, "application/json") as (url, _):
        (folder / "d.toml").write_text(DRAFT.format(client=client, url=url, threshold=0.3))
        invoke("plan", folder / "d.toml")
        invoke("run", folder / "d.plan.json", "-o", folder / "one.zip", "--yes")
        (folder / "own.toml").write_text((folder / "own.toml").read_text().replace("retinaface", "mtcnn"))
        with pytest.raises(BadRequest, match="recorded otherwise"):
            invoke("run", folder / "d.plan.json", "-o", folder / "two.zip", "--yes")
    invoke("run", folder / "d.plan.json", "-o", folder / "three.zip", "--replay")
    assert any("own.toml" in one.what for one in read_bundle(folder / "three.zip").results.deviations)


@pytest.mark.parametrize(
    ("client", "words"),
    [("google-vision", "describes no compare"), ("nobody", "there is no adapter 'nobody'"), ("No Body", "client is")],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_when_it_is_made(folder: Path, client: str, words: str) -> None:
    (folder / "d.toml").write_text(DRAFT.format(client=client, url="http://127.0.0.1:9", threshold=1.0))
    with pytest.raises((BadRequest, NotFound), match=words):
        invoke("plan", folder / "d.toml")


def test_a_plan_asks_no_adapter_to_hide_low_scores(folder: Path) -> None:
    draft = DRAFT.format(client="luxand", url="http://127.0.0.1:9", threshold=1.0)
    (folder / "d.toml").write_text(draft.replace("calls_per_second", "threshold = 0.5\ncalls_per_second"))
    with pytest.raises(BadRequest, match=r"api\.threshold is for rekognition"):
        invoke("plan", folder / "d.toml")


def test_classes_are_asked_for_kept_and_audited(folder: Path) -> None:
    client = folder / described("deepface", folder)
    out, labels = folder / "a.csv", folder / "l.csv"
    plan = DRAFT[: DRAFT.index("[api]")] + '[outcomes]\nfile = "a.csv"\ntruth = "class"\nsubject = "subject"\n'
    rows = (
        labels.read_text().replace("gender", "gender,class").replace(",f\n", ",f,female\n").replace(",m\n", ",m,male\n")
    )
    labels.write_text(rows)
    (folder / "d.toml").write_text(plan)
    invoke("plan", folder / "d.toml")
    with service(deepface, "application/json") as (url, asked):
        common = ["adapter", "ask", client, "--labels", labels, "--images", folder / "p", "-o", out]
        said = invoke(*common, "--endpoint", url, "--yes")
        assert "48 calls" in said and "1 without a face" in said and len(asked) == 48
        out.unlink()
        invoke(*common, "--endpoint", url, "--yes")
        assert len(asked) == 48
    first = out.read_text()
    invoke(*common, "--replay")
    assert out.read_text() == first
    told = list(csv.DictReader(first.splitlines()))
    assert {row["predicted"] for row in told} == {"female", "male", ""}
    invoke("run", folder / "d.plan.json", "-o", folder / "one.zip")
    found = read_bundle(folder / "one.zip").results
    assert found.outcomes is not None and found.preregistered
    errors = {line.group: line.error for line in found.outcomes.analyses[0].groups}
    assert errors["f"].errors == 2 and errors["m"].errors == 1  # d is taken for a man; a picture of c has no face


def test_faces_are_looked_for(folder: Path) -> None:
    client = folder / described("deepface", folder)
    with service(deepface, "application/json") as (url, _):
        invoke("adapter", "ask", client, "--labels", folder / "l.csv", "--images", folder / "p", "--what", "detect",
               "-o", folder / "a.csv", "--endpoint", url, "--yes")  # fmt: skip
    told = list(csv.DictReader((folder / "a.csv").read_text().splitlines()))
    assert [row["file"] for row in told if row["predicted"] != row["truth"]] == ["c1.jpg"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("name\na0.jpg\n", "no column 'file'"),
        ("file,faces\na0.jpg,1\n", "column 'faces' already"),
        ("file,x\na0.jpg\n", "row 2 of l.csv has not as many cells"),
        ("file,x\na0.jpg,1,2\n", "row 2 of l.csv has not as many cells"),
        ("file,x\n,1\n", "row 2 of l.csv names no file"),
        ("file\n../l.csv\n", "1 files of l.csv lie outside"),
        ("file\nzz.jpg\n", "1 of 1 images are not there, the first zz.jpg"),
        ("file\n", "has no rows"),
    ],
)
def test_labels_that_are_wrong_stop_before_the_first_call(folder: Path, labels: str, words: str) -> None:
    (folder / "l.csv").write_text(labels)
    with pytest.raises((BadRequest, NotFound), match=words):
        invoke("adapter", "ask", "deepface", "--labels", folder / "l.csv", "--images", folder / "p", "-o",
               folder / "a.csv", "--yes")  # fmt: skip


def test_an_adapter_is_tried_with_two_pictures(folder: Path) -> None:
    two = folder / "p" / "a0.jpg", folder / "p" / "a1.jpg"
    with service(deepface, "application/json") as (url, _):
        said = invoke("adapter", "test", "deepface", *two, "--endpoint", url, "--yes")
        assert "compare   distance 0.1" in said and "classify  a0.jpg: 1 face(s), class male" in said
        assert "not asked: a picture has no face" in invoke(
            "adapter", "test", "deepface", two[0], folder / "p" / "c1.jpg", "--endpoint", url, "--yes"
        )
    with service(lambda asked: Said({"result": "other"}), "application/json") as (url, _):
        result = CliRunner().invoke(audit, ["adapter", "test", "deepface", *map(str, two), "--endpoint", url, "--yes"])
    assert '{"result": "other"}' in result.output and "detect.faces = 'results'" in str(result.exception)


def test_the_shipped_ones_are_listed_and_shown() -> None:
    said = invoke("adapter", "list")
    assert "facepp: Face++" in said and "FACEPP_API_SECRET" in said and "INSIGHTFACE_API_KEY (optional)" in said
    assert invoke("adapter", "show", "luxand") == (FOLDER / "luxand.toml").read_text()
