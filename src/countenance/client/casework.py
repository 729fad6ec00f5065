"""What operators do about cases and blind reviews, with a token (docs/casework.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from countenance.client.exchange import Exchange, Image, encoded
from countenance.signing import JSON
from countenance.wire.cases import (
    CaseLine,
    CaseList,
    CaseSearchShown,
    CaseShown,
    CaseVideoShown,
    EvidenceWord,
    ExportShown,
    GradeWord,
    PictureContent,
    PictureSeen,
    VideoJobLine,
    VideoJobsShown,
)
from countenance.wire.reviews import Finding, NextPair, OwnReviews, PairShown, ReviewForm


class CaseClient:
    """Cases, for the operator whose token the client holds. Leads are withheld, frozen and exported by the rules.

    face, lead, person: numbers from 1. picture_id: of `look`, `crop` or `look_at_person`; kept for 15 minutes.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ask = exchange.people

    def list(self) -> Iterator[CaseLine]:
        """All cases, the latest first; read page by page."""
        page: int | None = 0
        while page is not None:
            found = self._ask(CaseList, "GET", "cases", page=page)
            yield from found.cases
            page = found.next

    def video_jobs(self) -> Iterator[VideoJobLine]:
        """One's own jobs on stored video, and everybody's for who approves, the latest first; read page by page."""
        page: int | None = 0
        while page is not None:
            found = self._ask(VideoJobsShown, "GET", "video-jobs", page=page)
            yield from found.jobs
            page = found.next

    def show(self, case_id: str) -> CaseShown:
        """A case of one's own, or one to supervise: that one looked is recorded. `NotFound` for any other."""
        return self._ask(CaseShown, "GET", "cases", case_id)

    def open(
        self,
        mandate_id: str,
        *,
        purpose: str,
        offence: str,
        authority: str,
        reference: str,
        until: datetime,
        arose_from: str | None = None,
    ) -> CaseShown:
        """Open a case under a mandate in force that one asked for. until: when its authorisation ends, with a time
        zone, within 366 days. `BadRequest` names what is missing.
        """
        body: dict[str, JSON] = {
            "mandate_id": mandate_id,
            "purpose": purpose,
            "offence": offence,
            "authority": authority,
            "reference": reference,
            "until": until.isoformat(),
            "arose_from": arose_from,
        }
        return self._ask(CaseShown, "POST", "cases", body=body)

    def authorise(self, case_id: str, *, authority: str, reference: str, until: datetime) -> CaseShown:
        """Enter another authorisation, for a case of somebody else. `Denied` for one's own; until: as in `open`."""
        body: dict[str, JSON] = {"authority": authority, "reference": reference, "until": until.isoformat()}
        return self._ask(CaseShown, "POST", "cases", case_id, "authorisations", body=body)

    def close(self, case_id: str) -> CaseShown:
        """Close it for good; `Conflict` if it is closed."""
        return self._ask(CaseShown, "POST", "cases", case_id, "closing")

    def look(self, case_id: str, image: Image) -> PictureSeen:
        """Find the faces of a picture, to choose one. `Conflict` in a case that is closed or frozen."""
        return self._ask(PictureSeen, "POST", "cases", case_id, "pictures", body={"image": encoded(image)})

    def crop(
        self, case_id: str, picture_id: str, *, left: float, top: float, right: float, bottom: float
    ) -> PictureSeen:
        """A part of a picture, in its place. Edges: 0..1, of its width (left, right) and height (top, bottom)."""
        body: dict[str, JSON] = {"picture_id": picture_id, "left": float(left), "top": float(top)}
        body |= {"right": float(right), "bottom": float(bottom)}
        return self._ask(PictureSeen, "POST", "cases", case_id, "crops", body=body)

    def search(
        self,
        case_id: str,
        picture_id: str,
        gallery_id: str,
        *,
        face: int = 1,
        similarity: float = 90.0,
        limit: int = 10,
    ) -> CaseSearchShown:
        """Search a gallery for a face of a picture. similarity: 0..100. limit: 1..100 leads. See `state` of the answer:
        leads may be withheld. `Denied` where the rules forbid the search; `NotFound` for a picture that is forgotten.
        """
        body: dict[str, JSON] = {"picture_id": picture_id, "face": face, "gallery_id": gallery_id}
        body |= {"similarity": float(similarity), "limit": limit}
        return self._ask(CaseSearchShown, "POST", "cases", case_id, "searches", body=body)

    def compare(
        self, case_id: str, first: tuple[str, int], second: tuple[str, int], *, similarity: float = 80.0
    ) -> CaseSearchShown:
        """Compare faces of two pictures. first, second: picture_id and face. similarity: 0..100."""
        body: dict[str, JSON] = {
            "first": {"picture_id": first[0], "face": first[1]},
            "second": {"picture_id": second[0], "face": second[1]},
            "similarity": float(similarity),
        }
        return self._ask(CaseSearchShown, "POST", "cases", case_id, "comparisons", body=body)

    def result(self, case_id: str, search_id: str) -> CaseSearchShown:
        """A search or comparison with what may be seen of it now."""
        return self._ask(CaseSearchShown, "GET", "cases", case_id, "searches", search_id)

    def bring(self, case_id: str, search_id: str, lead: int, image: Image) -> None:
        """Bring the picture of a lead for its review, in a case of somebody else. `BadRequest` unless it is the very
        file that was enrolled; `Conflict` where none is missing.
        """
        path = ("cases", case_id, "searches", search_id, "leads", str(lead), "picture")
        self._exchange.people_done("POST", *path, body={"image": encoded(image)})

    def enter_evidence(
        self, case_id: str, search_id: str, lead: int, kind: EvidenceWord, what: str, *, independent: bool
    ) -> CaseSearchShown:
        """Enter evidence for a lead. what: 10 to 1,000 characters. independent: the declaration that it was found
        without the lead; `BadRequest` without it. `Conflict` for a lead that may not be seen.
        """
        body: dict[str, JSON] = {"kind": kind, "what": what, "independent": independent}
        path = ("cases", case_id, "searches", search_id, "leads", str(lead), "evidence")
        return self._ask(CaseSearchShown, "POST", *path, body=body)

    def export(self, case_id: str, search_id: str, lead: int, use: str) -> str:
        """The text with which a lead leaves the case. use: line-up or warrant. `Conflict` without independent evidence
        on record, or where the lead may not be seen.
        """
        path = ("cases", case_id, "searches", search_id, "leads", str(lead), "exports")
        return self._ask(ExportShown, "POST", *path, body={"use": use}).text

    def begin_video(self, case_id: str, bucket: str, name: str) -> CaseVideoShown:
        """Begin a job that looks for people in a stored video; `NoSuchObject` if the server cannot read it."""
        return self._ask(CaseVideoShown, "POST", "cases", case_id, "videos", body={"bucket": bucket, "name": name})

    def video(self, case_id: str, video_id: str) -> CaseVideoShown:
        """How far its job is; once their views are kept, its people."""
        return self._ask(CaseVideoShown, "GET", "cases", case_id, "videos", video_id)

    def take_views(self, case_id: str, video_id: str) -> CaseVideoShown:
        """Keep the best view of each person; `Conflict` until the job has succeeded."""
        return self._ask(CaseVideoShown, "POST", "cases", case_id, "videos", video_id, "views")

    def view(self, case_id: str, video_id: str, person: int) -> bytes:
        """The best view of a person, PNG; that it was shown is recorded. `NotFound` once it is erased."""
        path = ("cases", case_id, "videos", video_id, "people", str(person), "view")
        return self._ask(PictureContent, "GET", *path).picture

    def look_at_person(self, case_id: str, video_id: str, person: int) -> PictureSeen:
        """The best view of a person, for searching with it."""
        path = ("cases", case_id, "videos", video_id, "people", str(person), "picture")
        return self._ask(PictureSeen, "POST", *path)


