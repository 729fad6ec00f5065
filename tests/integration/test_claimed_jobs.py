"""Video jobs among processes on one PostgreSQL database: run by one, and by another one once that is dead."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine
from tests.fakes.postgres import PostgresServer

from countenance.database import kind_of, open_database
from countenance.database.kind import DatabaseKind
from countenance.jobs import JobKind, JobState, VideoJobs, VideoRequest, video_jobs

TAKES = """
import sys
from datetime import UTC, datetime
from countenance.database import open_database
from countenance.jobs import VideoJobs

jobs = VideoJobs(open_database(sys.argv[1]), lambda: datetime.now(UTC))
with jobs.taken() as job:
    print(job.job_id, flush=True)
    sys.stdin.read()
"""


def asked(name: str) -> VideoRequest:
    return VideoRequest("m", "k", JobKind.DETECT, "b", name, None, None, None, None, None, None, "r" * 64, 30)


def test_a_job_is_another_processs_until_that_is_killed(postgres: PostgresServer) -> None:
    url = postgres.new_database("empty")
    engine = open_database(url)
    jobs = VideoJobs(engine, lambda: datetime.now(UTC))
    job_id = jobs.start(asked("o"))
    command = [sys.executable, "-c", TAKES, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == job_id
        jobs.recover()
        assert jobs.state(job_id) is JobState.RUNNING
        with jobs.taken(job_id) as job:
            assert job is None
        other.kill()
    deadline = time.monotonic() + 60
    while jobs.state(job_id) is JobState.RUNNING and time.monotonic() < deadline:
        jobs.recover()
    assert jobs.waiting() == [job_id]
    engine.dispose()


def test_each_job_is_taken_once_among_several(postgres: PostgresServer) -> None:
    engines = [open_database(url) for url in [postgres.new_database("empty")] * 3]
    several = [VideoJobs(engine, lambda: datetime.now(UTC)) for engine in engines]
    ids = [several[0].start(asked(str(number))) for number in range(12)]
    taken: list[str] = []
    together = Barrier(len(several))

    def take(jobs: VideoJobs) -> None:
        together.wait()
        while True:
            with jobs.taken() as job:
                if job is None:
                    return
                taken.append(job.job_id)
                jobs.recover()
                jobs.fail(job, "that is all")

    threads = [Thread(target=take, args=(jobs,)) for jobs in several]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(ids)
    for engine in engines:
        engine.dispose()


def test_notices_are_claimed_in_one_session_and_each_is_sent_once(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(postgres.new_database("empty"))
    jobs = VideoJobs(engine, lambda: datetime.now(UTC))
    for number in range(3):
        jobs.start(replace(asked(str(number)), topic="t"))
        with jobs.taken() as job:
            assert job is not None
            jobs.fail(job, "that is all")
    claiming: list[object] = []

    def counted(of: Engine) -> DatabaseKind:
        claiming.append(of)
        return kind_of(of)

    monkeypatch.setattr(video_jobs, "kind_of", counted)
    ours, theirs = jobs.to_notify(), jobs.to_notify()
    first = next(ours)
    told = [first.job_id]
    for job in theirs:  # another process, which tells the others
        jobs.notified(job, None)
        told.append(job.job_id)
    jobs.notified(first, None)
    assert list(ours) == []
    assert (len(told), len(set(told)), len(claiming)) == (3, 3, 2)
    engine.dispose()
