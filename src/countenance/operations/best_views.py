"""The best view of each person of a video that a job has looked through, cut out of the video."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Self

from countenance.errors import Conflict, NotFound
from countenance.faces import BoundingBox
from countenance.jobs import JobFace, JobKind, JobState, VideoJob, VideoRequest
from countenance.mandates import Mandate
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.video import STEP_MS
from countenance.operations.video_jobs import ReadVideoDetection
from countenance.policy import Action
from countenance.redaction.portraits import cut_out
from countenance.signing import JSON
from countenance.video import VideoLimits, open_video, worth_of

MOST_PEOPLE = 100
"""So many people of one video get a best view: those who are seen most often."""
AWAY_MS = 1000
"""A person who is not seen for longer than this has left and come back."""
_PAGE = 5000

Copied = Callable[[VideoRequest], AbstractContextManager[Path]]
"""A copy of a stored video on this machine for as long as the block lasts."""


@dataclass(frozen=True, slots=True)
class BestView:
    """A person of a video. Times: milliseconds from its start. spans: (from, to) of each time in view. picture: the
    square round the face at `best_ms`, PNG of the video's own pixels, other faces covered.
    """

    person: int
    spans: tuple[tuple[int, int], ...]
    best_ms: int
    picture: bytes


@dataclass(frozen=True, slots=True)
class BestViews:
    """Those of a video, by first appearance. left_out: how many more people it has. until: when the job is erased."""

    views: tuple[BestView, ...]
    left_out: int
    until: datetime


@dataclass(slots=True)
class _PersonInView:
    best: JobFace
    spans: list[tuple[int, int]]
    count: int = 0

    def add(self, face: JobFace) -> None:
        start, end = self.spans[-1]
        if face.timestamp_ms - end > AWAY_MS:
            self.spans.append((face.timestamp_ms, face.timestamp_ms))
        else:
            self.spans[-1] = (start, face.timestamp_ms)
        self.count += 1
        if worth_of(face.face) > worth_of(self.best.face):
            self.best = face


@dataclass(frozen=True, slots=True)
class TakeBestViews(Operation[BestViews, BestViews]):
    """Cut the best view of each person out of the video of a detection job of the caller's mandate; nothing is stored.

    `NotFound` without such a job, `Conflict` until it has succeeded. job: set by `completed`.
    """

    job_id: str
    copied: Copied = field(repr=False, compare=False)
    job: VideoJob | None = None
    name: ClassVar[str] = "take_best_views"
    action: ClassVar[Action] = Action.DETECT
    goes_into_custody: ClassVar[bool] = False

    def completed(self, mandate: Mandate, tools: Tools) -> Self:
        """With the job."""
        return replace(self, job=tools.jobs.videos.find(mandate.mandate_id, self.job_id, JobKind.DETECT))

    def look(self, tools: Tools) -> BestViews:
        """Choose the views by what the job found, then decode the video once more."""
        job = self.job
        if job is None:
            raise NotFound("there is no such job under this mandate")
        if job.state is not JobState.SUCCEEDED or job.ended_at is None:
            raise Conflict("the video is still looked through" if job.message is None else job.message)
        people, boxes = _people(job, tools)
        numbers = sorted(sorted(people, key=lambda person: -people[person].count)[:MOST_PEOPLE])
        cut = self._cut(job, {person: people[person].best for person in numbers}, boxes)
        views = tuple(
            BestView(person, tuple(people[person].spans), people[person].best.timestamp_ms, cut[person])
            for person in numbers
            if person in cut
        )
        until = job.ended_at + timedelta(days=job.asked.keep_days)
        return BestViews(views, len(people) - len(views), until)

    def act(self, tools: Tools, permit: Permit, seen: BestViews) -> BestViews:
        """Nothing is stored. `Held` where the rules now want people to verify what the job found first."""
        ReadVideoDetection(self.job_id, limit=1).act(tools, permit, None)
        return seen

    def private(self) -> Mapping[str, JSON]:
        """Which job."""
        return {"job": self.job_id}

    def counts(self, result: BestViews) -> Mapping[str, JSON]:
        """Of how many people."""
        return {"people": len(result.views)}

    def _cut(
        self, job: VideoJob, best: Mapping[int, JobFace], boxes: Mapping[int, list[tuple[int, BoundingBox]]]
    ) -> dict[int, bytes]:
        wanted: dict[int, list[int]] = {}
        for person, face in best.items():
            wanted.setdefault(face.timestamp_ms, []).append(person)
        pictures: dict[int, bytes] = {}
        if not wanted:
            return pictures
        with self.copied(job.asked) as path, open_video(path, VideoLimits(), STEP_MS) as video:
            for frame in video.frames():
                moment = round(frame.timestamp_ms)
                for person in wanted.pop(moment, ()):
                    others = [box for other, box in boxes[moment] if other != person]
                    pictures[person] = cut_out(frame.pixels, best[person].face.box, others)
                if not wanted:
                    break
        return pictures


def _people(job: VideoJob, tools: Tools) -> tuple[dict[int, _PersonInView], dict[int, list[tuple[int, BoundingBox]]]]:
    """The people that the job found; and all boxes of the moments, for covering those who are beside a face."""
    people: dict[int, _PersonInView] = {}
    boxes: dict[int, list[tuple[int, BoundingBox]]] = {}
    after = 0
    while page := tools.jobs.videos.faces(job, by_person=False, after=after, limit=_PAGE):
        after += len(page)
        for face in page:
            at = face.timestamp_ms
            people.setdefault(face.person, _PersonInView(face, [(at, at)])).add(face)
            boxes.setdefault(at, []).append((face.person, face.face.box))
    return people, boxes
