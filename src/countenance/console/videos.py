"""Jobs on stored video: state, progress and the people found; those of a case lead to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from starlette.responses import Response

from countenance.administration import ListedVideoJob, Role
from countenance.console.asked import ConsoleRequest
from countenance.console.door import ConsolePage, scripted
from countenance.console.galleries import under
from countenance.console.looks import clock, go, page
from countenance.console.mandates import chosen
from countenance.console.progress import events
from countenance.console.streams import Progress
from countenance.console.words import _
from countenance.faces import Candidate
from countenance.operations import JobFace, JobKind, JobState, ReadVideoDetection, ReadVideoSearch

JOB_STATES = {
    JobState.WAITING: _("waits"),
    JobState.RUNNING: _("is looked through"),
    JobState.SUCCEEDED: _("looked through"),
    JobState.FAILED: _("failed"),
}
"""How far a job is, in words."""
WAITS = _("The video waits for its turn.")
LOOKED_THROUGH = _("The video is looked through: %(n)s frames so far.")
_FINAL = (JobState.SUCCEEDED, JobState.FAILED)
_FACES = 1000


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """A person of a video. number: from 1. first_ms, last_ms: when seen first and last. searched: whether there was a
    search for them, since a face was fit for it.
    """

    number: int
    faces: int
    first_ms: int
    last_ms: int
    searched: bool
    leads: tuple[Candidate, ...] = ()


def _list(asked: ConsoleRequest) -> Response:
    at, roles = asked.query_number("page"), asked.by.operator.roles
    supervises = Role.APPROVE in roles
    rows, more = asked.services.video_jobs.page(at, asked.by.operator.name, supervises=supervises)
    return page(
        asked, "videos.html", rows=rows, at=at, more=more, states=JOB_STATES, supervises=supervises,
        asks=Role.REQUEST in roles,
    )  # fmt: skip


def _one(asked: ConsoleRequest) -> Response:
    listed = asked.services.video_jobs.one(asked.path["job_id"], asked.by.operator.name)
    if listed.case_id:
        return go(f"/cases/{listed.case_id}/videos/{listed.video_id}")
    state = listed.job.state
    if state is JobState.SUCCEEDED:
        return _found(asked, listed)
    response = page(asked, "video.html", listed=listed, says=says(asked, listed), people=None, states=JOB_STATES)
    return response if state in _FINAL else scripted(response)


def _found(asked: ConsoleRequest, listed: ListedVideoJob) -> Response:
    mandate = chosen(asked, listed.mandate.mandate_id)
    assert mandate is not None
    after = asked.query_number("after", digits=9)
    job_id, searches = listed.job.job_id, listed.job.asked.kind is JobKind.SEARCH
    read = (
        ReadVideoSearch(job_id, after, _FACES, by_person=True)
        if searches
        else ReadVideoDetection(job_id, after, _FACES)
    )
    answer = asked.services.guard.carry_out(under(asked, mandate), read)
    return page(
        asked,
        "video.html",
        listed=listed,
        says="",
        people=_people(answer.result.faces, answer.result.candidates),
        searches=searches,
        expected=answer.result.expected_false_matches,
        further=after + _FACES if answer.result.more else 0,
        receipt=answer.receipt,
        states=JOB_STATES,
        clock=clock,
    )


def _people(faces: Sequence[JobFace], leads: Mapping[int, tuple[Candidate, ...]]) -> list[SeenPerson]:
    """Those on a page."""
    people = []
    for person, some in groupby(sorted(faces, key=lambda each: each.person), lambda each: each.person):
        times = [each.timestamp_ms for each in some]
        people.append(
            SeenPerson(person + 1, len(times), min(times), max(times), person in leads, leads.get(person, ()))
        )
    return people


def _events(asked: ConsoleRequest) -> Response:
    jobs, job_id, by = asked.services.video_jobs, asked.path["job_id"], asked.by.operator.name
    jobs.one(job_id, by)

    def look() -> Progress:
        listed = jobs.one(job_id, by)
        return Progress(says(asked, listed), listed.job.state in _FINAL)

    return events(asked, look)


def says(asked: ConsoleRequest, listed: ListedVideoJob) -> str:
    """How far a job is, in a line."""
    job = listed.job
    text = WAITS if job.state is JobState.WAITING else LOOKED_THROUGH
    return asked.words.gettext(text) % {"n": f"{job.frames:,}"}


_SEES, _ASKS = frozenset({Role.REQUEST, Role.APPROVE}), frozenset({Role.REQUEST})
PAGES = (
    ConsolePage("/videos", _list, roles=_SEES),
    ConsolePage("/videos/{job_id}", _one, roles=_ASKS),
    ConsolePage("/videos/{job_id}/events", _events, roles=_ASKS),
)