class ReviewClient:
    """Blind review, for the operator whose token the client holds."""

    def __init__(self, exchange: Exchange) -> None:
        self._ask = exchange.people

    def me(self) -> OwnReviews:
        """One's own rates on known pairs, and whether a pair waits."""
        return self._ask(OwnReviews, "GET", "reviews", "me")

    def form(self) -> ReviewForm:
        """The components of a face and the grades of a conclusion."""
        return self._ask(ReviewForm, "GET", "reviews", "form")

    def next(self) -> PairShown | None:
        """The pair to judge now; None if none waits."""
        return self._ask(NextPair, "POST", "reviews", "next").pair

    def first(self, pair_id: str) -> bytes:
        """The first picture, JPEG."""
        return self._ask(PictureContent, "GET", "reviews", "pairs", pair_id, "first").picture

    def looked(self, pair_id: str, visible: Sequence[str]) -> PairShown:
        """Commit which components the first picture shows; only then is the second shown."""
        return self._ask(PairShown, "POST", "reviews", "pairs", pair_id, "looked", body={"visible": list(visible)})

    def second(self, pair_id: str) -> bytes:
        """The second picture, JPEG; `Conflict` before the first was described."""
        return self._ask(PictureContent, "GET", "reviews", "pairs", pair_id, "second").picture

    def judge(
        self, pair_id: str, grade: GradeWord, features: Mapping[str, Finding], remarks: str | None = None
    ) -> PairShown:
        """Commit a conclusion, for good. features: of each component that was compared, by id. remarks: at most 1,000
        characters. `BadRequest` where it rests on no feature, unless the conclusion is `insufficient`.
        """
        body: dict[str, JSON] = {"grade": grade, "features": dict(features), "remarks": remarks}
        return self._ask(PairShown, "POST", "reviews", "pairs", pair_id, "judgement", body=body)
