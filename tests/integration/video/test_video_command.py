"""Real faces in a made-up video: found, followed across a gap, searched for once each, on record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.integration.serving import HOME, grant, need_weights, opened
from tests.unit.video.clips import write

from countenance.demo.faces import Photo, orl_faces
from countenance.operations import Caller, CreateGallery, Enrol, QualityFilter

CLIPS = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data")) / "video" / "signs"


@pytest.fixture(scope="module")
def photos() -> dict[tuple[int, int], Photo]:
    need_weights()
    return {(photo.person, photo.number): photo for photo in orl_faces(HOME / "demo-faces")}


def _face(photo: Photo, height: int = 200) -> NDArray[np.uint8]:
    grey = cv2.imdecode(np.frombuffer(photo.png, np.uint8), cv2.IMREAD_COLOR)
    assert grey is not None
    return np.asarray(cv2.resize(grey, (height * grey.shape[1] // grey.shape[0], height)), np.uint8)


def _crossing(photos: dict[tuple[int, int], Photo]) -> list[NDArray[np.uint8]]:
    """Two people cross at different heights; then nobody for a second; then the first comes back elsewhere."""
    frames = []
    for step in range(40):
        frame = np.full((480, 640, 3), 90, np.uint8)
        if step < 25:
            left = 20 + 16 * step
            for person, x, y in ((1, left, 20), (2, 440 - left, 250)):
                face = _face(photos[person, 1 + step % 3])
                frame[y : y + face.shape[0], x : x + face.shape[1]] = face
        elif step >= 35:
            face = _face(photos[1, 4])
            frame[200 : 200 + face.shape[0], 400 : 400 + face.shape[1]] = face
        frames.append(frame)
    return frames


def _run(environment: dict[str, str], *command: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", "from countenance.cli import main; main()", "video", *command],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_people_are_followed_and_searched_for_once_each(tmp_path: Path, photos: dict[tuple[int, int], Photo]) -> None:
    environment = {"COUNTENANCE_HOME": str(tmp_path / "home"), "COUNTENANCE_WEIGHTS": str(need_weights())}
    clip = write(tmp_path / "crossing.mp4", _crossing(photos))
    key = grant(environment).access_key
    with opened(environment) as app:
        app.guard.carry_out(Caller(key), CreateGallery("staff"))
        for person in (1, 5):
            ask = Enrol("staff", photos[person, 8].png, f"p{person}", quality=QualityFilter.NONE)
            app.guard.carry_out(Caller(key), ask)
    *faces, totals = map(json.loads, _run(environment, "detect", str(clip), "--key", key, "--step", "0", "--json"))
    assert totals["people"] == 2
    assert {face["person"] for face in faces if face["timestamp_ms"] >= 3500} == {0}
    by_frame = [face["timestamp_ms"] for face in faces]
    assert by_frame == sorted(by_frame)
    *faces, totals = map(
        json.loads,
        _run(environment, "search", "staff", str(clip), "--key", key, "--quality", "NONE", "--json"),
    )
    leads = {face["person"]: [lead["external_id"] for lead in face["leads"]] for face in faces}
    assert leads == {0: ["p1"], 1: []}
    assert 0 < totals["expected_false_matches"] < 0.1
    with opened(environment) as app:
        kinds = [
            (entry.kind, entry.fields.get("operation") or entry.fields.get("outcome")) for entry in app.ledger.entries()
        ]
    assert kinds[-4:] == [
        ("decision", "detect_in_video"), ("result", "done"), ("decision", "search_in_video"), ("result", "done"),
    ]  # fmt: skip


def test_what_is_said_to_people_names_leads_and_never_a_match(
    tmp_path: Path, photos: dict[tuple[int, int], Photo]
) -> None:
    environment = {"COUNTENANCE_HOME": str(tmp_path / "home"), "COUNTENANCE_WEIGHTS": str(need_weights())}
    clip = write(tmp_path / "crossing.mp4", _crossing(photos)[:10])
    key = grant(environment).access_key
    with opened(environment) as app:
        app.guard.carry_out(Caller(key), CreateGallery("staff"))
        ask = Enrol("staff", photos[1, 8].png, "p1", quality=QualityFilter.NONE)
        app.guard.carry_out(Caller(key), ask)
    said = "\n".join(_run(environment, "search", "staff", str(clip), "--key", key, "--quality", "NONE"))
    assert "lead: p1, similarity" in said
    assert "nobody in the gallery is as similar" in said
    assert "innocent people would be named here" in said
    assert "match" not in said.replace("false match rate", "")


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the shared clips are not here")
def test_one_person_of_a_real_clip_is_one_person(tmp_path: Path) -> None:
    environment = {"COUNTENANCE_HOME": str(tmp_path / "home"), "COUNTENANCE_WEIGHTS": str(need_weights())}
    key = grant(environment).access_key
    *_, totals = map(
        json.loads, _run(environment, "detect", str(CLIPS / "learn.mkv"), "--key", key, "--step", "0.1", "--json")
    )
    assert totals["people"] == 1
    assert totals["faces"] >= 0.8 * totals["frames"]
