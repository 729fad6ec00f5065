"""A job on a stored video, as a value without storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from countenance.faces import DetectedFace
from countenance.signing import JSON


class JobKind(StrEnum):
    """What a job does with its video."""

    DETECT = "detect"
    SEARCH = "search"


class JobState(StrEnum):
    """The state of a job. The last two are final."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class VideoRequest:
    """What a job is to do, and for whom.

    bucket, name, version: where the video is. gallery_id, similarity (0..100): of a search. tag, topic: the caller's.
    token: digest of the caller's idempotency token. request: digest of the whole request that goes with the token.
    keep_days: when the results are erased, after the job's end.
    """

    mandate_id: str
    access_key: str
    kind: JobKind
    bucket: str
    name: str
    version: str | None
    gallery_id: str | None
    similarity: float | None
    tag: str | None
    topic: str | None
    token: str | None
    request: str
    keep_days: int


@dataclass(frozen=True, slots=True)
class VideoJob:
    """One job. number: its row. attempts: how often it was begun. message: why it failed. frames: analysed so far.
    made_at, ended_at: UTC.

    outcome: of a job that succeeded: facts of the video, model version, counts. reviewed: whether people had to verify
    the result, and did.
    """

    number: int
    job_id: str
    asked: VideoRequest
    state: JobState
    attempts: int
    message: str | None
    frames: int
    reviewed: bool
    notices: int
    made_at: datetime
    ended_at: datetime | None
    outcome: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobFace:
    """One face of a video that a job found. person: index of its person in the video."""

    timestamp_ms: int
    person: int
    face: DetectedFace


@dataclass(frozen=True, slots=True)
class JobCandidate:
    """An enrolled face that resembles a person of the video; the fields are those of `faces.Candidate`."""

    person: int
    face_id: str
    score: float
    similarity: float
    fmr: float


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of a job. faces: in order of time. candidates: of each person, most similar first."""

    faces: tuple[JobFace, ...]
    candidates: tuple[JobCandidate, ...]
    outcome: Mapping[str, JSON]
    reviewed: bool = False
