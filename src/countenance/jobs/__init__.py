"""What was ordered under mandates and is not fetched yet: video jobs, stream processors, liveness sessions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from countenance.jobs.job import (
    Findings,
    JobCandidate,
    JobFace,
    JobKind,
    JobState,
    VideoJob,
    VideoRequest,
)
from countenance.jobs.liveness_sessions import LivenessSession, LivenessSessions
from countenance.jobs.stream_processors import StreamProcessor, StreamProcessors
from countenance.jobs.video_jobs import MOST_OPEN, VideoJobs

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
]


class Jobs:
    """The jobs, stream processors and liveness sessions of one database. now: the clock, UTC."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self.videos = VideoJobs(engine, now)
        self.processors = StreamProcessors(engine, now)
        self.liveness = LivenessSessions(engine, now)
