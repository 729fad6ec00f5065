"""A migration with real weights on both sides: the same people, found by pictures that neither side has seen."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from tests.integration.serving import HOME, grant, need_weights, opened, serving

from countenance.cli import cli
from countenance.demo.faces import orl_faces
from countenance.operations import Caller, SearchByImage

pytestmark = pytest.mark.slow
PEOPLE, EACH = 5, 3  # the last picture of each is the probe


def enlarged(png: bytes) -> bytes:
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return cv2.imencode(".png", cv2.resize(pixels, None, fx=3, fy=3))[1].tobytes()


def test_people_are_found_where_they_moved_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = need_weights()
    faces = orl_faces(HOME / "demo-faces")
    shots = {
        f"{person}-{number}": enlarged(face.png)
        for person in sorted({face.person for face in faces})[:PEOPLE]
        for number, face in enumerate([face for face in faces if face.person == person][:EACH], start=1)
    }
    folder = tmp_path / "pictures"
    folder.mkdir()
    source, home = tmp_path / "source", tmp_path / "home"
    away, here = grant({"COUNTENANCE_HOME": str(source)}), grant({"COUNTENANCE_HOME": str(home)})
    monkeypatch.chdir(tmp_path)
    with serving(source) as live:
        client = live.client(away)
        client.create_collection(CollectionId="staff")
        for name, picture in shots.items():
            if not name.endswith(f"-{EACH}"):
                (folder / f"{name}.png").write_bytes(picture)
                client.index_faces(CollectionId="staff", ExternalImageId=name, Image={"Bytes": picture})
        for name, value in {
            "COUNTENANCE_HOME": str(home),
            "COUNTENANCE_WEIGHTS": str(weights),
            "AWS_ACCESS_KEY_ID": away.access_key,
            "AWS_SECRET_ACCESS_KEY": away.secret,
            "AWS_REGION": "eu-test-1",
        }.items():
            monkeypatch.setenv(name, value)
        arguments = ["migrate", "rekognition", "--endpoint", live.endpoint, "--folder", str(folder)]
        arguments += ["--name", "{ExternalImageId}.png", "--key", here.access_key]
        done = CliRunner().invoke(cli, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        expected = {name: name.split("-")[0] for name in shots if name.endswith(f"-{EACH}")}
        for name, person in expected.items():
            answer = client.search_faces_by_image(CollectionId="staff", Image={"Bytes": shots[name]})
            assert answer["FaceMatches"][0]["Face"]["ExternalImageId"].split("-")[0] == person
    with opened({"COUNTENANCE_HOME": str(home), "COUNTENANCE_WEIGHTS": os.environ["COUNTENANCE_WEIGHTS"]}) as app:
        assert len(app.gallery.faces("staff", limit=100).items) == PEOPLE * (EACH - 1)
        for name, person in expected.items():
            found = app.guard.carry_out(Caller(here.access_key), SearchByImage("staff", shots[name])).result
            assert str(found.candidates[0].face.external_id).split("-")[0] == person
