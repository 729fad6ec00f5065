"""A job whose progress was edited to what does not belong there is told as other damaged rows are, and ends nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from tests.fakes.postgres import sqlite_only

from countenance.api.rekognition.video_actions import _metadata
from countenance.errors import NotAsRecorded
from countenance.jobs import JobKind, JobState, VideoJobs, VideoRequest

ASKED = VideoRequest("m", "k", JobKind.DETECT, "b", "o", None, None, None, None, None, None, "r" * 64, 30)
EDITS = ["outcome='{'", "outcome='[1]'", "outcome=3", "attempts='x'", "frames='x'", "notices='x'", "message=x'ff'"]


def edited(database: sa.Engine, edit: str) -> tuple[VideoJobs, str]:
    """A job that waits, edited; another after it."""
    jobs = VideoJobs(database, lambda: datetime.now(UTC))
    job_id = jobs.start(ASKED)
    jobs.start(ASKED)
    with database.begin() as connection:
        connection.execute(sa.text(f"UPDATE video_jobs SET {edit} WHERE number = 1"))
    return jobs, job_id


@sqlite_only
@pytest.mark.parametrize("edit", [*EDITS, "state='x'"])
def test_a_malformed_job_is_not_told_and_left_out_of_lists(database: sa.Engine, edit: str) -> None:
    jobs, job_id = edited(database, edit)
    with pytest.raises(NotAsRecorded):
        jobs.find("m", job_id, JobKind.DETECT)
    assert [job.number for job in jobs.page(None, 0, 10)[0]] == [2]
    assert jobs.get(job_id) is None


@sqlite_only
@pytest.mark.parametrize("edit", ["outcome='{'", "notices='x'", "message=x'ff'"])
def test_a_malformed_job_fails_and_the_next_is_taken(database: sa.Engine, edit: str) -> None:
    jobs, job_id = edited(database, edit)
    with jobs.taken() as job:
        assert job is not None
        assert job.number == 2
    assert jobs.state(job_id) is JobState.FAILED


@sqlite_only
def test_a_state_that_there_is_not_counts_for_none(database: sa.Engine) -> None:
    jobs, job_id = edited(database, "state='x'")
    assert jobs.counts() == {**dict.fromkeys(JobState, 0), JobState.WAITING: 1}
    with pytest.raises(NotAsRecorded):
        jobs.state(job_id)


def test_what_a_job_found_is_not_told_in_part() -> None:
    with pytest.raises(NotAsRecorded, match="malformed"):
        _metadata({"codec": "h264"})
