"""What is asked and answered about cases: pictures and videos in them, searches, leads, evidence and texts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from countenance.wire.faces import Encoded, FaceShown, GalleryId, Similarity
from countenance.wire.values import Closed, Lines, Moment, Text, Whole

CASE_ID = r"^case-[0-9a-f]{12}$"
CaseId = Annotated[str, StringConstraints(pattern=CASE_ID)]
PictureId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{22}$")]
Ratio = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]
StateOfCase: TypeAlias = Literal["open", "frozen", "closed"]
StateOfSearch: TypeAlias = Literal["unfit", "nobody", "leads", "pictures", "review", "reviewed", "frozen"]
"""leads: the rules asked for no review. pictures, review: withheld. frozen: nothing may be seen now."""
GradeWord: TypeAlias = Literal[
    "strong-same",
    "moderate-same",
    "limited-same",
    "neither",
    "limited-different",
    "moderate-different",
    "strong-different",
    "insufficient",
]
"""What somebody concludes from two pictures."""
EvidenceWord: TypeAlias = Literal["witness", "physical", "document", "place", "other"]


class AuthorisationOfCase(Closed):
    """Who allowed searches in a case, by which decision, until when."""

    authority: Text = Field(description="Who allowed it.")
    reference: Text = Field(description="By which decision: file number, date.")
    until: Moment = Field(description="When it ends; within 366 days. At its end everything found is frozen.")


class CaseBody(AuthorisationOfCase):
    """A case to open."""

    mandate_id: str = Field(
        pattern=r"^mandate-[0-9a-f]{12}$", description="A mandate in force that you asked for; its key is used."
    )
    purpose: Text = Field(description="What is to be found out.")
    offence: Text = Field(description="The offence, or the event, that it is about.")
    arose_from: CaseId | None = Field(None, description="A case of yours that led to this one.")


class CropBody(Closed):
    """A part of a picture, as ratios of its width and height from the left and the top."""

    picture_id: PictureId = Field(description="The picture, as its faces were found.")
    left: Ratio = Field(description="Its left edge.")
    top: Ratio = Field(description="Its top edge.")
    right: Ratio = Field(description="Its right edge.")
    bottom: Ratio = Field(description="Its bottom edge.")


class ChosenFace(Closed):
    """A face of a picture that was looked at."""

    picture_id: PictureId = Field(description="The picture; it is forgotten when it is searched with.")
    face: Whole = Field(1, ge=1, le=100, description="Which of its faces, from 1, the largest.")


class CaseSearchBody(ChosenFace):
    """A search of a gallery for a chosen face."""

    gallery_id: GalleryId = Field(description="The gallery.")
    similarity: Similarity = Field(90.0, description="The least similarity; raised to what the evidence carries.")
    limit: Whole = Field(10, ge=1, le=100, description="At most so many leads.")


class CaseComparisonBody(Closed):
    """Two chosen faces to compare."""

    first: ChosenFace = Field(description="A face of one picture.")
    second: ChosenFace = Field(description="A face of the other.")
    similarity: Similarity = Field(80.0, description="The least similarity of a lead, 0 to 100.")


class CaseVideoBody(Closed):
    """A stored video in which to find people."""

    bucket: str = Field(pattern=r"^[A-Za-z0-9._-]{1,255}$", description="A bucket that the settings name.")
    name: Text = Field(description="The name of the video in it.")


class EvidenceBody(Closed):
    """Evidence for a lead, found without it."""

    kind: EvidenceWord = Field(description="Where it comes from.")
    what: Lines = Field(description="What it is, and its source; at least 10 characters.")
    independent: bool = Field(
        description="That it was found without the lead: nobody was shown a picture or a name from it. Else refused."
    )


class ExportBody(Closed):
    """What a lead is to leave its case for."""

    use: Literal["line-up", "warrant"] = Field(description="For a line-up, or for the text of a warrant.")


class AuthorisationOfCaseShown(Closed):
    """An authorisation."""

    authority: str = Field(description="Who allowed it.")
    reference: str = Field(description="By which decision.")
    until: datetime = Field(description="When it ends, UTC.")
    entered_by: str = Field(description="Who entered it.")


class CaseLine(Closed):
    """A case in a list."""

    case_id: str = Field(description="Its id.")
    opened_by: str = Field(description="Who opened it.")
    opened_at: datetime = Field(description="When, UTC.")
    until: datetime = Field(description="When its authorisation ends, UTC.")
    state: StateOfCase = Field(description="open, frozen or closed.")
    offence: str | None = Field(description="What it is about, of your own cases; else null.")


class CaseList(Closed):
    """A page of cases."""

    cases: list[CaseLine] = Field(description="The latest first.")
    next: int | None = Field(description="The number of the next page; null after the last.")


class SearchLine(Closed):
    """A search in a case, in short."""

    search_id: str = Field(description="Its id.")
    asked_at: datetime = Field(description="When, UTC.")
    kind: Literal["gallery", "picture"] = Field(description="Whether a gallery was searched, or two pictures compared.")
    gallery_id: str | None = Field(description="The gallery; null for a comparison.")
    state: StateOfSearch = Field(description="What may be seen of it now.")


class CaseShown(Closed):
    """A case with its searches."""

    case_id: str = Field(description="Its id.")
    mandate_id: str = Field(description="The mandate under which it was opened.")
    opened_by: str = Field(description="Who opened it.")
    opened_at: datetime = Field(description="When, UTC.")
    closed_at: datetime | None = Field(description="When it was closed, UTC.")
    purpose: str = Field(description="What is to be found out.")
    offence: str = Field(description="The offence or event.")
    arose_from: str | None = Field(description="The case that led to it.")
    authorisations: list[AuthorisationOfCaseShown] = Field(description="As they were entered; the last is in force.")
    state: StateOfCase = Field(description="open, frozen or closed.")
    frozen: str | None = Field(description="Why nothing may be seen, searched or handed on now.")
    tainted: bool = Field(description="Whether leads were shown in it, or in a case that it arose from.")
    searches: list[SearchLine] = Field(description="The latest first.")
    videos: list[str] = Field(description="Ids of the videos, the latest first.")


class PictureSeen(Closed):
    """A picture of a case with its faces, of which one is chosen. It is in memory for 15 minutes."""

    picture_id: str = Field(description="Its id, for its sender only.")
    faces: list[FaceShown] = Field(description="The largest first; `limits` raise the error above what was measured.")
    cropped: str | None = Field(description="Which part of the picture that was sent; null for the whole.")


class MeasuredFace(Closed):
    """What was measured of a face that was searched with."""

    size_px: float = Field(description="The shorter side of its box in pixels.")
    sharpness: float = Field(description="0 to 100.")
    brightness: float = Field(description="0 to 100.")
    yaw: float = Field(description="How far it is turned, degrees.")
    limits: list[str] = Field(description="Why the error may be higher than measured, in words.")


class SightShown(Closed):
    """When a person of a video is seen, in milliseconds from its start."""

    video_id: str = Field(description="The video.")
    person: int = Field(description="Which person of it, from 1.")
    best_ms: int = Field(description="The moment of the best view.")
    spans: list[tuple[int, int]] = Field(description="Each time in view: from, to.")


class JudgementShown(Closed):
    """What one reviewer concluded of a lead, before anybody saw the leads."""

    reviewer: str = Field(description="Who.")
    grade: GradeWord = Field(description="What.")
    at: datetime = Field(description="When, UTC.")


class EvidenceShown(Closed):
    """Independent evidence on record."""

    kind: EvidenceWord = Field(description="Where it comes from.")
    what: str = Field(description="What it is, and its source.")
    by: str = Field(description="Who entered it.")
    at: datetime = Field(description="When, UTC.")


class CaseLeadShown(Closed):
    """A lead that may be seen. It is no identification, and nobody is stopped, arrested or accused on it alone."""

    lead: int = Field(description="Its number in the search, from 1, the most similar.")
    face_id: str | None = Field(description="The enrolled face; null for a comparison.")
    name: str | None = Field(description="The name under which it was enrolled; null for a comparison.")
    similarity: float = Field(description="0 to 100.")
    false_match_rate: float = Field(description="How often strangers are as similar, of the group served worst.")
    expected_innocent: float | None = Field(
        description="How many innocent people of the gallery are expected to be as similar; null for a comparison."
    )
    grade: GradeWord | None = Field(description="What the reviewers conclude together; null without a review.")
    judgements: list[JudgementShown] = Field(description="What each concluded.")
    evidence: list[EvidenceShown] = Field(description="Independent evidence; without any, the lead does not leave.")


class PictureWanted(Closed):
    """A lead whose enrolled picture is missing for its review."""

    lead: int = Field(description="Its number, from 1.")
    name: str = Field(description="The name under which it was enrolled.")


class CaseSearchShown(Closed):
    """A search or comparison in a case, with what may be seen of it now."""

    search_id: str = Field(description="Its id.")
    case_id: str = Field(description="Its case.")
    kind: Literal["gallery", "picture"] = Field(description="Whether a gallery was searched, or two pictures compared.")
    state: StateOfSearch = Field(description="What may be seen. leads, nobody, unfit and reviewed are results.")
    says: str | None = Field(description="Why it is frozen, or why the picture is not fit.")
    asked_at: datetime = Field(description="When, UTC.")
    gallery_id: str | None = Field(description="The gallery; null for a comparison.")
    gallery_size: int | None = Field(description="How many faces it had; null for a comparison.")
    provenance: str | None = Field(description="Where its pictures come from, as the mandate says.")
    similarity: float = Field(description="The least similarity that was used.")
    expected_innocent: float | None = Field(
        description="How many innocent people chance alone would name; of a comparison, how often strangers are as "
        "similar. Null while leads are withheld."
    )
    reviewers: int = Field(description="How many people must judge each lead; 0 if the rules demand none.")
    leads: list[CaseLeadShown] = Field(description="Those that may be seen now, the most similar first.")
    judged: list[GradeWord] = Field(description="What was concluded of every lead, seen or not, once all are judged.")
    wanted: list[PictureWanted] = Field(description="Pictures to bring for the review, told to those who may.")
    face: MeasuredFace | None = Field(description="The face searched with.")
    other_face: MeasuredFace | None = Field(description="The face of the second picture of a comparison.")
    cropped: str | None = Field(description="Which part of the picture was used; null for the whole.")
    seen_in: SightShown | None = Field(description="The person of a video that was searched for.")
    model: str = Field(description="The version of the model.")
    evidence: str = Field(description="What is known of the model's error, and until when.")
    worst_group: str | None = Field(description="What signed evidence says of the group served worst.")
    receipt: str = Field(description="The ledger's receipt of the search.")


class CaseVideoShown(Closed):
    """A stored video of a case."""

    video_id: str = Field(description="Its id.")
    bucket: str = Field(description="Its bucket.")
    name: str = Field(description="Its name there.")
    asked_at: datetime = Field(description="When it was asked for, UTC.")
    state: str | None = Field(description="The state of the job that finds its people; null once their views are kept.")
    people: list[SightShown] | None = Field(description="The people whose views are kept; null before.")
    left_out: int = Field(description="How many more there are.")
    until: datetime | None = Field(description="When the views are erased, UTC.")


class VideoJobLine(Closed):
    """A job on a stored video, in a list."""

    job_id: str = Field(description="Its id.")
    kind: Literal["detect", "search"] = Field(description="Whether it finds people, or searches a gallery for them.")
    state: Literal["waiting", "running", "succeeded", "failed"] = Field(description="The last two are final.")
    frames: int = Field(description="How many frames were looked at so far.")
    people: int | None = Field(description="How many people were found; null until it has succeeded.")
    message: str | None = Field(description="Why it failed.")
    mandate_id: str = Field(description="The mandate under which it was asked for.")
    asked_by: str = Field(description="Who asked for it.")
    made_at: datetime = Field(description="When, UTC.")
    ended_at: datetime | None = Field(description="When it ended, UTC.")
    gallery_id: str | None = Field(description="The gallery that it searches.")
    bucket: str | None = Field(description="The video's bucket; null where somebody else asked.")
    name: str | None = Field(description="Its name there; null where somebody else asked.")
    case_id: str | None = Field(description="The case of yours that it belongs to, if any.")


class VideoJobsShown(Closed):
    """A page of jobs."""

    jobs: list[VideoJobLine] = Field(description="The latest first.")
    next: int | None = Field(description="The next page, if there is one.")


class PictureContent(Closed):
    """A picture. That it was shown is on record."""

    picture: Encoded = Field(description="Its bytes, in base64.")
    media_type: Literal["image/jpeg", "image/png"] = Field(description="Their kind.")


class ExportShown(Closed):
    """The text with which a lead leaves its case."""

    text: str = Field(description="To be passed on whole.")
