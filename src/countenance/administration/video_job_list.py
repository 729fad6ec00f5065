"""The jobs on stored video of one installation: state and progress, for those who asked and for supervisors.

Results are read through the guard, under the mandate of a job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from countenance.administration.case_file import CaseFile
from countenance.administration.mandates import Mandates
from countenance.errors import NotFound
from countenance.jobs import VideoJobs
from countenance.mandates import Mandate
from countenance.operations import VideoJob


@dataclass(frozen=True, slots=True)
class ListedVideoJob:
    """A job with its mandate. own: whether whoever reads the list asked for it. case_id, video_id: of the case
    whose video it is; empty for none.
    """

    job: VideoJob
    mandate: Mandate
    own: bool
    case_id: str = ""
    video_id: str = ""

    @property
    def people(self) -> int | None:
        """How many people were found; None until the job has succeeded."""
        people = self.job.outcome.get("people")
        return people if isinstance(people, int) else None


class VideoJobList:
    """All jobs. Keys are issued to who asked for their mandate only, so that is who asked for a job."""

    def __init__(self, jobs: Callable[[], VideoJobs], mandates: Mandates, file: CaseFile) -> None:
        self._jobs = jobs
        self._mandates = mandates
        self._file = file

    def page(self, number: int, by: str, *, supervises: bool, size: int = 50) -> tuple[list[ListedVideoJob], bool]:
        """`size` jobs, the latest first, of the page with that number from 0: those that `by` asked for, and of others
        where `by` supervises; whether there is another page.
        """
        mandates = {each.mandate_id: each for each in self._mandates.list()}
        of = None if supervises else [each.mandate_id for each in mandates.values() if each.requested_by == by]
        jobs, more = self._jobs().page(of, number, size)
        cases = self._file.videos_of_jobs([each.job_id for each in jobs])
        listed = [
            ListedVideoJob(each, mandate, mandate.requested_by == by, *cases.get(each.job_id, ()))
            for each in jobs
            for mandate in [mandates[each.asked.mandate_id]]
        ]
        return listed, more

    def one(self, job_id: str, by: str) -> ListedVideoJob:
        """A job that `by` asked for, or `NotFound`."""
        job = self._jobs().get(job_id)
        mandate = self._mandates.show(job.asked.mandate_id) if job else None
        if job is None or mandate is None or mandate.requested_by != by:
            raise NotFound("there is no such job of yours")
        return ListedVideoJob(job, mandate, True, *self._file.videos_of_jobs([job_id]).get(job_id, ()))
