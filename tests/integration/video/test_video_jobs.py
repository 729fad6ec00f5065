"""Unmodified boto3 against a real server with real video: jobs are run, paged, taken up again after kill -9."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from botocore.exceptions import ClientError
from numpy.typing import NDArray
from tests.contract.rekognition.model_check import check_answers
from tests.integration.serving import HOME, grant, need_weights, opened, serving
from tests.integration.video.test_video_command import CLIPS, _crossing
from tests.unit.video.clips import write

from countenance.demo.faces import Photo, orl_faces

TOPIC = "arn:aws:sns:us-east-1:000000000000:jobs"
CHANNEL = {"SNSTopicArn": TOPIC, "RoleArn": "arn:aws:iam::000000000000:role/any"}


@pytest.fixture(scope="module")
def photos() -> dict[tuple[int, int], Photo]:
    need_weights()
    return {(photo.person, photo.number): photo for photo in orl_faces(HOME / "demo-faces")}


@pytest.fixture
def told() -> Iterator[tuple[str, list[tuple[dict[str, str], Any]]]]:
    """A place that is told of jobs: its URL, and what it was told."""
    heard: list[tuple[dict[str, str], Any]] = []

    class Hears(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.append((dict(self.headers), json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Hears)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/told", heard
    server.shutdown()


def ended(get: Any, job: str, seconds: float = 240) -> Any:
    until = time.monotonic() + seconds
    while (answer := get(JobId=job))["JobStatus"] == "IN_PROGRESS":
        assert time.monotonic() < until
        time.sleep(0.2)
    return answer


def pages(get: Any, member: str, **more: Any) -> list[Any]:
    found: list[Any] = []
    token: dict[str, str] = {}
    while True:
        answer = get(**more, **token)
        found += answer[member]
        if "NextToken" not in answer:
            return found
        token = {"NextToken": answer["NextToken"]}


def test_a_video_is_searched_paged_and_told_of(
    tmp_path: Path, photos: dict[tuple[int, int], Photo], told: tuple[str, list[Any]]
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write(films / "crossing.mp4", _crossing(photos))
    (films / "text.mp4").write_text("no video")
    url, heard = told
    settings = {"COUNTENANCE_BUCKETS": f"films={films}", "COUNTENANCE_TOPICS": f"{TOPIC}={url}"}
    with serving(tmp_path / "home", **settings) as live:
        client = live.client(grant(live.environment))
        seen = check_answers(client)
        client.create_collection(CollectionId="staff")
        for person in (1, 5):
            client.index_faces(
                CollectionId="staff", Image={"Bytes": photos[person, 8].png}, ExternalImageId=f"p{person}",
                QualityFilter="NONE",
            )  # fmt: skip
        video = {"S3Object": {"Bucket": "films", "Name": "crossing.mp4"}}
        asked = {"Video": video, "CollectionId": "staff", "ClientRequestToken": "once", "JobTag": "night"}
        job = client.start_face_search(**asked, NotificationChannel=CHANNEL)["JobId"]
        assert client.start_face_search(**asked, NotificationChannel=CHANNEL)["JobId"] == job
        with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
            client.start_face_search(**asked, FaceMatchThreshold=90)
        answer = ended(client.get_face_search, job)
        assert answer["JobStatus"] == "SUCCEEDED", answer
        assert (answer["JobTag"], answer["Video"], answer["JobId"]) == ("night", video, job)
        facts = answer["VideoMetadata"]
        assert facts["Format"] == "QuickTime / MOV"
        assert (facts["FrameWidth"], facts["FrameHeight"]) == (640, 480)
        assert facts["DurationMillis"] == pytest.approx(4000, abs=150)
        assert facts["FrameRate"] == pytest.approx(10, abs=0.3)
        assert float(answer["ResponseMetadata"]["HTTPHeaders"]["x-countenance-expected-false-matches"]) > 0
        persons = pages(client.get_face_search, "Persons", JobId=job, MaxResults=7)
        moments = [each["Timestamp"] for each in persons]
        assert moments == sorted(moments)
        assert {each["Person"]["Index"] for each in persons if each["Timestamp"] >= 3500} == {0}
        leads = {m["Face"]["ExternalImageId"] for each in persons for m in each.get("FaceMatches", [])}
        assert leads <= {"p1"}
        by_index = pages(client.get_face_search, "Persons", JobId=job, SortBy="INDEX", MaxResults=9)
        places = [(each["Person"]["Index"], each["Timestamp"]) for each in by_index]
        assert places == sorted(places)
        assert len(places) == len(persons)
        token = client.get_face_search(JobId=job, MaxResults=3)["NextToken"]
        assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
        with pytest.raises(client.exceptions.InvalidPaginationTokenException):
            client.get_face_search(JobId=job, SortBy="INDEX", NextToken=token)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.get_face_detection(JobId=job)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            client.start_face_search(Video=video, CollectionId="nobody")
        with pytest.raises(client.exceptions.InvalidS3ObjectException):
            client.start_face_detection(Video={"S3Object": {"Bucket": "films", "Name": "none.mp4"}})
        with pytest.raises(client.exceptions.InvalidParameterException, match="topic"):
            client.start_face_detection(Video=video, NotificationChannel={**CHANNEL, "SNSTopicArn": TOPIC + "x"})
        text = {"S3Object": {"Bucket": "films", "Name": "text.mp4"}}
        bad = client.start_face_detection(Video=text, FaceAttributes="ALL")["JobId"]
        failed = ended(client.get_face_detection, bad)
        assert failed["JobStatus"] == "FAILED"
        assert "MP4" in failed["StatusMessage"]
        # another mandate does not see the job; a revoked one sees nothing
        other = live.client(grant(live.environment))
        with pytest.raises(other.exceptions.ResourceNotFoundException):
            other.get_face_search(JobId=job)
        # the candidates go with the enrolled faces
        client.delete_collection(CollectionId="staff")
        assert not any(each.get("FaceMatches") for each in client.get_face_search(JobId=job)["Persons"])
        with opened(live.environment) as app:
            app.mandates.end(app.mandates.list()[0].mandate_id, "over", by="a test")
        with pytest.raises(client.exceptions.AccessDeniedException):
            client.get_face_search(JobId=job)
        assert "GetFaceSearch" in seen
    assert len(heard) == 1
    headers, envelope = heard[0]
    assert headers["x-amz-sns-topic-arn"] == envelope["TopicArn"] == TOPIC
    message = json.loads(envelope["Message"])
    assert (message["JobId"], message["Status"], message["API"]) == (job, "SUCCEEDED", "StartFaceSearch")
    assert message["Video"] == {"S3ObjectName": "crossing.mp4", "S3Bucket": "films"}
    assert not list((tmp_path / "home" / "videos-in-hand").iterdir())


def test_a_job_is_taken_up_again_after_kill_9_and_finished_once(
    tmp_path: Path, photos: dict[tuple[int, int], Photo]
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    frames = [frame for _ in range(2) for frame in _crossing(photos)]
    write(films / "long.mp4", frames)
    video = {"S3Object": {"Bucket": "films", "Name": "long.mp4"}}
    with serving(tmp_path / "home", COUNTENANCE_BUCKETS=f"films={films}") as live:
        key = grant(live.environment)
        jobs = [live.client(key).start_face_detection(Video=video)["JobId"] for _ in range(2)]
        spool = tmp_path / "home" / "videos-in-hand"
        until = time.monotonic() + 60
        while not (spool.is_dir() and list(spool.iterdir())):  # the first one is running
            assert time.monotonic() < until
            time.sleep(0.01)
        live.kill()
    with serving(tmp_path / "home", COUNTENANCE_BUCKETS=f"films={films}") as live:
        client = live.client(key)
        answers = [ended(client.get_face_detection, job) for job in jobs]
        assert [each["JobStatus"] for each in answers] == ["SUCCEEDED"] * 2
        found = [pages(client.get_face_detection, "Faces", JobId=job) for job in jobs]
        assert len(found[0]) == len(found[1]) > 0
    with opened(live.environment) as app:
        entries = list(app.ledger.entries())
        runs = [e for e in entries if e.fields.get("operation") == "detect_in_video"]
        assert len(runs) in (2, 3)  # the other job, the second try, and the first unless it was killed undecided


def _clip(name: str, frames: int) -> list[NDArray[np.uint8]]:
    """The first frames of a real clip."""
    video = cv2.VideoCapture(str(CLIPS / f"{name}.mkv"), cv2.CAP_FFMPEG)
    return [np.asarray(video.read()[1], np.uint8) for _ in range(frames)]


@pytest.mark.skipif(not CLIPS.is_dir(), reason="the shared clips are not here")
def test_people_of_a_real_clip_keep_their_index_and_lead_to_their_own_faces(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    cut = [("learn", 0), ("thanks", 1), ("school", 0)]  # one person, another, the first again in another clip
    write(films / "cut.mp4", [frame for name, _ in cut for frame in _clip(name, 40)], rate=30)
    (films / "learn.mkv").write_bytes((CLIPS / "learn.mkv").read_bytes())
    with serving(tmp_path / "home", COUNTENANCE_BUCKETS=f"films={films}") as live:
        client = live.client(grant(live.environment))
        seen = check_answers(client)
        client.create_collection(CollectionId="staff")
        for name, person in (("book", "first"), ("milk", "second"), ("want", "third")):
            picture = cv2.imencode(".png", _clip(name, 20)[-1])[1].tobytes()
            client.index_faces(CollectionId="staff", Image={"Bytes": picture}, ExternalImageId=person, MaxFaces=1)
        video = {"S3Object": {"Bucket": "films", "Name": "cut.mp4"}}
        asked = {"Video": video, "CollectionId": "staff", "FaceMatchThreshold": 80}
        ordered = {"ClientRequestToken": "search-once", "JobTag": "a-tag"}
        searching = client.start_face_search(**asked, **ordered)["JobId"]
        detecting = client.start_face_detection(Video=video, JobTag="b-tag")["JobId"]
        whole = client.start_face_detection(Video={"S3Object": {"Bucket": "films", "Name": "learn.mkv"}})["JobId"]
        assert client.start_face_search(**asked, **ordered)["JobId"] == searching
        with pytest.raises(client.exceptions.IdempotentParameterMismatchException):
            client.start_face_search(**asked, ClientRequestToken="search-once", JobTag="another")

        answer = ended(client.get_face_search, searching)
        assert (answer["JobStatus"], answer["JobTag"]) == ("SUCCEEDED", "a-tag"), answer
        facts = answer["VideoMetadata"]
        assert (facts["Format"], facts["FrameWidth"], facts["FrameHeight"]) == ("QuickTime / MOV", 640, 480)
        assert facts["DurationMillis"] == pytest.approx(4000, abs=40)
        assert facts["FrameRate"] == pytest.approx(30, abs=0.1)
        persons = pages(client.get_face_search, "Persons", JobId=searching, MaxResults=4)
        assert persons == answer["Persons"]
        moments = sorted({each["Timestamp"] for each in persons})
        assert [each["Timestamp"] for each in persons] == sorted(each["Timestamp"] for each in persons)
        assert len(moments) >= 18 and moments[-1] < 4000  # five a second, a face in nearly each
        assert all(later - earlier >= 195 for earlier, later in pairwise(moments))
        names = {0: "first", 1: "second"}
        for number, (_, index) in enumerate(cut):
            own = [each for each in persons if number * 1333 + 10 <= each["Timestamp"] < (number + 1) * 1333]
            faces = [each for each in own if each["Person"]["Index"] == index]
            assert {each["Timestamp"] for each in faces} == {each["Timestamp"] for each in own}
            assert not [each for each in own if each["Person"]["Index"] == 1 - index]
            for each in faces:
                best = each["FaceMatches"][0]
                assert best["Face"]["ExternalImageId"] == names[index] and best["Similarity"] > 99
        by_index = pages(client.get_face_search, "Persons", JobId=searching, SortBy="INDEX", MaxResults=5)
        assert by_index == sorted(persons, key=lambda each: (each["Person"]["Index"], each["Timestamp"]))

        answer = ended(client.get_face_detection, detecting)
        assert (answer["JobStatus"], answer["JobTag"], answer["VideoMetadata"]) == ("SUCCEEDED", "b-tag", facts)
        faces = pages(client.get_face_detection, "Faces", JobId=detecting, MaxResults=4)
        assert faces == answer["Faces"]
        assert [each["Timestamp"] for each in faces] == [each["Timestamp"] for each in persons]
        answer = ended(client.get_face_detection, whole)
        assert (answer["VideoMetadata"]["Format"], answer["VideoMetadata"]["Codec"]) == ("Matroska / WebM", "h264")
        assert answer["VideoMetadata"]["DurationMillis"] == pytest.approx(61 * 1000 / 30, abs=40)
        assert len(answer["Faces"]) >= 8
        assert {"StartFaceSearch", "GetFaceSearch", "StartFaceDetection", "GetFaceDetection"} <= set(seen)


def test_a_mandate_that_ended_meanwhile_gets_nothing(tmp_path: Path, photos: dict[tuple[int, int], Photo]) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write(films / "short.mp4", _crossing(photos)[:10])
    video = {"S3Object": {"Bucket": "films", "Name": "short.mp4"}}
    with serving(tmp_path / "home", COUNTENANCE_BUCKETS=f"films={films}", COUNTENANCE_VIDEO_JOBS="0") as live:
        key = grant(live.environment)
        client = live.client(key)
        job = client.start_face_detection(Video=video)["JobId"]
        assert client.get_face_detection(JobId=job)["JobStatus"] == "IN_PROGRESS"
        for _ in range(19):
            client.start_face_detection(Video=video)
        with pytest.raises(client.exceptions.LimitExceededException):
            client.start_face_detection(Video=video)
        with opened(live.environment) as app:
            app.mandates.end(key.mandate_id, "over", by="a test")
    with serving(tmp_path / "home", COUNTENANCE_BUCKETS=f"films={films}") as live:
        with pytest.raises(ClientError, match="AccessDenied"):
            live.client(key).get_face_detection(JobId=job)
        until = time.monotonic() + 60
        with opened(live.environment) as app:
            while app.jobs.videos.find(key.mandate_id, job, "detect").state != "failed":  # type: ignore[arg-type,union-attr]
                assert time.monotonic() < until
                time.sleep(0.1)
            looked = [e for e in app.ledger.entries() if e.fields.get("operation") == "detect_in_video"]
        assert {e.fields["verdict"] for e in looked} == {"deny"}


def test_the_folder_of_videos_is_private(tmp_path: Path) -> None:
    with serving(tmp_path / "home") as live:
        until = time.monotonic() + 30
        spool = tmp_path / "home" / "videos-in-hand"
        while not spool.is_dir():
            assert time.monotonic() < until
            time.sleep(0.05)
        assert spool.stat().st_mode & 0o077 == 0
        assert live.process.poll() is None
