"""Jobs on stored video in the one database: queued, taken, finished once, erased after their term.

What a job was ordered to do and for whom, whether people verified its result, when it ended and whom it names is bound
to the ledger; how far it has come is not.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded, bound_row, bound_rows
from countenance.database import Claim, Transaction, changing, kind_of, reading_once
from countenance.errors import NotAsRecorded, TokenReused, TooManyJobs
from countenance.faces import DetectedFace
from countenance.gallery.paging import microseconds, moment, portions
from countenance.gallery.tables import faces, galleries
from countenance.jobs.job import Findings, JobCandidate, JobFace, JobKind, JobState, VideoJob, VideoRequest
from countenance.jobs.tables import video_job_candidates, video_job_faces, video_jobs

MOST_OPEN = 20
"""The most jobs of one mandate that wait or run at once; Rekognition's limit for an account."""
MOST_ATTEMPTS = 3
"""How often a job is started whose process ends before it does."""

_OPEN = (JobState.WAITING, JobState.RUNNING)
_AT_ONCE = 1000  # rows erased
_TRIES = 3  # of a look-up whose row is being changed
_PROGRESS = frozenset(["state", "attempts", "message", "outcome", "frames", "notify_us", "notices"])
_WORN = f"the server ended {MOST_ATTEMPTS} times meanwhile"
_DIFFERS = "this job is not as the ledger recorded it, and nothing is done for it"


