"""Cases, searches and videos in the form of their answers: what may be seen of them now, and nothing else."""

from __future__ import annotations

from countenance.administration import (
    Case,
    CaseResult,
    Cases,
    CaseVideo,
    LeadConclusion,
    ListedVideoJob,
    PendingPicture,
    ProbeQuality,
    SearchKind,
    SearchOfCase,
    SearchState,
    VideoSight,
)
from countenance.api.native.face_answers import face_shown
from countenance.wire.cases import (
    AuthorisationOfCaseShown,
    CaseLeadShown,
    CaseLine,
    CaseSearchShown,
    CaseShown,
    CaseVideoShown,
    EvidenceShown,
    JudgementShown,
    MeasuredFace,
    PictureSeen,
    PictureWanted,
    SearchLine,
    SightShown,
    StateOfCase,
    VideoJobLine,
)

_WITHHELD = frozenset({SearchState.PICTURES, SearchState.REVIEW, SearchState.FROZEN})


def case_line(case: Case, frozen: str, by: str) -> CaseLine:
    """A case in a list that `by` reads. frozen: why it is; empty where it is not."""
    return CaseLine(
        case_id=case.case_id,
        opened_by=case.opened_by,
        opened_at=case.opened_at,
        until=case.authorisation.until,
        state=_state(case, frozen),
        offence=case.offence if case.opened_by == by else None,
    )


def case_shown(case: Case, cases: Cases) -> CaseShown:
    """A case with its searches."""
    frozen = cases.file.frozen(case)
    return CaseShown(
        case_id=case.case_id,
        mandate_id=case.mandate_id,
        opened_by=case.opened_by,
        opened_at=case.opened_at,
        closed_at=case.closed_at,
        purpose=case.purpose,
        offence=case.offence,
        arose_from=case.arose_from or None,
        authorisations=[
            AuthorisationOfCaseShown(
                authority=each.authority, reference=each.reference, until=each.until, entered_by=each.entered_by
            )
            for each in case.authorisations
        ],
        state=_state(case, frozen),
        frozen=frozen or None,
        tainted=cases.file.tainted(case.case_id),
        searches=[_line(each) for each in cases.file.searches(case)],
        videos=cases.file.video_ids(case.case_id),
    )


def picture_seen(seen: PendingPicture) -> PictureSeen:
    """A picture with its faces."""
    faces = [face_shown(each) for each in seen.faces]
    return PictureSeen(picture_id=seen.picture_id, faces=faces, cropped=seen.cropped or None)


def search_shown(result: CaseResult, wanted: dict[int, str]) -> CaseSearchShown:
    """A search with what may be seen of it. wanted: the names of leads whose pictures are to be brought, by place."""
    search, frozen = result.search, result.state is SearchState.FROZEN
    pair = search.kind is SearchKind.PICTURE
    says = result.frozen if frozen else search.says if result.state is SearchState.UNFIT else ""
    judged = [each.grade for each in result.conclusions] if result.state is SearchState.REVIEWED else []
    return CaseSearchShown(
        search_id=search.search_id,
        case_id=search.case_id,
        kind=search.kind.value,
        state=result.state.value,
        says=says or None,
        asked_at=search.asked_at,
        gallery_id=search.gallery_id or None,
        gallery_size=None if pair else search.size,
        provenance=None if pair else search.provenance,
        similarity=search.least,
        expected_innocent=None if result.state in _WITHHELD else search.expected,
        reviewers=search.reviewers,
        leads=[_lead(result, each) for each in result.shown],
        judged=[each.value for each in judged if each is not None],
        wanted=[PictureWanted(lead=place + 1, name=name) for place, name in wanted.items()],
        face=None if frozen else _measured(search.quality),
        other_face=None if frozen or search.other is None else _measured(search.other),
        cropped=search.cropped or None,
        seen_in=_sight(search.seen_in) if search.seen_in else None,
        model=search.version,
        evidence=search.evidence,
        worst_group=search.worst or None,
        receipt=search.receipt,
    )


def video_job_line(listed: ListedVideoJob) -> VideoJobLine:
    """A job in a list."""
    job, request = listed.job, listed.job.asked
    return VideoJobLine(
        job_id=job.job_id,
        kind=request.kind.value,
        state=job.state.value,
        frames=job.frames,
        people=listed.people,
        message=job.message,
        mandate_id=request.mandate_id,
        asked_by=listed.mandate.requested_by,
        made_at=job.made_at,
        ended_at=job.ended_at,
        gallery_id=request.gallery_id,
        bucket=request.bucket if listed.own else None,
        name=request.name if listed.own else None,
        case_id=listed.case_id or None if listed.own else None,
    )


def video_shown(video: CaseVideo, state: str | None) -> CaseVideoShown:
    """A video. state: of the job that finds its people."""
    return CaseVideoShown(
        video_id=video.video_id,
        bucket=video.bucket,
        name=video.name,
        asked_at=video.asked_at,
        state=state,
        people=None if video.people is None else [_sight(each) for each in video.people],
        left_out=video.left_out,
        until=video.until,
    )


def _state(case: Case, frozen: str) -> StateOfCase:
    return "closed" if case.closed_at else "frozen" if frozen else "open"


def _line(listed: SearchOfCase) -> SearchLine:
    search = listed.search
    return SearchLine(
        search_id=search.search_id,
        asked_at=search.asked_at,
        kind=search.kind.value,
        gallery_id=search.gallery_id or None,
        state=listed.state.value,
    )


def _lead(result: CaseResult, conclusion: LeadConclusion) -> CaseLeadShown:
    search, place = result.search, conclusion.place
    lead, pair = search.leads[place], search.kind is SearchKind.PICTURE
    return CaseLeadShown(
        lead=place + 1,
        face_id=None if pair else lead.face_id,
        name=None if pair else lead.name,
        similarity=lead.similarity,
        false_match_rate=lead.fmr,
        expected_innocent=None if pair else lead.fmr * search.size,
        grade=conclusion.grade.value if conclusion.grade else None,
        judgements=[
            JudgementShown(reviewer=each.reviewer, grade=each.grade.value, at=each.at) for each in conclusion.judgements
        ],
        evidence=[
            EvidenceShown(kind=each.kind.value, what=each.what, by=each.by, at=each.at)
            for each in result.evidence.get(place, ())
        ],
    )


def _measured(face: ProbeQuality) -> MeasuredFace:
    return MeasuredFace(
        size_px=face.size_px,
        sharpness=face.sharpness,
        brightness=face.brightness,
        yaw=face.yaw,
        limits=list(face.limits),
    )


def _sight(sight: VideoSight) -> SightShown:
    return SightShown(video_id=sight.video_id, person=sight.person + 1, best_ms=sight.best_ms, spans=list(sight.spans))
