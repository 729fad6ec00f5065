"""Stored videos of grey frames, in which the fake engine sees people, and the jobs on them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.video.clips import grey, write

from countenance.errors import NoSuchObject
from countenance.jobs import VideoRequest
from countenance.operations import Guard, Jobs, JobState, StoredVideo, VideoRunner


class Films:
    """A bucket "films" in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, name: str, *people: int) -> None:
        """A film at ten frames a second: a second of each person, 0 for an empty place."""
        write(self._folder / name, [grey(10 * person) for person in people for _ in range(10)])

    def spoil(self, name: str) -> None:
        """Make a film one that cannot be read."""
        (self._folder / name).write_bytes(b"no film")

    def stored(self, bucket: str, name: str) -> StoredVideo:
        return StoredVideo(bucket, name, lambda: self._check(bucket, name))

    @contextmanager
    def copied(self, asked: VideoRequest) -> Iterator[Path]:
        self._check(asked.bucket, asked.name)
        yield self._folder / asked.name

    def _check(self, bucket: str, name: str) -> None:
        if bucket != "films" or not (self._folder / name).is_file():
            raise NoSuchObject("there is no such video")

    def run_jobs(self, jobs: Jobs, guard: Guard) -> None:
        """Run all queued jobs to their end."""

        def fetch(bucket: str, name: str, version: str | None, path: Path, most: int) -> None:
            path.write_bytes((self._folder / name).read_bytes())

        runner = VideoRunner(
            jobs.videos, guard, self._folder, at_once=1, fetch=fetch, tell=lambda job: None, poll_s=0.01
        )
        runner.start()
        while any(jobs.videos.counts().get(state) for state in (JobState.WAITING, JobState.RUNNING)):
            time.sleep(0.01)
        runner.stop()