class VideoJobs:
    """Jobs on stored video. now: the clock, UTC. recorder: records changes of rows; without it none are recorded."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], recorder: Recorder | None = None) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self._now = now

    def start(self, asked: VideoRequest) -> str:
        """Queue a job and return its id; a request whose token is known gets the same id again.

        `TokenReused` if the token came with another request, `TooManyJobs` if `MOST_OPEN` of the mandate are open.
        """

        def work(transaction: Transaction) -> BoundChange[str]:
            connection = transaction.connection
            if asked.token is not None:
                query = sa.select(video_jobs.c.job_id, video_jobs.c.request).where(video_jobs.c.token == asked.token)
                known = connection.execute(query).one_or_none()
                if known is not None:
                    if known.request != asked.request:
                        raise TokenReused("the request token was sent with another request before")
                    return BoundChange(str(known.job_id))
            unfinished = sa.select(sa.func.count()).where(
                video_jobs.c.mandate_id == asked.mandate_id, video_jobs.c.state.in_(_OPEN)
            )
            if connection.execute(unfinished).scalar_one() >= MOST_OPEN:
                raise TooManyJobs(f"{MOST_OPEN} video jobs of this mandate wait or run; start it when one has ended")
            job_id = secrets.token_hex(32)
            connection.execute(
                sa.insert(video_jobs).values(
                    job_id=job_id,
                    mandate_id=asked.mandate_id,
                    access_key=asked.access_key,
                    kind=asked.kind,
                    gallery_id=asked.gallery_id,
                    similarity=asked.similarity,
                    bucket=asked.bucket,
                    object=asked.name,
                    version=asked.version,
                    tag=asked.tag,
                    topic=asked.topic,
                    token=asked.token,
                    request=asked.request,
                    state=JobState.WAITING,
                    attempts=0,
                    outcome={},
                    frames=0,
                    reviewed=False,
                    keep_days=asked.keep_days,
                    made_us=microseconds(self._now()),
                    notices=0,
                )
            )
            return BoundChange(job_id, made=_bound_rows(connection, video_jobs.c.job_id == job_id))

        return self._recorder.change(work)

    def find(self, mandate_id: str, job_id: str, kind: JobKind) -> VideoJob | None:
        """The job of that mandate, id and kind, if there is one. `NotAsRecorded` if its row differs from the record."""
        where = (video_jobs.c.job_id == job_id, video_jobs.c.mandate_id == mandate_id, video_jobs.c.kind == kind)
        for _ in range(_TRIES):
            with reading_once(self._engine) as connection:
                row = connection.execute(sa.select(video_jobs).where(*where)).one_or_none()
            if row is None:
                return None
            if not self._recorder.differing([_bound(row)], once=True):
                return _job(row)
        raise NotAsRecorded(_DIFFERS)

    def counts(self) -> dict[JobState, int]:
        """How many jobs there are in each state."""
        query = sa.select(video_jobs.c.state, sa.func.count()).group_by(video_jobs.c.state)
        with reading_once(self._engine) as connection:
            counts = {state: int(count) for state, count in connection.execute(query)}
        return {state: counts.get(state, 0) for state in JobState}

    def recover(self) -> None:
        """Queue again the jobs whose process ended meanwhile; give up those that were started `MOST_ATTEMPTS` times.

        On SQLite only for the one process that runs jobs.
        """
        running = video_jobs.c.state == JobState.RUNNING
        with reading_once(self._engine) as connection:
            if connection.execute(sa.select(video_jobs.c.number).where(running).limit(1)).first() is None:
                return
        with kind_of(self._engine).claiming(self._engine) as claim:
            with reading_once(self._engine) as connection:
                numbers = connection.execute(sa.select(video_jobs.c.number).where(running)).scalars().all()
            lost = [number for number in numbers if claim(number)]
            these = running & video_jobs.c.number.in_(lost)
            worn = video_jobs.c.attempts >= MOST_ATTEMPTS
            for job in self._select(sa.select(video_jobs).where(these, worn)):
                self.fail(job, _WORN)
            with changing(self._engine) as connection:
                connection.execute(sa.update(video_jobs).where(these).values(state=JobState.WAITING))

    def waiting(self) -> list[str]:
        """The ids of the jobs that wait, in the order in which they came."""
        query = sa.select(video_jobs.c.job_id).where(video_jobs.c.state == JobState.WAITING)
        with reading_once(self._engine) as connection:
            return list(connection.execute(query.order_by(video_jobs.c.number)).scalars())

    def state(self, job_id: str) -> JobState | None:
        """How far that job is; None where there is none."""
        with reading_once(self._engine) as connection:
            state = connection.execute(sa.select(video_jobs.c.state).where(video_jobs.c.job_id == job_id)).scalar()
        if state is not None and state not in tuple(JobState):
            raise NotAsRecorded(_DIFFERS)
        return None if state is None else JobState(state)

    @contextmanager
    def taken(self, job_id: str | None = None) -> Iterator[VideoJob | None]:
        """The job that has waited longest, running and nobody else's for the block; None if there is none to take.

        job_id: that one alone, also where the process that ran it has ended. A job that differs from the record fails.
        """
        if job_id is None and not self.waiting():
            yield None
            return
        with kind_of(self._engine).claiming(self._engine) as claim:
            yield self._take(claim, job_id)

    def _take(self, claim: Claim, job_id: str | None) -> VideoJob | None:
        columns = video_jobs.c
        open_ = columns.state == JobState.WAITING if job_id is None else columns.state.in_(_OPEN)
        query = sa.select(columns.number).where(open_).order_by(columns.number)
        if job_id is not None:
            query = query.where(columns.job_id == job_id)
        with changing(self._engine) as connection:
            number = next(filter(claim, connection.execute(query).scalars().all()), None)
            if number is None:
                return None
            values = {"state": JobState.RUNNING, "attempts": columns.attempts + 1, "frames": 0}
            connection.execute(sa.update(video_jobs).where(columns.number == number).values(values))
            row = connection.execute(sa.select(video_jobs).where(columns.number == number)).one()
        if _sound(row) and not self._recorder.differing([_bound(row)], once=True):
            if row.attempts <= MOST_ATTEMPTS:
                return _job(row)
            self.fail(_job(row), _WORN)
            return None
        with changing(self._engine) as connection:
            failed = {"state": JobState.FAILED, "message": _DIFFERS, "outcome": {}}
            connection.execute(sa.update(video_jobs).where(*_this_attempt(row)).values(failed))
        return self._take(claim, job_id)

    def give_back(self, job: VideoJob) -> None:
        """Queue a running job again, as if it had not been started."""
        values = {"state": JobState.WAITING, "attempts": video_jobs.c.attempts - 1}
        with changing(self._engine) as connection:
            connection.execute(sa.update(video_jobs).where(*_this_attempt(job)).values(values))

    def progress(self, job: VideoJob, frames: int) -> None:
        """Note how many frames have been analysed."""
        with changing(self._engine) as connection:
            connection.execute(sa.update(video_jobs).where(*_this_attempt(job)).values(frames=frames))

    def succeed(self, job: VideoJob, findings: Findings) -> bool:
        """Store the results, all or none; False, and nothing stored, if this attempt is no longer the one running.

        Candidates that were erased meanwhile are left out.
        """

        def work(transaction: Transaction) -> BoundChange[bool]:
            connection = transaction.connection
            if connection.execute(sa.select(video_jobs.c.number).where(*_this_attempt(job))).first() is None:
                return BoundChange(False)
            rows = [
                {"job": job.number, "position": n, "person": each.person, "timestamp_ms": each.timestamp_ms,
                 "face": each.face.written()}
                for n, each in enumerate(findings.faces)
            ]  # fmt: skip
            if rows:
                connection.execute(sa.insert(video_job_faces), rows)
            numbers = _numbers(connection, job.asked.gallery_id, [each.face_id for each in findings.candidates])
            kept = [
                {"job": job.number, "person": each.person, "rank": rank, "face": numbers[each.face_id],
                 "score": each.score, "similarity": each.similarity, "fmr": each.fmr}
                for rank, each in enumerate(findings.candidates) if each.face_id in numbers
            ]  # fmt: skip
            if kept:
                connection.execute(sa.insert(video_job_candidates), kept)
            more = {"outcome": dict(findings.outcome), "reviewed": findings.reviewed}
            ended = self._ended(connection, job.number, JobState.SUCCEEDED, None, **more)
            rows_ = connection.execute(_candidates.where(video_job_candidates.c.job == job.number))
            return replace(ended, made=(*ended.made, *map(_bound_candidate, rows_)))

        return self._recorder.change(work)

    def fail(self, job: VideoJob, message: str) -> None:
        """Note why the job failed, unless this attempt is no longer the one running."""

        def work(transaction: Transaction) -> BoundChange[bool]:
            connection = transaction.connection
            if connection.execute(sa.select(video_jobs.c.number).where(*_this_attempt(job))).first() is None:
                return BoundChange(False)
            return self._ended(connection, job.number, JobState.FAILED, message)

        self._recorder.change(work)

    def faces(self, job: VideoJob, *, by_person: bool, after: int, limit: int) -> list[JobFace]:
        """At most `limit` faces after the first `after`, in order of time, or of person and time."""
        columns = video_job_faces.c
        order = (columns.person, columns.position) if by_person else (columns.position,)
        query = sa.select(video_job_faces).where(columns.job == job.number).order_by(*order).offset(after).limit(limit)
        with reading_once(self._engine) as connection:
            rows = connection.execute(query)
            return [JobFace(row.timestamp_ms, row.person, DetectedFace.read(row.face)) for row in rows]

    def candidates(self, job: VideoJob, people: Sequence[int]) -> list[JobCandidate]:
        """The candidates for those people who are still enrolled, most similar first.

        `NotAsRecorded` if the job's candidates differ from the record, or one of them is gone.
        """
        columns, wanted = video_job_candidates.c, frozenset(people)
        query = (
            _candidates.add_columns(faces.c.face_id)
            .join(faces, faces.c.number == columns.face)
            .where(columns.job == job.number)
            .order_by(columns.person, columns.rank)
        )
        for _ in range(_TRIES):
            with reading_once(self._engine) as connection:
                rows = connection.execute(query).all()
            if self._recorder.complete(_candidates_of(job.number), [_bound_candidate(row[:-1]) for row in rows]):
                return [
                    JobCandidate(row.person, row.face_id, row.score, row.similarity, row.fmr)
                    for row in rows
                    if row.person in wanted
                ]
        raise NotAsRecorded("whom this job names is not as the ledger recorded it, and is not told")

    def page(self, mandate_ids: Collection[str] | None, number: int, size: int) -> tuple[list[VideoJob], bool]:
        """`size` jobs of those mandates, the latest first, of the page with that number from 0; whether there is
        another page. None: of all mandates. One that differs from the record is left out.
        """
        query = sa.select(video_jobs).order_by(video_jobs.c.number.desc()).offset(number * size).limit(size + 1)
        if mandate_ids is not None:
            query = query.where(video_jobs.c.mandate_id.in_(mandate_ids))
        with reading_once(self._engine) as connection:
            rows = connection.execute(query).all()
        return self._as_recorded(rows[:size]), len(rows) > size

    def get(self, job_id: str) -> VideoJob | None:
        """A job of any mandate; None if there is none that is as it was recorded."""
        return next(iter(self._select(sa.select(video_jobs).where(video_jobs.c.job_id == job_id))), None)

    def to_notify(self) -> Iterator[VideoJob]:
        """Jobs that have ended and whose topic is to be notified now, each by one process; none that differs from the
        record.
        """
        due = sa.select(video_jobs).where(video_jobs.c.notify_us <= microseconds(self._now()))
        jobs = self._select(due.order_by(video_jobs.c.number).limit(100))
        if not jobs:
            return
        with kind_of(self._engine).claiming(self._engine) as claim:
            for job in jobs:
                if claim(job.number):  # and nobody told its topic meanwhile
                    yield from self._select(due.where(video_jobs.c.number == job.number))

    def notified(self, job: VideoJob, again_in: timedelta | None) -> None:
        """Note that a notice was sent, or tried; `again_in`: when to try again."""
        due = None if again_in is None else microseconds(self._now() + again_in)
        values = {"notify_us": due, "notices": video_jobs.c.notices + 1}
        with changing(self._engine) as connection:
            connection.execute(sa.update(video_jobs).where(video_jobs.c.number == job.number).values(values))

    def erase_old(self) -> int:
        """Erase the jobs whose term is over, with their results; returns how many. One that differs from the record
        stays, for people to look at.
        """
        day = timedelta(days=1) // timedelta(microseconds=1)
        over = video_jobs.c.ended_us + sa.cast(video_jobs.c.keep_days, sa.BigInteger) * day < microseconds(self._now())
        numbers = [job.number for job in self._select(sa.select(video_jobs).where(over).limit(_AT_ONCE))]
        if not numbers:
            return 0
        these = video_jobs.c.number.in_(numbers)

        def work(transaction: Transaction) -> BoundChange[int]:
            unmade = _bound_rows(transaction.connection, these)
            transaction.connection.execute(sa.delete(video_jobs).where(these))
            return BoundChange(len(unmade), unmade=unmade, dropped=tuple(map(_candidates_of, numbers)))

        return self._recorder.change(work)

    def _ended(
        self, connection: sa.Connection, number: int, state: JobState, message: str | None, **more: Any
    ) -> BoundChange[bool]:
        now = microseconds(self._now())
        due = sa.case((video_jobs.c.topic.is_not(None), now), else_=None)
        values = {"state": state, "message": message, "ended_us": now, "notify_us": due, **more}
        this = video_jobs.c.number == number
        before = _bound_rows(connection, this)
        connection.execute(sa.update(video_jobs).where(this).values(values))
        return BoundChange(True, made=_bound_rows(connection, this), unmade=before)

    def _select(self, query: sa.Select[Any]) -> list[VideoJob]:
        """Those that are as they were recorded."""
        with reading_once(self._engine) as connection:
            rows = connection.execute(query).all()
        return self._as_recorded(rows)

    def _as_recorded(self, rows: Sequence[Any]) -> list[VideoJob]:
        different = set(self._recorder.differing(map(_bound, rows), once=True))
        return [_job(row) for n, row in enumerate(rows) if n not in different and _sound(row)]


def video_job_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All jobs, for comparison with what was recorded."""
    for row in connection.execute(sa.select(video_jobs)):
        yield _bound(row), f"video_jobs, row {row.number}: whose job it is and what it is to do"


