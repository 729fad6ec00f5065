"""Faces: found, compared, enrolled and searched for, under an access key. Every call is one operation of the guard."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from countenance.api.native import face_answers as answers
from countenance.api.native.access import by_key, router
from countenance.api.native.bodies import PICTURE, described, reading
from countenance.api.native.key_access import FaceDoor, key_caller
from countenance.errors import BadRequest, InUse, NoFace, NoSuchFace
from countenance.operations import (
    Caller,
    Compare,
    Detect,
    Enrol,
    Erase,
    ListFaces,
    QualityFilter,
    SearchByFace,
    SearchPicture,
)
from countenance.operations.floor import THRESHOLD
from countenance.wire.faces import (
    ComparisonBody,
    ComparisonShown,
    DetectionShown,
    EnrolBody,
    EnrolmentShown,
    ErasureShown,
    FaceId,
    FaceIdsBody,
    FaceListShown,
    GalleryId,
    PictureBody,
    SearchBody,
    SearchShown,
    UserId,
)

KeyCaller = Annotated[Caller, Depends(key_caller)]
GalleryPath = Annotated[GalleryId, Path(description="The gallery's id.")]
FacePath = Annotated[FaceId, Path(description="The face's id.")]
After = Annotated[
    str | None,
    Query(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9_.\-]+$", description="`next` of the page before."),
]
Picture = Annotated[PictureBody, Depends(reading(PictureBody, PICTURE))]
Comparison = Annotated[ComparisonBody, Depends(reading(ComparisonBody))]
Search = Annotated[SearchBody, Depends(reading(SearchBody, PICTURE))]
Enrolment = Annotated[EnrolBody, Depends(reading(EnrolBody, PICTURE))]
PageLimit = Annotated[int, Query(ge=1, le=4096, description="At most so many.")]


def routes(door: FaceDoor) -> APIRouter:
    """The routes under /detections and /comparisons, and those on faces under /galleries."""
    at = router("faces", 400, 404, 409, 415, 429)

    @at.post(
        "/detections",
        openapi_extra={**by_key(), **described(PictureBody, PICTURE)},
        summary="Find the faces of a picture",
    )
    def detect(body: Picture, caller: KeyCaller, response: Response) -> DetectionShown:
        """Find the faces and measure them; nothing is compared or stored."""
        return answers.detection(door.run(caller, Detect(body.image), response))

    @at.post(
        "/comparisons",
        openapi_extra={**by_key(), **described(ComparisonBody)},
        summary="Compare the faces of two pictures",
    )
    def compare(body: Comparison, caller: KeyCaller, response: Response) -> ComparisonShown:
        """Compare the largest face of one picture with the faces of another; nothing is stored."""
        ask = Compare(body.source, body.target, body.similarity, QualityFilter(body.quality))
        try:
            return answers.comparison(door.run(caller, ask, response))
        except NoFace as error:
            receipt = error.receipt or ""
            response.headers["x-countenance-receipt"] = receipt
            return ComparisonShown(outcome="unfit", source=None, leads=[], others=[], unfit=str(error), receipt=receipt)

    @at.post(
        "/galleries/{gallery_id}/searches",
        openapi_extra={**by_key(), **described(SearchBody, PICTURE)},
        summary="Search a gallery",
    )
    def search(gallery_id: GalleryPath, body: Search, caller: KeyCaller, response: Response) -> SearchShown:
        """Search for all faces of a picture, its largest, or an enrolled face; the answer has leads, or nobody."""
        if (body.image is None) == (body.face_id is None):
            raise BadRequest("a search takes either an image or a face_id")
        if body.image is not None:
            ask = SearchPicture(
                gallery_id,
                body.image,
                body.faces == "all",
                body.limit,
                body.similarity,
                QualityFilter(body.quality),
            )
            seen = door.run(caller, ask, response)
            return answers.search_by_picture(seen, _used(seen.headers.get(THRESHOLD), body.similarity))
        assert body.face_id is not None
        answer = door.run(caller, SearchByFace(gallery_id, body.face_id, body.limit, body.similarity), response)
        return answers.search_by_face(answer, _used(answer.headers.get(THRESHOLD), body.similarity))

    @at.post(
        "/galleries/{gallery_id}/faces",
        openapi_extra={**by_key(), **described(EnrolBody, PICTURE)},
        summary="Enrol the faces of a picture",
    )
    def enrol(gallery_id: GalleryPath, body: Enrolment, caller: KeyCaller, response: Response) -> EnrolmentShown:
        """Enrol. The picture itself is not stored; sending it again under the same external id adds nothing."""
        return answers.enrolment(door.run(caller, enrolling(gallery_id, body), response))

    @at.get("/galleries/{gallery_id}/faces", openapi_extra=by_key(), summary="List the faces of a gallery")
    def list_faces(
        gallery_id: GalleryPath,
        caller: KeyCaller,
        response: Response,
        after: After = None,
        limit: PageLimit = 1000,
        user_id: Annotated[UserId | None, Query(description="Only faces of that user.")] = None,
    ) -> FaceListShown:
        """A page of enrolled faces, in the order of enrolment; never a template."""
        answer = door.run(caller, ListFaces(gallery_id, None, after, limit, user_id), response)
        page = answer.result
        faces = [answers.enrolled_face(each) for each in page.items]
        return FaceListShown(faces=faces, next=page.next, receipt=answer.receipt)

    @at.post("/galleries/{gallery_id}/erasures", openapi_extra=by_key(), summary="Erase faces")
    def erase(gallery_id: GalleryPath, body: FaceIdsBody, caller: KeyCaller, response: Response) -> ErasureShown:
        """Erase many. Unknown ids, and faces that belong to a user, are reported; neither is an error."""
        answer = door.run(caller, Erase(gallery_id, tuple(dict.fromkeys(body.face_ids))), response)
        done = answer.result
        return ErasureShown(
            erased=list(done.deleted),
            not_found=list(done.not_found),
            owned=dict(done.owned),
            receipt=answer.receipt,
        )

    @at.delete("/galleries/{gallery_id}/faces/{face_id}", openapi_extra=by_key(), summary="Erase a face")
    def erase_one(gallery_id: GalleryPath, face_id: FacePath, caller: KeyCaller, response: Response) -> ErasureShown:
        """Erase one face; 409 if it belongs to a user, from whom it must be taken first."""
        answer = door.run(caller, Erase(gallery_id, (face_id,)), response)
        done = answer.result
        failed: NoSuchFace | InUse | None = NoSuchFace("the gallery has no such face") if done.not_found else None
        if done.owned:
            failed = InUse("the face belongs to a user; take it from the user first")
        if failed is not None:
            failed.receipt = answer.receipt
            raise failed
        return ErasureShown(erased=list(done.deleted), not_found=[], owned={}, receipt=answer.receipt)

    return at


def enrolling(gallery_id: str, body: EnrolBody) -> Enrol:
    """The operation that a body requests."""
    return Enrol(gallery_id, body.image, body.external_id, body.max_faces, QualityFilter(body.quality))


def _used(raised: str | None, asked: float) -> float:
    return asked if raised is None else float(raised)
