"""Runs queued video jobs: a limited number at once, in one process of each data folder, which holds a file lock there.

Where several folders share a database, each job is claimed by one process. However a process ends, its claims do, too,
and another one queues its unfinished jobs again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

from countenance.errors import CountenanceError, NotRecorded, Overloaded
from countenance.jobs import Findings, JobCandidate, JobFace, JobKind, JobState, VideoJob, VideoJobs
from countenance.operations.guard import Answer, Caller, Guard
from countenance.operations.video import DetectInVideo, PeopleSeen, SearchInVideo, VideoFile, VideoSearchAnswer
from countenance.signing import JSON
from countenance.video import Frame, VideoFacts, VideoLimits

log = logging.getLogger("countenance")

SPOOL = "videos-in-hand"
"""Folder of the data folder that holds the videos of running jobs."""

Fetch = Callable[[str, str, str | None, Path, int], None]
"""Copies an object (bucket, name, version) to a new file, if it has at most that many bytes."""
Tell = Callable[[VideoJob], None]
"""Notifies a job's topic that it has ended; raises OSError if that failed."""

_RETRY_S = (10.0, 60.0, 300.0)


class _Stopped(Exception):
    """The server stops; the job goes back into the queue."""


class VideoRunner:
    """Runs the jobs of `jobs` through `guard`, between `start` and `stop`.

    home: the data folder. at_once: how many jobs run at once. fetch: gets a video. tell: sends a notice.
    """

    def __init__(
        self,
        jobs: VideoJobs,
        guard: Guard,
        home: Path,
        *,
        at_once: int,
        fetch: Fetch,
        tell: Tell,
        limits: VideoLimits = VideoLimits(),  # noqa: B008  # frozen
        poll_s: float = 0.5,
    ) -> None:
        self._jobs = jobs
        self._guard = guard
        self._home = home
        self._fetch = fetch
        self._tell = tell
        self._limits = limits
        self._poll_s = poll_s
        self._fault = ""
        self._stopped = Event()
        self._chosen = Event()
        self._threads = [Thread(target=self._keep, name="video-jobs", daemon=True)]
        self._threads += [Thread(target=self._work, name=f"video-job-{n}", daemon=True) for n in range(at_once)]

    def start(self) -> None:
        """Begin; once for each runner."""
        for thread in self._threads:
            thread.start()

    def run_one(self, job_id: str) -> JobState | None:
        """Run that job now, in the caller's thread, unless another process has it or it has ended; its state then.

        None: there is no such job. A job whose process ended is run again.
        """
        self._next(job_id)
        return self._jobs.state(job_id)

    def stop(self) -> None:
        """Stop soon: running jobs go back into the queue."""
        self._stopped.set()
        self._chosen.set()
        for thread in self._threads:
            thread.join()

    def _keep(self) -> None:
        """Hold the lock, send notices, erase what is over."""
        lock = os.open(self._home / "videos.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while not self._locked(lock):
                if self._stopped.wait(self._poll_s):
                    return
            self._safely(self._begin)
            self._chosen.set()
            swept = -3600.0
            while not self._stopped.wait(self._poll_s):
                self._safely(self._send_notices)
                if time.monotonic() - swept > 60:
                    swept = time.monotonic()
                    self._safely(self._jobs.recover)
                    self._safely(self._jobs.erase_old)
            for thread in self._threads[1:]:
                thread.join()
        finally:
            os.close(lock)

    @staticmethod
    def _locked(lock: int) -> bool:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _begin(self) -> None:
        spool = self._home / SPOOL
        spool.mkdir(mode=0o700, exist_ok=True)
        _clear(spool)
        self._jobs.recover()

    def _work(self) -> None:
        self._chosen.wait()
        while not self._stopped.is_set():
            if not self._safely(self._next):
                self._stopped.wait(self._poll_s)

    def _safely(self, step: Callable[[], object]) -> bool:
        try:
            done = bool(step())
        except Exception as error:  # most likely the database; unfinished work is done later
            if (kind := type(error).__name__) != self._fault:  # once, however often it is tried again
                self._fault = kind
                log.error("video jobs: %s", kind)
            return False
        self._fault = ""
        return done

    def _next(self, job_id: str | None = None) -> bool:
        with self._jobs.taken(job_id) as job:
            return job is not None and self._carry_out(job)

    def _carry_out(self, job: VideoJob) -> bool:
        try:
            with spooled(self._home / SPOOL) as folder:
                self._run(job, folder / "video")
        except (_Stopped, NotRecorded, Overloaded):
            self._jobs.give_back(job)
            return False
        except CountenanceError as error:
            self._jobs.fail(job, str(error))
        except Exception as error:
            log.error("video job %s failed: %s", job.job_id, type(error).__name__)
            self._jobs.fail(job, "the job could not be carried out; the operator's log names it")
        return True

    def _run(self, job: VideoJob, path: Path) -> None:
        request = job.asked
        self._fetch(request.bucket, request.name, request.version, path, self._limits.max_bytes)
        video = VideoFile(path, limits=self._limits, progress=lambda frames, facts: self._counted(job, frames))
        caller = Caller(request.access_key)
        if request.kind is JobKind.DETECT:
            findings = _detected(self._guard.carry_out(caller, DetectInVideo(video)))
        else:
            search = SearchInVideo(request.gallery_id or "", video, similarity=request.similarity or 0.0)
            findings = _searched(self._guard.carry_out(caller, search))
        self._jobs.succeed(job, findings)

    def _counted(self, job: VideoJob, frames: Iterable[Frame]) -> Iterator[Frame]:
        last_said_s = time.monotonic()
        for count, frame in enumerate(frames):
            if self._stopped.is_set():
                raise _Stopped
            if time.monotonic() - last_said_s > 2:
                last_said_s = time.monotonic()
                self._jobs.progress(job, count)
            yield frame

    def _send_notices(self) -> None:
        for job in self._jobs.to_notify():
            try:
                self._tell(job)
            except (OSError, ValueError) as error:
                log.error("the topic of video job %s was not told: %s", job.job_id, type(error).__name__)
                more = _RETRY_S[job.notices : job.notices + 1]
                self._jobs.notified(job, timedelta(seconds=more[0]) if more else None)
            else:
                self._jobs.notified(job, None)


@contextmanager
def spooled(spool: Path) -> Iterator[Path]:
    """A folder in `spool` that `_clear` leaves alone as long as this process has it."""
    spool.mkdir(mode=0o700, exist_ok=True)
    with ExitStack() as until_then:
        while True:
            folder = Path(tempfile.mkdtemp(dir=spool))
            with suppress(FileNotFoundError, BlockingIOError):
                until_then.enter_context(_held(folder))
                if folder.exists():
                    break
            until_then.close()  # another process cleared it away before it was held
        until_then.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _clear(spool: Path) -> None:
    """Erase what processes that were killed left in `spool`; others may make and delete folders there meanwhile."""
    for folder in spool.iterdir():
        with suppress(FileNotFoundError, BlockingIOError), _held(folder):  # its process deleted it, or has it
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold the lock on `folder`; BlockingIOError if another has it."""
    held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(held)


def _detected(answer: Answer[PeopleSeen]) -> Findings:
    seen = answer.result
    return Findings(_faces(seen), (), _outcome(seen), answer.reviewed)


def _searched(answer: Answer[VideoSearchAnswer]) -> Findings:
    result = answer.result
    candidates = [
        JobCandidate(person.track.index, each.face.face_id, each.score, each.similarity, each.fmr)
        for person in result.people
        for each in person.candidates
    ]
    unsearched: Sequence[JSON] = [person.track.index for person in result.people if person.unsearched]
    outcome = {
        **_outcome(result.seen),
        "unsearched": list(unsearched),
        "expected_false_matches": result.expected_false_matches,
        "gallery_size": result.gallery_size,
    }
    return Findings(_faces(result.seen), tuple(candidates), outcome, answer.reviewed)


def _faces(seen: PeopleSeen) -> tuple[JobFace, ...]:
    return tuple(JobFace(each.timestamp_ms, each.person, each.face) for each in seen.faces)


def _outcome(seen: PeopleSeen) -> dict[str, JSON]:
    facts: VideoFacts = seen.facts
    return {
        "container": facts.container,
        "codec": facts.codec,
        "duration_ms": facts.duration_ms,
        "rate": facts.rate,
        "width": facts.width,
        "height": facts.height,
        "frames": seen.frames,
        "people": len(seen.tracks),
        "version": seen.version,
    }
