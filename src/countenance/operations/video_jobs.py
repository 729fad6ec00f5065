"""Jobs on stored video: start one, and read its results. The rules decide the start as they would the use itself. The
job then runs as `DetectInVideo` or `SearchInVideo` under the access key that started it, with its own decision and
result entries; a result that people must verify goes into custody there. Reading is another decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from countenance.errors import Held, NotFound
from countenance.faces import Candidate
from countenance.jobs import JobFace, JobKind, JobState, VideoJob, VideoRequest
from countenance.mandates import Mandate
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.search import Searching
from countenance.policy import Action
from countenance.signing import JSON, digest

KEPT_DAYS = 7
"""Days after a job's end at which its results are erased, as at Amazon Rekognition; fewer if the rules demand it."""


@dataclass(frozen=True, slots=True)
class StoredVideo:
    """A video in a bucket. check: raises an error of `countenance.errors` unless it can be read and is small enough."""

    bucket: str
    name: str
    check: Callable[[], None] = field(repr=False, compare=False)
    version: str | None = None

    def commitment(self) -> JSON:
        """What an entry commits to."""
        return {"bucket": self.bucket, "object": self.name, "version": self.version}


@dataclass(frozen=True, slots=True)
class JobOrder:
    """How a job is ordered. token: its idempotency token. tag: returned with the results. topic: name of the topic that
    is notified when the job has ended.
    """

    token: str | None = None
    tag: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class StartVideoDetection(Operation[None, str]):
    """Queue a job that finds the faces of a stored video; the answer is its id. `TokenReused`, `TooManyJobs`."""

    video: StoredVideo
    order: JobOrder = JobOrder()
    name: ClassVar[str] = "start_video_detection"
    action: ClassVar[Action] = Action.DETECT
    goes_into_custody: ClassVar[bool] = False

    def look(self, tools: Tools) -> None:
        """Check that the video exists."""
        self.video.check()

    def act(self, tools: Tools, permit: Permit, seen: None) -> str:
        """Queue it."""
        return tools.jobs.videos.start(_request(permit, JobKind.DETECT, self.video, self.order))

    def private(self) -> Mapping[str, JSON]:
        """Which video."""
        return {"video": self.video.commitment()}

    def private_result(self, result: str) -> Mapping[str, JSON]:
        """Which job."""
        return {"job": result}


@dataclass(frozen=True, slots=True)
class StartVideoSearch(Operation[None, str]):
    """Queue a job that searches a gallery for each person of a stored video; the answer is its id.

    `TokenReused`, `TooManyJobs`; `NotFound` if there is no such gallery.
    """

    gallery_id: str
    video: StoredVideo
    similarity: float = 80.0
    order: JobOrder = JobOrder()
    name: ClassVar[str] = "start_video_search"
    action: ClassVar[Action] = Action.IDENTIFY
    goes_into_custody: ClassVar[bool] = False

    @property
    def gallery(self) -> str:
        """The gallery that the job will search."""
        return self.gallery_id

    @property
    def min_similarity(self) -> float:
        """The similarity that the caller demands."""
        return self.similarity

    def look(self, tools: Tools) -> None:
        """Check that gallery and video exist."""
        tools.gallery.size(self.gallery_id)
        self.video.check()

    def act(self, tools: Tools, permit: Permit, seen: None) -> str:
        """Queue it."""
        request = _request(permit, JobKind.SEARCH, self.video, self.order, self.gallery_id, self.similarity)
        return tools.jobs.videos.start(request)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which video."""
        return {"gallery": self.gallery_id, "video": self.video.commitment()}

    def private_result(self, result: str) -> Mapping[str, JSON]:
        """Which job."""
        return {"job": result}


@dataclass(frozen=True, slots=True)
class JobPage:
    """A job and one page of its results, empty unless it succeeded. faces: in the order requested. candidates: by
    person of the video, for those on the page; a person without an entry was not searched for. more: whether another
    page follows.
    """

    job: VideoJob
    faces: tuple[JobFace, ...] = ()
    candidates: Mapping[int, tuple[Candidate, ...]] = field(default_factory=dict)
    more: bool = False

    @property
    def expected_false_matches(self) -> float:
        """How many innocent people chance alone would name in the video, at most; 0 until the job has succeeded."""
        expected = self.job.outcome.get("expected_false_matches", 0.0)
        return float(expected) if isinstance(expected, int | float) else 0.0


@dataclass(frozen=True, slots=True)
class ReadVideoDetection(Operation[None, JobPage]):
    """A detection job of the caller's mandate and at most `limit` of its faces after the first `after`; `NotFound`."""

    job_id: str
    after: int = 0
    limit: int = 1000
    name: ClassVar[str] = "read_video_detection"
    action: ClassVar[Action] = Action.DETECT
    goes_into_custody: ClassVar[bool] = False

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> JobPage:
        """Read a page."""
        job = tools.jobs.videos.find(permit.mandate.mandate_id, self.job_id, JobKind.DETECT)
        return _page(job, permit, tools, after=self.after, limit=self.limit, by_person=False)

    def private(self) -> Mapping[str, JSON]:
        """Which job."""
        return {"job": self.job_id}

    def counts(self, result: JobPage) -> Mapping[str, JSON]:
        """How many faces."""
        return {"faces": len(result.faces), "state": result.job.state}


