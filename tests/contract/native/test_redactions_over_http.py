"""`POST /v1/redactions`: what `countenance redact` does, for callers with an access key."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import pytest
from tests.contract.native.native_world import World, world
from tests.fakes.engine import FakeEngine, picture_of
from tests.fakes.rules import FixedRules
from tests.unit.video.clips import grey, write

from countenance.api.native import redactions
from countenance.policy import Verdict
from countenance.redaction import CODECS, LEAST_SCORE, STYLES, SURE_SCORE
from countenance.video import VideoLimits
from countenance.wire.redactions import RedactionBody

VIDEO = {"content-type": "video/mp4"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("redactions"), FixedRules(Verdict.PERMIT)) as opened:
        yield opened


@pytest.fixture(scope="module")
def client(made: World) -> httpx.Client:
    key = made.granted()
    return made.faces(key["access_key"], key["secret"])


def file_of(answer: httpx.Response) -> bytes:
    assert answer.status_code == 200, answer.text
    return base64.b64decode(answer.json()["file"])


def touched(answer: httpx.Response, level: int) -> bool:
    pixels = cv2.imdecode(np.frombuffer(file_of(answer), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return bool((pixels != level).any())


def as_bytes(client: httpx.Client, content: bytes, **members: Any) -> httpx.Response:
    return client.post("/redactions", content=content, headers={"content-type": "image/jpeg"}, params=members)


def clip(folder: Path, *levels: int) -> bytes:
    return write(folder / "clip.mp4", [grey(level) for level in levels]).read_bytes()


def test_a_picture_comes_back_covered_with_its_report_in_each_form(made: World, client: httpx.Client) -> None:
    image = picture_of(3)
    answers = [
        client.post("/redactions", json={"file": base64.b64encode(image).decode()}),
        client.post("/redactions", files={"file": image}),
        as_bytes(client, image),
    ]
    for answer in answers:
        assert touched(answer, 30)
        said = answer.json()
        assert (said["media_type"], said["covered"], said["left_uncovered"], said["to_look_at"]) == (
            "image/png",
            1,
            0,
            0,
        )
        report = said["report"]
        assert report["input_sha256"] == hashlib.sha256(image).hexdigest()
        assert report["output_sha256"] == hashlib.sha256(file_of(answer)).hexdigest()
        assert report["receipt"] == said["receipt"] == answer.headers["x-countenance-receipt"]
        assert report["applied"]["detector"] == "fake-detector-1"
        assert report["asked"]["step"] == 0.0
    decision, result = list(made.ledger.entries())[-2:]
    assert (decision.fields["operation"], result.fields["covered"]) == ("redact", 1)


def test_faces_in_chosen_boxes_stay(client: httpx.Client) -> None:
    (face,) = client.post("/detections", files={"image": picture_of(3)}).json()["faces"]
    boxes = json.dumps([face["box"]])
    by_query = as_bytes(client, picture_of(3), except_boxes=boxes)
    by_form = client.post("/redactions", files={"file": picture_of(3)}, data={"except_boxes": boxes})
    for answer in (by_query, by_form):
        assert not touched(answer, 30)
        assert answer.json()["left_uncovered"] == 1
    elsewhere = as_bytes(client, picture_of(3), except_boxes='[{"left": 0.9, "top": 0.9, "width": 0.1, "height": 0.1}]')
    assert touched(elsewhere, 30)


def test_enrolled_people_stay_where_they_consented_and_it_is_a_search(made: World, client: httpx.Client) -> None:
    client.post("/galleries", json={"gallery_id": "g-staff"})
    client.post("/galleries/g-staff/faces", files={"image": picture_of(7)})
    known, other = (as_bytes(client, picture_of(n), except_gallery="g-staff") for n in (7, 8))
    assert not touched(known, 70)
    assert touched(other, 80)
    assert "x-countenance-expected-false-matches" in known.headers
    assert list(made.ledger.entries())[-2].fields["asks"] == "identify"
    unsaid = made.granted(facts={"gallery": {"provenance": "published_set"}})
    refused = as_bytes(made.faces(unsaid["access_key"], unsaid["secret"]), picture_of(7), except_gallery="g-staff")
    assert (refused.status_code, "gallery.provenance" in refused.json()["detail"]) == (403, True)
    both = as_bytes(
        client, picture_of(7), except_gallery="g-staff", except_boxes='[{"left":0,"top":0,"width":1,"height":1}]'
    )
    assert (both.status_code, "not both" in both.json()["detail"]) == (400, True)
    assert as_bytes(client, picture_of(7), except_gallery="g-none").status_code == 404


def test_what_was_not_sure_is_counted(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    spot = FakeEngine.spot
    monkeypatch.setattr(
        FakeEngine,
        "spot",
        lambda self, pixels, least: tuple(type(each)(each.box, 0.3) for each in spot(self, pixels, least)),
    )
    said = as_bytes(client, picture_of(3)).json()
    assert (said["to_look_at"], said["report"]["to_look_at"]) == (1, said["report"]["covered"])


def test_a_video_comes_back_as_one_with_frames_sound_and_times_said(
    made: World, client: httpx.Client, tmp_path: Path
) -> None:
    answer = client.post("/redactions", content=clip(tmp_path, 0, 70, 0, 70), headers=VIDEO, params={"sound": "false"})
    said = answer.json()
    assert (said["media_type"], said["covered"], said["to_look_at"]) == ("video/mp4", 4, 2)
    assert (said["report"]["frames"], said["report"]["times"]) == (4, "kept")
    assert said["report"]["sound"] == "left out, as asked"
    (tmp_path / "covered.mp4").write_bytes(file_of(answer))
    read = cv2.VideoCapture(str(tmp_path / "covered.mp4"))
    levels = []
    while (got := read.read())[0]:
        levels.append(got[1])
    assert len(levels) == 4
    assert all(np.ptp(each) > 5 for each in levels[1::2]), "something lies over the face"
    assert list(made.ledger.entries())[-2].fields["operation"] == "redact_video"


def test_nothing_is_left_on_disk_after_an_answer_or_a_refusal(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = []
    put = redactions._video

    def seen(door: Any, caller: Any, wish: Any, content: bytes, folder: Path, *rest: Any) -> Any:
        folders.append(folder)
        return put(door, caller, wish, content, folder, *rest)

    monkeypatch.setattr(redactions, "_video", seen)
    good = clip(tmp_path, 70, 0)
    assert client.post("/redactions", content=good, headers=VIDEO).status_code == 200
    assert client.post("/redactions", content=good[:200], headers=VIDEO).status_code in (400, 415)
    assert len(folders) == 2
    assert not any(each.exists() for each in folders)


@pytest.mark.parametrize(
    ("limits", "status", "says"),
    [
        (VideoLimits(max_bytes=100), 413, "bytes"),
        (VideoLimits(max_frames=2), 413, "frames"),
        (VideoLimits(max_seconds=0.1), 413, "longer than"),
        (VideoLimits(max_pixels=100), 413, "128 x 96"),
    ],
)
def test_a_video_beyond_a_limit_is_refused_by_name(
    client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: VideoLimits, status: int, says: str
) -> None:
    monkeypatch.setattr(redactions, "VIDEO_LIMITS", limits)
    answer = client.post("/redactions", content=clip(tmp_path, *[70] * 6), headers=VIDEO)
    assert (answer.status_code, says in answer.json()["detail"]) == (status, True), answer.text


def test_bodies_are_bounded_before_anything_is_decoded(made: World, client: httpx.Client) -> None:
    before = made.ledger.size
    large = client.post(
        "/redactions", content=b"\xff\xd8\xff" + b"x" * (15 * 2**20), headers={"content-type": "image/jpeg"}
    )
    assert (large.status_code, "at most 15,728,640" in large.json()["detail"]) == (413, True)
    largest = client.post("/redactions", content=(b"x" * 2**20 for _ in range(45)), headers=VIDEO)
    assert (largest.status_code, largest.json()["type"]) == (413, "urn:countenance:problem:body-too-large")
    assert made.ledger.size == before


def test_a_mandate_without_it_is_refused_before_anything_is_decoded(shared: World, tmp_path: Path) -> None:
    key = shared.granted(operations=["detect"])
    narrow = shared.faces(key["access_key"], key["secret"])
    for content, headers in ((b"nothing of a picture", {"content-type": "image/png"}), (clip(tmp_path, 7)[:99], VIDEO)):
        before = shared.ledger.size
        answer = narrow.post("/redactions", content=content, headers=headers)
        assert answer.status_code == 403, answer.text
        assert shared.ledger.size == before + 1


def test_one_video_at_a_time(client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, go_on = threading.Event(), threading.Event()
    spot = FakeEngine.spot

    def waiting(self: FakeEngine, pixels: Any, least: float, thorough: bool = True) -> Any:
        entered.set()
        assert go_on.wait(30)
        return spot(self, pixels, least)

    monkeypatch.setattr(FakeEngine, "spot", waiting)
    film = clip(tmp_path, 70, 70)
    answers: list[httpx.Response] = []
    first = threading.Thread(target=lambda: answers.append(client.post("/redactions", content=film, headers=VIDEO)))
    first.start()
    assert entered.wait(30)
    second = client.post("/redactions", content=film, headers=VIDEO)
    go_on.set()
    first.join()
    assert (second.status_code, second.headers["retry-after"]) == (503, "1")
    assert answers[0].status_code == 200
    assert client.post("/redactions", content=film, headers=VIDEO).status_code == 200


def test_a_video_is_covered_only_as_long_as_its_sender_waits(
    made: World, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, looked = threading.Event(), []
    spot = FakeEngine.spot

    def slow(self: FakeEngine, pixels: Any, least: float, thorough: bool = True) -> Any:
        looked.append(1)
        entered.set()
        time.sleep(0.01)
        return spot(self, pixels, least)

    monkeypatch.setattr(FakeEngine, "spot", slow)
    film = clip(tmp_path, *[70] * 900)
    parts = urlsplit(str(client.base_url))
    before = made.ledger.size
    with socket.create_connection((parts.hostname, parts.port)) as sender:
        head = (
            f"POST /v1/redactions?step=0 HTTP/1.1\r\nhost: x\r\ncontent-type: video/mp4\r\n"
            f"authorization: {_basic(client)}\r\ncontent-length: {len(film)}\r\n\r\n"
        )
        sender.sendall(head.encode() + film)
        assert entered.wait(30)
    deadline = time.monotonic() + 60
    while made.ledger.size < before + 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(made.ledger.entries())[-1].fields["outcome"] == "ClientGone"
    assert len(looked) < 900
    assert client.post("/redactions", content=clip(tmp_path, 70), headers=VIDEO).status_code == 200


def _basic(client: httpx.Client) -> str:
    assert client.auth is not None
    return next(client.auth.auth_flow(client.build_request("GET", "/"))).headers["authorization"]


def test_what_a_killed_process_left_is_forgotten_after_a_day(tmp_path: Path) -> None:
    for name, hours in (("old", 25), ("new", 1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "video").write_bytes(b"faces")
        then = time.time() - 3600 * hours
        os.utime(tmp_path / name, (then, then))
    redactions.routes(None, tmp_path)  # type: ignore[arg-type]
    assert [each.name for each in tmp_path.iterdir()] == ["new"]


def test_defaults_and_words_are_those_of_the_command() -> None:
    fields = RedactionBody.model_json_schema()["properties"]
    assert fields["least"]["default"] == LEAST_SCORE
    assert fields["least"]["maximum"] == SURE_SCORE
    assert tuple(fields["style"]["enum"]) == STYLES
    assert tuple(fields["codec"]["enum"]) == tuple(CODECS)
