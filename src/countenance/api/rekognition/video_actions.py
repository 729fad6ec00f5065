"""Rekognition's operations on stored video: start a job, and fetch its results page by page."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from countenance.api.rekognition.answers import JSON, Body, box_body, detail_body, match_body
from countenance.api.rekognition.errors import INVALID_PARAMETER, INVALID_S3_OBJECT, Refused
from countenance.api.rekognition.images import place_of
from countenance.api.rekognition.objects import Objects
from countenance.api.rekognition.pages import Pages
from countenance.api.rekognition.shapes import Params
from countenance.api.rekognition.wire_operation import SIMILARITY, GuardCall, WireOperation, after, following
from countenance.errors import BadPageToken, NotAsRecorded
from countenance.operations import (
    JobOrder,
    JobPage,
    JobState,
    ReadVideoDetection,
    ReadVideoSearch,
    StartVideoDetection,
    StartVideoSearch,
    StoredVideo,
)
from countenance.video import VideoLimits

RESULTS = 1000
"""The most faces on a page, also if MaxResults is absent; Rekognition's documented maximum."""

_STATES = {JobState.SUCCEEDED: "SUCCEEDED", JobState.FAILED: "FAILED"}
_LIMITS = VideoLimits()


class VideoActions:
    """The operations on stored video, by wire name in `served`. topics: ARNs that can be notified of a job's end."""

    def __init__(self, objects: Objects, pages: Pages, topics: Container[str]) -> None:
        self._objects = objects
        self._pages = pages
        self._topics = topics
        self.served: Mapping[str, WireOperation] = {
            "StartFaceDetection": self._start_detection,
            "GetFaceDetection": self._get_detection,
            "StartFaceSearch": self._start_search,
            "GetFaceSearch": self._get_search,
        }

    def _start_detection(self, params: Params, carry_out: GuardCall) -> Body:
        return {"JobId": carry_out(StartVideoDetection(self._video(params), self._order(params)))}

    def _start_search(self, params: Params, carry_out: GuardCall) -> Body:
        similarity = params.get("FaceMatchThreshold", SIMILARITY)
        video, order = self._video(params), self._order(params)
        return {"JobId": carry_out(StartVideoSearch(params["CollectionId"], video, similarity, order))}

    def _get_detection(self, params: Params, carry_out: GuardCall) -> Body:
        page = carry_out(ReadVideoDetection(params["JobId"], *self._part(params, "GetFaceDetection")))
        body = _job_body(page)
        if page.job.state is JobState.SUCCEEDED:
            body["Faces"] = [{"Timestamp": each.timestamp_ms, "Face": detail_body(each.face)} for each in page.faces]
        return {**body, **self._next(params, "GetFaceDetection", page)}

    def _get_search(self, params: Params, carry_out: GuardCall) -> Body:
        sort = params.get("SortBy", "TIMESTAMP")
        part = self._part(params, f"GetFaceSearch {sort}")
        page = carry_out(ReadVideoSearch(params["JobId"], *part, by_person=sort == "INDEX"))
        body = _job_body(page)
        if page.job.state is JobState.SUCCEEDED:
            body["Persons"] = _persons(page)
        return {**body, **self._next(params, f"GetFaceSearch {sort}", page)}

    def _video(self, params: Params) -> StoredVideo:
        if "S3Object" not in params["Video"]:
            raise Refused(INVALID_S3_OBJECT, "a Video is an S3Object")
        bucket, name, version = place_of(params["Video"]["S3Object"])
        objects = self._objects
        return StoredVideo(bucket, name, lambda: objects.check(bucket, name, version, _LIMITS.max_bytes), version)

    def _order(self, params: Params) -> JobOrder:
        topic = params.get("NotificationChannel", {}).get("SNSTopicArn")
        if topic is not None and topic not in self._topics:
            raise Refused(INVALID_PARAMETER, "NotificationChannel.SNSTopicArn is no topic that this server knows")
        return JobOrder(params.get("ClientRequestToken"), params.get("JobTag"), topic)

    def _part(self, params: Params, operation: str) -> tuple[int, int]:
        cursor = after(self._pages, operation, params["JobId"], params) or "0"
        if not (cursor.isascii() and cursor.isdigit()):
            raise BadPageToken("NextToken was not made by this server for this operation and job")
        return int(cursor), min(params.get("MaxResults", RESULTS), RESULTS)

    def _next(self, params: Params, operation: str, page: JobPage) -> Body:
        begun = self._part(params, operation)[0]
        cursor = str(begun + len(page.faces)) if page.more else None
        return following(self._pages, operation, params["JobId"], cursor)


def _job_body(page: JobPage) -> dict[str, JSON]:
    job, request = page.job, page.job.asked
    place: dict[str, JSON] = {"Bucket": request.bucket, "Name": request.name}
    if request.version is not None:
        place["Version"] = request.version
    body: dict[str, JSON] = {
        "JobId": job.job_id,
        "JobStatus": _STATES.get(job.state, "IN_PROGRESS"),
        "Video": {"S3Object": place},
    }
    if request.tag is not None:
        body["JobTag"] = request.tag
    if job.state is JobState.FAILED:
        body["StatusMessage"] = job.message or ""
    elif job.state is JobState.RUNNING:
        body["StatusMessage"] = f"{job.frames} frames analysed so far"
    elif job.state is JobState.SUCCEEDED:
        body["VideoMetadata"] = _metadata(job.outcome)
    return body


def _metadata(outcome: Mapping[str, Any]) -> Body:
    named = {
        "Codec": "codec",
        "Format": "container",
        "DurationMillis": "duration_ms",
        "FrameRate": "rate",
        "FrameWidth": "width",
        "FrameHeight": "height",
    }
    if not outcome.keys() >= set(named.values()):
        raise NotAsRecorded("what this job found is malformed in the database, and is not told")
    return {name: outcome[key] for name, key in named.items()}


def _persons(page: JobPage) -> list[JSON]:
    version = str(page.job.outcome.get("version", ""))
    matches = {
        person: [match_body(each, version) for each in candidates] for person, candidates in page.candidates.items()
    }
    persons: list[JSON] = []
    for each in page.faces:
        detail: dict[str, JSON] = {
            "Index": each.person,
            "BoundingBox": box_body(each.face.box),
            "Face": detail_body(each.face),
        }
        body: dict[str, JSON] = {"Timestamp": each.timestamp_ms, "Person": detail}
        if each.person in matches:  # otherwise no view of this person was good enough to search with
            body["FaceMatches"] = list[JSON](matches[each.person])
        persons.append(body)
    return persons
