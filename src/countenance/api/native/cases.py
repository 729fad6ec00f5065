"""Cases: opened, searched by pictures, comparisons and videos, their leads read, supported and exported; supervised."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Query

from countenance.administration import Cases, CaseVideos, EvidenceKind, ExportUse, Operator, Reviews, Role, VideoJobList
from countenance.api.native import case_answers as answers
from countenance.api.native.access import Caller, may, router
from countenance.api.native.bodies import PICTURE, described, reading
from countenance.operations import Caller as KeyHolder
from countenance.wire.cases import (
    CASE_ID,
    AuthorisationOfCase,
    CaseBody,
    CaseComparisonBody,
    CaseList,
    CaseSearchBody,
    CaseSearchShown,
    CaseShown,
    CaseVideoBody,
    CaseVideoShown,
    CropBody,
    EvidenceBody,
    ExportBody,
    ExportShown,
    PictureContent,
    PictureSeen,
    VideoJobsShown,
)
from countenance.wire.faces import PictureBody

CasePath = Annotated[str, Path(description="The case's id.", pattern=CASE_ID)]
SearchPath = Annotated[str, Path(description="The search's id.", pattern=r"^search-[0-9a-f]{12}$")]
VideoPath = Annotated[str, Path(description="The video's id.", pattern=r"^video-[0-9a-f]{12}$")]
LeadPath = Annotated[int, Path(ge=1, le=100, description="The lead's number in its search, from 1.")]
PersonPath = Annotated[int, Path(ge=1, le=999_999, description="The person's number in the video, from 1.")]
Picture = Annotated[PictureBody, Depends(reading(PictureBody, PICTURE))]
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class CaseDoor:
    """What routes of cases and reviews need. key_under: the access key with which an operator acts under a mandate.

    executor: threads for what works with models.
    """

    cases: Cases
    videos: CaseVideos
    jobs: VideoJobList
    reviews: Reviews
    key_under: Callable[[Operator, str], str]
    executor: Executor

    def run(self, call: Callable[[], Done]) -> Done:
        """Its result, from a thread of `executor`. Blocks."""
        return self.executor.submit(call).result()

    def holder(self, operator: Operator, mandate_id: str) -> KeyHolder:
        """The operator under a mandate, as the guard knows them."""
        return KeyHolder(self.key_under(operator, mandate_id))


_ASKS, _SUPERVISES, _SEES = may(Role.REQUEST), may(Role.APPROVE), may(Role.REQUEST, Role.APPROVE)


def routes(door: CaseDoor) -> APIRouter:
    """The routes under /cases, but those of pictures and videos."""
    at = router("cases", 400, 404, 409, 429)
    cases = door.cases

    @at.get("/cases", openapi_extra=_SEES, summary="List cases")
    def list_cases(
        caller: Caller, page: Annotated[int, Query(ge=0, le=99_999, description="Which page, from 0.")] = 0
    ) -> CaseList:
        """Fifty cases of everybody, the latest first; what they are about is told of your own only."""
        rows, more = cases.file.page(page)
        lines = [answers.case_line(each, frozen, caller.name) for each, frozen in rows]
        return CaseList(cases=lines, next=page + 1 if more else None)

    @at.post("/cases", status_code=201, openapi_extra=_ASKS, summary="Open a case")
    def open_case(body: CaseBody, caller: Caller) -> CaseShown:
        """Open a case under a mandate in force that you asked for."""
        case = cases.open(
            body.mandate_id,
            caller.name,
            purpose=body.purpose,
            offence=body.offence,
            authority=body.authority,
            reference=body.reference,
            until=body.until,
            arose_from=body.arose_from or "",
        )
        return answers.case_shown(case, cases)

    @at.get("/cases/{case_id}", openapi_extra=_SEES, summary="Show a case")
    def show(case_id: CasePath, caller: Caller) -> CaseShown:
        """A case, for who opened it. Others supervise; that they looked is on record, and they judge it no more."""
        return answers.case_shown(cases.show(case_id, caller.name, supervises=_supervises(caller)), cases)

    @at.post("/cases/{case_id}/authorisations", openapi_extra=_SUPERVISES, summary="Enter another authorisation")
    def authorise(case_id: CasePath, body: AuthorisationOfCase, caller: Caller) -> CaseShown:
        """Enter one, never for a case of your own. What was frozen because the last one ended is so no more."""
        case = cases.authorise(
            case_id, caller.name, authority=body.authority, reference=body.reference, until=body.until
        )
        return answers.case_shown(case, cases)

    @at.post("/cases/{case_id}/closing", openapi_extra=_SEES, summary="Close a case")
    def close(case_id: CasePath, caller: Caller) -> CaseShown:
        """Close it for good: reviews end, and their pictures are erased; the record stays."""
        return answers.case_shown(cases.close(case_id, caller.name, supervises=_supervises(caller)), cases)

    @at.post("/cases/{case_id}/searches", status_code=201, openapi_extra=_ASKS, summary="Search in a case")
    def search(case_id: CasePath, body: CaseSearchBody, caller: Caller) -> CaseSearchShown:
        """Search a gallery for a face. Nobody, and a picture that is not fit, are results; leads may be withheld."""
        case = cases.usable(case_id, caller.name)
        holder = door.holder(caller, case.mandate_id)
        search_made = door.run(
            lambda: cases.search(
                case_id,
                caller.name,
                holder,
                picture_id=body.picture_id,
                place=body.face - 1,
                gallery_id=body.gallery_id,
                similarity=body.similarity,
                limit=body.limit,
            )
        )
        return seen(search_made.case_id, search_made.search_id, caller)

    @at.post("/cases/{case_id}/comparisons", status_code=201, openapi_extra=_ASKS, summary="Compare in a case")
    def compare(case_id: CasePath, body: CaseComparisonBody, caller: Caller) -> CaseSearchShown:
        """Compare faces of two pictures: a search with one lead at most, withheld and exported as such."""
        case = cases.usable(case_id, caller.name)
        holder = door.holder(caller, case.mandate_id)
        pictures = [(each.picture_id, each.face - 1) for each in (body.first, body.second)]
        comparison = door.run(
            lambda: cases.compare(case_id, caller.name, holder, pictures=pictures, similarity=body.similarity)
        )
        return seen(comparison.case_id, comparison.search_id, caller)

    @at.get("/cases/{case_id}/searches/{search_id}", openapi_extra=_SEES, summary="Show a search in a case")
    def show_search(case_id: CasePath, search_id: SearchPath, caller: Caller) -> CaseSearchShown:
        """What may be seen of it now. It is recorded that you looked."""
        return seen(case_id, search_id, caller)

    @at.post(
        "/cases/{case_id}/searches/{search_id}/leads/{lead}/evidence",
        openapi_extra=_ASKS,
        summary="Enter independent evidence",
    )
    def enter_evidence(
        case_id: CasePath, search_id: SearchPath, lead: LeadPath, body: EvidenceBody, caller: Caller
    ) -> CaseSearchShown:
        """Enter evidence for a lead that may be seen, in a case of your own."""
        cases.file.search(search_id, case_id)
        kind = EvidenceKind(body.kind)
        cases.enter_evidence(search_id, lead - 1, caller.name, kind, body.what, independent=body.independent)
        return seen(case_id, search_id, caller)

    @at.post("/cases/{case_id}/searches/{search_id}/leads/{lead}/exports", openapi_extra=_ASKS, summary="Export a lead")
    def export(
        case_id: CasePath, search_id: SearchPath, lead: LeadPath, body: ExportBody, caller: Caller
    ) -> ExportShown:
        """The text of a lead, for a line-up or a warrant; 409 without independent evidence for it on record."""
        cases.file.search(search_id, case_id)
        return ExportShown(text=cases.export(search_id, lead - 1, caller.name, ExportUse(body.use)))

    def seen(case_id: str, search_id: str, caller: Operator) -> CaseSearchShown:
        cases.file.search(search_id, case_id)
        result = cases.result(search_id, caller.name, supervises=_supervises(caller))
        return answers.search_shown(result, cases.to_bring(result, caller.name))

    return at


def video_jobs(door: CaseDoor) -> APIRouter:
    """The list of jobs on stored video."""
    at = router("cases", 400)

    @at.get("/video-jobs", openapi_extra=_SEES, summary="List video jobs")
    def list_video_jobs(
        caller: Caller,
        page: Annotated[int, Query(ge=0, le=99_999, description="Which page, from 0.")] = 0,
    ) -> VideoJobsShown:
        """Fifty jobs, the latest first: those that you asked for, and everybody's if you approve. Which video is told
        of your own only.
        """
        rows, more = door.jobs.page(page, caller.name, supervises=_supervises(caller))
        return VideoJobsShown(jobs=[answers.video_job_line(each) for each in rows], next=page + 1 if more else None)

    return at


def pictures(door: CaseDoor) -> APIRouter:
    """The routes of pictures and videos under /cases."""
    at = router("case-pictures", 400, 404, 409, 415, 429)
    cases, videos = door.cases, door.videos

    @at.post(
        "/cases/{case_id}/pictures",
        openapi_extra={**_ASKS, **described(PictureBody, PICTURE)},
        summary="Find the faces of a picture of a case",
    )
    def look(case_id: CasePath, body: Picture, caller: Caller) -> PictureSeen:
        """Find the faces, to choose one. The picture is kept in memory for 15 minutes, for you, and then forgotten."""
        case = cases.usable(case_id, caller.name)
        holder = door.holder(caller, case.mandate_id)
        return answers.picture_seen(door.run(lambda: cases.look(case_id, caller.name, holder, body.image)))

    @at.post("/cases/{case_id}/crops", openapi_extra=_ASKS, summary="Look at a part of a picture")
    def crop(case_id: CasePath, body: CropBody, caller: Caller) -> PictureSeen:
        """A part of a picture in place of the whole; which part is on record with the search."""
        case = cases.usable(case_id, caller.name)
        holder = door.holder(caller, case.mandate_id)
        edges = {"left": body.left, "top": body.top, "right": body.right, "bottom": body.bottom}
        return answers.picture_seen(
            door.run(lambda: cases.crop(case_id, caller.name, holder, body.picture_id, **edges))
        )

    @at.post(
        "/cases/{case_id}/searches/{search_id}/leads/{lead}/picture",
        status_code=204,
        openapi_extra={**_SUPERVISES, **described(PictureBody, PICTURE)},
        summary="Bring the picture of a lead",
    )
    def bring(case_id: CasePath, search_id: SearchPath, lead: LeadPath, body: Picture, caller: Caller) -> None:
        """The very file that a lead was enrolled from, for its review; never in a case of your own, nor judged by you.

        Only the face is kept, sealed, until the review is over.
        """
        cases.file.search(search_id, case_id)
        door.run(lambda: cases.bring(search_id, lead - 1, caller.name, body.image))

    @at.post("/cases/{case_id}/videos", status_code=201, openapi_extra=_ASKS, summary="Find the people of a video")
    def begin(case_id: CasePath, body: CaseVideoBody, caller: Caller) -> CaseVideoShown:
        """Begin to look for people in a stored video; a job does it."""
        case = cases.usable(case_id, caller.name)
        holder = door.holder(caller, case.mandate_id)
        video = videos.begin(case_id, caller.name, holder, body.bucket, body.name)
        return answers.video_shown(video, videos.job(video, holder).state.value)

    @at.get("/cases/{case_id}/videos/{video_id}", openapi_extra=_ASKS, summary="Show a video of a case")
    def show_video(case_id: CasePath, video_id: VideoPath, caller: Caller) -> CaseVideoShown:
        """How far its job is; once their views are kept, its people."""
        video = videos.show(case_id, video_id, caller.name)
        if video.people is not None:
            return answers.video_shown(video, None)
        holder = door.holder(caller, cases.file.case(case_id).mandate_id)
        return answers.video_shown(video, videos.job(video, holder).state.value)

    @at.post("/cases/{case_id}/videos/{video_id}/views", openapi_extra=_ASKS, summary="Keep the views of its people")
    def take_views(case_id: CasePath, video_id: VideoPath, caller: Caller) -> CaseVideoShown:
        """Cut out the best view of each person and keep it, sealed; 409 until the job has succeeded, and a 2nd time."""
        case = cases.usable(case_id, caller.name)
        holder = door.holder(caller, case.mandate_id)
        taken = door.run(lambda: videos.take_views(case_id, video_id, caller.name, holder))
        return answers.video_shown(taken, None)

    @at.get(
        "/cases/{case_id}/videos/{video_id}/people/{person}/view",
        openapi_extra=_ASKS,
        summary="Show a person of a video",
    )
    def view(case_id: CasePath, video_id: VideoPath, person: PersonPath, caller: Caller) -> PictureContent:
        """The best view of a person; it is recorded that it was shown."""
        content = videos.view(case_id, video_id, caller.name, person - 1)
        return PictureContent(picture=content, media_type="image/png")

    @at.post(
        "/cases/{case_id}/videos/{video_id}/people/{person}/picture",
        openapi_extra=_ASKS,
        summary="Look at a person of a video, for a search",
    )
    def look_at_person(case_id: CasePath, video_id: VideoPath, person: PersonPath, caller: Caller) -> PictureSeen:
        """The best view of a person as a picture of the case, of which a face is chosen."""
        case = cases.usable(case_id, caller.name)
        holder = door.holder(caller, case.mandate_id)
        return answers.picture_seen(door.run(lambda: videos.look(case_id, video_id, caller.name, holder, person - 1)))

    return at


def _supervises(operator: Operator) -> bool:
    return Role.APPROVE in operator.roles
