"""What was ordered under mandates and is not fetched yet: video jobs, stream processors, liveness sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

import sqlalchemy as sa

from countenance.binding import BoundRow, Recorder
from countenance.jobs.job import (
    Findings,
    JobCandidate,
    JobFace,
    JobKind,
    JobState,
    VideoJob,
    VideoRequest,
)
from countenance.jobs.liveness_sessions import LivenessSession, LivenessSessions, liveness_rows
from countenance.jobs.stream_processors import StreamProcessor, StreamProcessors
from countenance.jobs.video_jobs import MOST_OPEN, VideoJobs, candidate_rows, candidates_going, video_job_rows

__all__ = [
    "MOST_OPEN",
    "Findings",
    "JobCandidate",
    "JobFace",
    "JobKind",
    "JobState",
    "Jobs",
    "LivenessSession",
    "LivenessSessions",
    "StreamProcessor",
    "StreamProcessors",
    "VideoJob",
    "VideoJobs",
    "VideoRequest",
    "candidate_rows",
    "candidates_going",
    "job_rows",
]


def job_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All video jobs and liveness sessions, for comparison with what was recorded."""
    yield from video_job_rows(connection)
    yield from liveness_rows(connection)


class Jobs:
    """The jobs, stream processors and liveness sessions of one database. now: the clock, UTC. recorder: records changes
    of rows; without it none are recorded, and every row is trusted.
    """

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], recorder: Recorder | None = None) -> None:
        self.videos = VideoJobs(engine, now, recorder)
        self.processors = StreamProcessors(engine, now)
        self.liveness = LivenessSessions(engine, now, recorder)
