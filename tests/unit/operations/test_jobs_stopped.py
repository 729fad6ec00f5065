"""A job on stored video that runs when the server stops goes back into the queue, as if it had not been begun."""

from __future__ import annotations

import itertools
import threading
from pathlib import Path
from typing import Any, cast

from tests.unit.operations.conftest import World

from countenance.jobs import Jobs, JobState
from countenance.jobs.job import JobKind, VideoRequest
from countenance.operations import Guard, VideoRunner


class EndlessGuard:
    """Works on a video that does not end."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def carry_out(self, caller: object, operation: Any) -> None:
        for _ in operation.video.progress(itertools.count(), None):
            self.begun.set()


def test_it_goes_back_into_the_queue(world: World, tmp_path: Path) -> None:
    jobs = Jobs(world.database, world.clock).videos
    jobs.start(
        VideoRequest(
            mandate_id=world.register.list()[0].mandate_id,
            access_key=world.key.access_key,
            kind=JobKind.DETECT,
            bucket="b",
            name="n",
            version=None,
            gallery_id=None,
            similarity=None,
            tag=None,
            topic=None,
            token=None,
            request="r",
            keep_days=7,
        )
    )
    guard = EndlessGuard()
    runner = VideoRunner(
        jobs, cast(Guard, guard), tmp_path, at_once=1, fetch=lambda *_: None, tell=lambda _: None, poll_s=0.01
    )
    runner.start()
    assert guard.begun.wait(60)
    assert jobs.counts()[JobState.RUNNING] == 1
    runner.stop()
    assert jobs.counts() == {state: int(state is JobState.WAITING) for state in JobState}
    with jobs.taken() as again:
        assert again is not None and again.attempts == 1
