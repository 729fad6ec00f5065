"""From results of operations to the answers of /v1."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.faces import BoundingBox, Candidate, DetectedFace, EnrolledFace
from countenance.operations import (
    Answer,
    Compared,
    Detected,
    Enrolled,
    GalleryInfo,
    PictureSearched,
    QualityFilter,
    Reassigned,
    SearchAnswer,
    Sibling,
    WorstGroup,
    reasons_against,
)
from countenance.wire.faces import (
    AssociationShown,
    BoxShown,
    ComparedFaceShown,
    ComparisonShown,
    DetectionShown,
    EnrolledFaceShown,
    EnrolmentShown,
    FaceResultShown,
    FaceShown,
    GalleryDetail,
    LeadShown,
    LeftOutShown,
    NotAssociated,
    Outcome,
    SearchShown,
    SiblingShown,
    WorstGroupShown,
)


def detection(answer: Answer[Detected]) -> DetectionShown:
    """The faces of a picture."""
    seen = answer.result
    return DetectionShown(
        width=seen.width, height=seen.height, faces=[face_shown(each) for each in seen.faces], receipt=answer.receipt
    )


def comparison(answer: Answer[Compared]) -> ComparisonShown:
    """The result of a comparison."""
    done = answer.result
    pairs = zip(done.matches, done.rates, strict=True)
    worst = _worst(done.worst_group)
    return ComparisonShown(
        outcome="leads" if done.matches else "nobody",
        source=face_shown(done.source),
        leads=[
            ComparedFaceShown(face=face_shown(face), similarity=similarity, false_match_rate=rate, worst_group=worst)
            for (face, similarity), rate in pairs
        ],
        others=[face_shown(each) for each in done.unmatched],
        unfit=None,
        receipt=answer.receipt,
    )


def search_by_face(answer: Answer[SearchAnswer], similarity: float) -> SearchShown:
    """The leads to an enrolled face."""
    result = answer.result
    leads = _leads(result.candidates, [None] * len(result.candidates), result.gallery_size, result.worst_group)
    outcome: Outcome = "leads" if leads else "nobody"
    return SearchShown(
        outcome=outcome,
        results=[FaceResultShown(outcome=outcome, face=None, unfit=[], leads=leads)],
        similarity=similarity,
        gallery_size=result.gallery_size,
        expected_innocent=result.expected_false_matches,
        version=result.version,
        receipt=answer.receipt,
    )


def search_by_picture(answer: Answer[PictureSearched], similarity: float) -> SearchShown:
    """The leads to each face of a picture."""
    result = answer.result
    results = [
        FaceResultShown(
            outcome="unfit" if each.seen.unfit else "leads" if each.candidates else "nobody",
            face=face_shown(each.seen.face, each.seen.limits),
            unfit=list(each.seen.unfit),
            leads=_leads(each.candidates, each.siblings, result.gallery_size, result.worst_group),
        )
        for each in result.faces
    ]
    outcomes = {each.outcome for each in results}
    return SearchShown(
        outcome="leads" if "leads" in outcomes else "nobody" if "nobody" in outcomes else "unfit",
        results=results,
        similarity=similarity,
        gallery_size=result.gallery_size,
        expected_innocent=result.expected_false_matches,
        version=result.version,
        receipt=answer.receipt,
    )


def enrolment(answer: Answer[Enrolled]) -> EnrolmentShown:
    """The result of enrolling a picture."""
    done = answer.result
    return EnrolmentShown(
        enrolled=[enrolled_face(face) for face, _ in done.faces],
        left_out=[LeftOutShown(face=face_shown(face), reasons=list(reasons)) for face, reasons in done.unindexed],
        version=done.version,
        receipt=answer.receipt,
    )


def enrolled_face(face: EnrolledFace) -> EnrolledFaceShown:
    """An enrolled face."""
    return EnrolledFaceShown(
        face_id=face.face_id,
        image_id=face.image_id,
        external_id=face.external_id,
        user_id=face.user_id,
        box=_box(face.box),
        confidence=face.confidence,
    )


def gallery_detail(info: GalleryInfo) -> GalleryDetail:
    """A gallery."""
    return GalleryDetail(
        gallery_id=info.gallery_id,
        model=info.model,
        version=info.version,
        faces=info.faces,
        users=info.users,
        created_at=info.created_at,
    )


def association(answer: Answer[Reassigned]) -> AssociationShown:
    """The result of giving faces to a user, or taking them away."""
    done = answer.result
    return AssociationShown(
        face_ids=list(done.face_ids),
        refused=[
            NotAssociated(face_id=each.face_id, reason=each.reason.value, similarity=each.similarity)
            for each in done.refused
        ],
        faces=done.faces,
        receipt=answer.receipt,
    )


def _leads(
    candidates: Sequence[Candidate], marks: Sequence[Sibling | None], size: int, worst: WorstGroup | None
) -> list[LeadShown]:
    return [
        LeadShown(
            face=enrolled_face(each.face),
            similarity=each.similarity,
            false_match_rate=each.fmr,
            expected_innocent=each.fmr * size,
            worst_group=_worst(worst),
            sibling=None if mark is None else _sibling(mark),
        )
        for each, mark in zip(candidates, marks, strict=True)
    ]


def _sibling(mark: Sibling) -> SiblingShown:
    return SiblingShown(faces=list(mark.faces), better=mark.better, close=mark.close)


def _worst(group: WorstGroup | None) -> WorstGroupShown | None:
    if group is None:
        return None
    return WorstGroupShown(
        factor=group.factor,
        group=group.group,
        false_match_rate=group.fmr,
        upper_bound=group.high,
        similarity=group.similarity,
        people=group.people,
        until=group.until,
        issuer=group.issuer,
    )


def face_shown(face: DetectedFace, limits: Sequence[str] | None = None) -> FaceShown:
    """A face with what was measured of it. limits: why it is not of the quality HIGH; None: what the filter says."""
    return FaceShown(
        box=_box(face.box),
        confidence=face.confidence,
        roll=face.pose.roll,
        yaw=face.pose.yaw,
        pitch=face.pose.pitch,
        sharpness=face.quality.sharpness,
        brightness=face.quality.brightness,
        size_px=face.quality.size_px,
        cut_off=face.cut_off,
        limits=list(reasons_against(face, QualityFilter.HIGH) if limits is None else limits),
    )


def _box(box: BoundingBox) -> BoxShown:
    return BoxShown(left=box.left, top=box.top, width=box.width, height=box.height)