def candidate_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All candidates of jobs, for comparison with what was recorded."""
    for row in connection.execute(_candidates):
        name = f"video_job_candidates, job {row.job}, person {row.person}, rank {row.rank}: whom the job names"
        yield _bound_candidate(row), name


def candidates_going(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Sequence[BoundRow]:
    """The candidates that go with the enrolled faces for which `where` holds."""
    query = _candidates.join(faces, faces.c.number == video_job_candidates.c.face).where(where)
    return [_bound_candidate(row) for row in connection.execute(query)]


_candidates = sa.select(video_job_candidates)


def _candidates_of(job: int) -> str:
    return f"{video_job_candidates.name} {job}"


def _bound_candidate(row: Sequence[Any]) -> BoundRow:
    return BoundRow(_candidates_of(row[0]), tuple(row))


def _bound_rows(connection: sa.Connection, where: sa.ColumnElement[bool]) -> tuple[BoundRow, ...]:
    return bound_rows(connection, video_jobs, where, _PROGRESS)


def _bound(row: Any) -> BoundRow:
    return bound_row(video_jobs, row, _PROGRESS)


def _this_attempt(job: VideoJob | sa.Row[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    columns = video_jobs.c
    return columns.number == job.number, columns.state == JobState.RUNNING, columns.attempts == job.attempts


def _numbers(connection: sa.Connection, gallery_id: str | None, face_ids: Sequence[str]) -> dict[str, int]:
    query = sa.select(faces.c.face_id, faces.c.number).join(galleries).where(galleries.c.gallery_id == gallery_id)
    numbers: dict[str, int] = {}
    for some in portions(face_ids):
        numbers.update({row.face_id: row.number for row in connection.execute(query.where(faces.c.face_id.in_(some)))})
    return numbers


def _sound(row: Any) -> bool:
    """Whether what is not bound to the record is of the kind that belongs there."""
    numbers = (row.attempts, row.frames, row.notices)
    known = row.state in tuple(JobState) and isinstance(row.outcome, dict) and isinstance(row.message, str | None)
    return known and all(isinstance(each, int) for each in numbers)


def _job(row: Any) -> VideoJob:
    """`NotAsRecorded` where how far it has come is malformed."""
    if not _sound(row):
        raise NotAsRecorded(_DIFFERS)
    asked = VideoRequest(
        mandate_id=row.mandate_id,
        access_key=row.access_key,
        kind=JobKind(row.kind),
        bucket=row.bucket,
        name=row.object,
        version=row.version,
        gallery_id=row.gallery_id,
        similarity=row.similarity,
        tag=row.tag,
        topic=row.topic,
        token=row.token,
        request=row.request,
        keep_days=row.keep_days,
    )
    ended = None if row.ended_us is None else moment(row.ended_us)
    return VideoJob(
        row.number, row.job_id, asked, JobState(row.state), row.attempts, row.message, row.frames, row.reviewed,
        row.notices, moment(row.made_us), ended, row.outcome,
    )  # fmt: skip