@dataclass(frozen=True, slots=True)
class ReadVideoSearch(Searching[None, JobPage]):
    """A search job of the caller's mandate and at most `limit` of its faces after the first `after`; `NotFound`.

    by_person: in the order of persons, else of time. gallery_id, similarity: those of the job, once `completed`.
    """

    job_id: str
    after: int = 0
    limit: int = 1000
    by_person: bool = False
    gallery_id: str = ""
    similarity: float = 80.0
    name: ClassVar[str] = "read_video_search"
    goes_into_custody: ClassVar[bool] = False

    def completed(self, mandate: Mandate, tools: Tools) -> Self:
        """With the gallery and the similarity of the job."""
        job = tools.jobs.videos.find(mandate.mandate_id, self.job_id, JobKind.SEARCH)
        if job is None or job.asked.gallery_id is None or job.asked.similarity is None:
            return self
        return replace(self, gallery_id=job.asked.gallery_id, similarity=job.asked.similarity)

    @property
    def gallery(self) -> str | None:  # type: ignore[override]  # unknown for a job that is not there
        """The gallery that was searched."""
        return self.gallery_id or None

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> JobPage:
        """Read a page."""
        job = tools.jobs.videos.find(permit.mandate.mandate_id, self.job_id, JobKind.SEARCH)
        page = _page(job, permit, tools, after=self.after, limit=self.limit, by_person=self.by_person)
        return replace(page, candidates=_candidates(page, tools))

    def private(self) -> Mapping[str, JSON]:
        """Which job, which gallery."""
        return {"job": self.job_id, "gallery": self.gallery_id}

    def counts(self, result: JobPage) -> Mapping[str, JSON]:
        """How many faces, and candidates for how many people."""
        return {
            "faces": len(result.faces),
            "candidates": sum(map(len, result.candidates.values())),
            "state": result.job.state,
        }

    def private_result(self, result: JobPage) -> Mapping[str, JSON]:
        """Which candidates for which person of the video."""
        return {
            "people": [
                [person, [[c.face.face_id, c.similarity, c.face.external_id] for c in candidates]]
                for person, candidates in result.candidates.items()
            ]
        }


def _request(
    permit: Permit,
    kind: JobKind,
    video: StoredVideo,
    order: JobOrder,
    gallery_id: str | None = None,
    similarity: float | None = None,
) -> VideoRequest:
    mandate_id = permit.mandate.mandate_id
    days = KEPT_DAYS if permit.keep_days is None else min(KEPT_DAYS, permit.keep_days)
    return VideoRequest(
        mandate_id=mandate_id,
        access_key=permit.access_key,
        kind=kind,
        bucket=video.bucket,
        name=video.name,
        version=video.version,
        gallery_id=gallery_id,
        similarity=similarity,
        tag=order.tag,
        topic=order.topic,
        token=None if order.token is None else digest([mandate_id, kind, order.token]),
        request=digest([video.commitment(), gallery_id, similarity, order.tag, order.topic]),
        keep_days=days,
    )


def _page(job: VideoJob | None, permit: Permit, tools: Tools, *, after: int, limit: int, by_person: bool) -> JobPage:
    if job is None:
        raise NotFound("there is no such job under this mandate")
    if job.state is not JobState.SUCCEEDED:
        return JobPage(job)
    if permit.withheld and not job.reviewed:
        raise Held("Held: the rules now want people to verify results like these first. Start the job again.")
    faces = tools.jobs.videos.faces(job, by_person=by_person, after=after, limit=limit + 1)
    return JobPage(job, tuple(faces[:limit]), more=len(faces) > limit)


def _candidates(page: JobPage, tools: Tools) -> dict[int, tuple[Candidate, ...]]:
    """Those for the people on the page who were searched for, as they are enrolled now."""
    unsearched = page.job.outcome.get("unsearched")
    left_out = set(unsearched) if isinstance(unsearched, list) else set()
    people = sorted({face.person for face in page.faces} - left_out)
    stored = tools.jobs.videos.candidates(page.job, people)
    ids = sorted({each.face_id for each in stored})
    enrolled = {}
    for start in range(0, len(ids), 1000):
        some = ids[start : start + 1000]
        page_of_faces = tools.gallery.faces(page.job.asked.gallery_id or "", face_ids=some, limit=len(some))
        enrolled.update({face.face_id: face for face in page_of_faces.items})
    return {
        person: tuple(
            Candidate(enrolled[each.face_id], each.score, each.similarity, each.fmr)
            for each in stored
            if each.person == person and each.face_id in enrolled
        )
        for person in people
    }
