"""What is asked and answered about faces: boxes, leads with their error rates, enrolments, galleries, users."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import pybase64
from pydantic import BeforeValidator, Field, JsonValue, PlainSerializer, StringConstraints, WithJsonSchema

from countenance.wire.values import Closed, Whole

Quality: TypeAlias = Literal["NONE", "AUTO", "LOW", "MEDIUM", "HIGH"]
"""The least quality that a face must have; AUTO drops what is not a usable face."""
Outcome: TypeAlias = Literal["leads", "nobody", "unfit"]
"""leads: somebody is alike enough. nobody: nobody is. unfit: no face is there that is fit to be compared."""

_EXPECTED = "a picture in base64 (RFC 4648, section 4: padded, in one line) is expected"


def _decoded(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError(_EXPECTED)
    try:
        return pybase64.b64decode(value, validate=True)
    except ValueError:
        raise ValueError(_EXPECTED) from None


def _encoded(value: bytes) -> str:
    return pybase64.b64encode(value).decode()


Encoded = Annotated[
    bytes,
    BeforeValidator(_decoded),
    PlainSerializer(_encoded),
    WithJsonSchema({"type": "string", "format": "byte", "minLength": 4}),
]
"""The bytes of a picture; in JSON as base64. Never an address: nothing is fetched."""

GalleryId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9_.\-]+$")]
UserId = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9_.\-:]+$")]
FaceId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
ExternalId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[a-zA-Z0-9_.\-:]+$")]
Similarity = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, strict=True)]


class Recorded(Closed):
    """An answer that is in the ledger."""

    receipt: str = Field(description="The ledger's receipt for this answer; `GET /v1/ledger/proof` proves it.")


class PictureBody(Closed):
    """One picture."""

    image: Encoded = Field(description="The picture's bytes in base64; JPEG, PNG or another kind that is read here.")


class ComparisonBody(Closed):
    """Two pictures."""

    source: Encoded = Field(description="The picture whose largest face is compared, in base64.")
    target: Encoded = Field(description="The picture whose faces it is compared with, in base64.")
    similarity: Similarity = Field(80.0, description="The least similarity of a lead, 0 to 100.")
    quality: Quality = Field("AUTO", description="The least quality that a face must have.")


class SearchBody(Closed):
    """What to search for: the faces of a picture, or a face of the gallery itself. Exactly one of the two."""

    image: Encoded | None = Field(None, description="The picture's bytes in base64.")
    face_id: FaceId | None = Field(None, description="A face of this gallery; it is not among its own leads.")
    faces: Literal["all", "largest"] = Field(
        "all", description="Which faces of the picture. Only where all are searched for, siblings are seen."
    )
    limit: Whole = Field(10, ge=1, le=4096, description="At most so many leads for each face.")
    similarity: Similarity = Field(
        80.0, description="The least similarity of a lead; it is raised to what the evidence carries."
    )
    quality: Quality = Field("AUTO", description="The least quality that a face of the picture must have.")


class EnrolBody(Closed):
    """A picture to enrol. The same picture under the same external id again adds nothing."""

    image: Encoded = Field(description="The picture's bytes in base64.")
    external_id: ExternalId | None = Field(None, description="Your own name for the faces of this picture.")
    max_faces: Whole = Field(1, ge=1, le=100, description="At most so many faces, the largest first.")
    quality: Quality = Field("AUTO", description="The least quality that a face must have.")


class FaceIdsBody(Closed):
    """Faces of a gallery."""

    face_ids: list[FaceId] = Field(min_length=1, max_length=1000, description="Ids of faces.")


class GalleryBody(Closed):
    """A gallery to make."""

    gallery_id: GalleryId = Field(description="Its id.")


class UserBody(Closed):
    """A user to make."""

    user_id: UserId = Field(description="The user's id.")


class AssociationBody(FaceIdsBody):
    """Faces to give to a user."""

    similarity: Similarity = Field(75.0, description="How similar a face must be to those that the user has, 0 to 100.")


class BoxShown(Closed):
    """A box, in ratios of the upright picture's width and height; faces at the edge reach beyond 0..1."""

    left: float = Field(description="Its left edge.")
    top: float = Field(description="Its top edge.")
    width: float = Field(description="Its width.")
    height: float = Field(description="Its height.")


class FaceShown(Closed):
    """A face in a picture, and what of the picture limits answers about it."""

    box: BoxShown = Field(description="Where it is.")
    confidence: float = Field(description="Of 100 such finds, how many are faces.")
    roll: float = Field(description="How far the head leans, degrees.")
    yaw: float = Field(description="How far it is turned, degrees.")
    pitch: float = Field(description="How far it nods, degrees.")
    sharpness: float = Field(description="0 to 100.")
    brightness: float = Field(description="0 to 100, of the face.")
    size_px: float = Field(description="The shorter side of the box, in pixels of the picture.")
    cut_off: float = Field(
        description="The share of it, forehead to chin, that the picture cuts off, 0..1. It has less similarity to "
        "faces that are cut off, too."
    )
    limits: list[str] = Field(
        description="What keeps it from the quality HIGH, such as LOW_SHARPNESS. Empty: nothing that is measured."
    )


class DetectionShown(Recorded):
    """The faces of a picture."""

    width: int = Field(description="Width of the upright picture, pixels.")
    height: int = Field(description="Height of the upright picture, pixels.")
    faces: list[FaceShown] = Field(description="Largest first, at most 100.")


class WorstGroupShown(Closed):
    """What signed evidence measured of the group with the highest false match rate. Nobody's group is inferred."""

    factor: str = Field(description="By what groups were told apart in the audit.")
    group: str = Field(description="The group, by the labels of the audited data.")
    false_match_rate: float = Field(description="Measured at `similarity`, 0..1.")
    upper_bound: float = Field(description="The upper bound of that rate.")
    similarity: float = Field(description="The threshold that was audited, 0 to 100.")
    people: int = Field(description="How many people of the group were in it.")
    until: datetime = Field(description="When the evidence ends, UTC.")
    issuer: str = Field(description="Public key that signed it, hex.")


class SiblingShown(Closed):
    """The lead's person leads for another face of the same picture, too. Two faces of one picture are two people."""

    faces: list[int] = Field(description="The other faces, by their places in `results`; the most similar first.")
    better: int | None = Field(
        description="Which of the picture's faces the person fits best, if each person is given to one face at most."
    )
    close: bool = Field(description="Whether the two false match rates differ by less than ten times: then doubt both.")


class EnrolledFaceShown(Closed):
    """An enrolled face."""

    face_id: str = Field(description="Its id.")
    image_id: str = Field(description="Id of the picture it came from, which is not stored.")
    external_id: str | None = Field(description="Your own name for it.")
    user_id: str | None = Field(description="The user that it was given to.")
    box: BoxShown = Field(description="Where it was in its picture.")
    confidence: float = Field(description="Of 100 such finds, how many are faces.")


class LeadShown(Closed):
    """Somebody to look at, with how often such a lead is wrong. Never a statement of who somebody is."""

    face: EnrolledFaceShown = Field(description="The enrolled face.")
    similarity: float = Field(
        description="0 to 100, calibrated; 0 for all below 75. 80 is a false match rate of 1 in 1,000."
    )
    false_match_rate: float = Field(
        description="How often two different people are that similar, in the group served worst; 1e-9 means or less."
    )
    expected_innocent: float = Field(
        description="How many other people of this gallery to expect at that similarity or above, by chance alone."
    )
    worst_group: WorstGroupShown | None = Field(
        description="The audited group with the highest false match rate; null where no evidence is in date."
    )
    sibling: SiblingShown | None = Field(description="Where the person leads for another face of the picture, too.")


class FaceResultShown(Closed):
    """What a search says of one face."""

    outcome: Outcome = Field(description="leads, nobody alike enough, or a face that is not fit to be searched for.")
    face: FaceShown | None = Field(description="The face of the picture; null for a face of the gallery.")
    unfit: list[str] = Field(description="Why it is not fit, such as SMALL_BOUNDING_BOX; empty where it is.")
    leads: list[LeadShown] = Field(description="Most similar first.")


class SearchShown(Recorded):
    """What a search says: one result for each face."""

    outcome: Outcome = Field(description="leads if a face has some; unfit if no face was there or fit; else nobody.")
    results: list[FaceResultShown] = Field(description="Largest face first.")
    similarity: float = Field(description="The least similarity that was used, 0 to 100.")
    gallery_size: int = Field(description="How many faces the gallery holds.")
    expected_innocent: float = Field(
        description="How many people to expect among all leads of this answer although they are not in the picture."
    )
    version: str = Field(description="The model's version.")


class ComparedFaceShown(Closed):
    """A face of the target that is alike."""

    face: FaceShown = Field(description="The face of the target.")
    similarity: float = Field(description="0 to 100, calibrated; 0 for all below 75.")
    false_match_rate: float = Field(description="How often two different people are that similar, in the worst group.")
    worst_group: WorstGroupShown | None = Field(
        description="The audited group with the highest false match rate; null where no evidence is in date."
    )


class ComparisonShown(Recorded):
    """What a comparison says."""

    outcome: Outcome = Field(description="leads: at least one face is alike. nobody: none is. unfit: see `unfit`.")
    source: FaceShown | None = Field(description="The face compared; null where the picture is not fit.")
    leads: list[ComparedFaceShown] = Field(description="Most similar first.")
    others: list[FaceShown] = Field(description="The faces that are not alike enough, largest first.")
    unfit: str | None = Field(description="Why nothing could be compared.")


class LeftOutShown(Closed):
    """A face that was not enrolled."""

    face: FaceShown = Field(description="The face.")
    reasons: list[str] = Field(description="Why, such as LOW_SHARPNESS or EXCEEDS_MAX_FACES.")


class EnrolmentShown(Recorded):
    """What became of a picture that was to be enrolled."""

    enrolled: list[EnrolledFaceShown] = Field(description="Largest first; empty where no face is fit.")
    left_out: list[LeftOutShown] = Field(description="The other faces.")
    version: str = Field(description="The model's version.")


class GalleryDetail(Closed):
    """A gallery."""

    gallery_id: str = Field(description="Its id.")
    model: str = Field(description="sha256 of the model whose templates it holds.")
    version: str = Field(description="The model's version.")
    faces: int = Field(description="How many faces it holds.")
    users: int = Field(description="How many users it has.")
    created_at: datetime = Field(description="When it was made, UTC.")


class GalleryShown(Recorded):
    """A gallery, by itself."""

    gallery: GalleryDetail = Field(description="The gallery.")


class GalleryListShown(Recorded):
    """A page of the galleries that the mandate covers."""

    galleries: list[GalleryDetail] = Field(description="In order of id.")
    next: str | None = Field(description="What to give as `after` for the page that follows; null on the last one.")


class FaceListShown(Recorded):
    """A page of the faces of a gallery."""

    faces: list[EnrolledFaceShown] = Field(description="In the order of enrolment.")
    next: str | None = Field(description="What to give as `after` for the page that follows; null on the last one.")


class ErasureShown(Recorded):
    """What was erased. It is gone from search and disk when this is answered."""

    erased: list[str] = Field(description="Faces erased.")
    not_found: list[str] = Field(description="Ids that the gallery does not have.")
    owned: dict[str, str] = Field(description="Faces left since they belong to a user, with the user's id.")


class UserShown(Closed):
    """A user of a gallery."""

    user_id: str = Field(description="The user's id.")
    faces: int = Field(description="How many faces belong to the user.")


class UserListShown(Recorded):
    """A page of the users of a gallery."""

    users: list[UserShown] = Field(description="In the order of their making.")
    next: str | None = Field(description="What to give as `after` for the page that follows; null on the last one.")


class UserMade(Recorded):
    """A user that was made or deleted."""

    user_id: str = Field(description="The user's id.")


class GalleryGone(Recorded):
    """A gallery that was deleted, with all in it."""

    gallery_id: str = Field(description="Its id.")


class NotAssociated(Closed):
    """A face that was left as it was."""

    face_id: str = Field(description="The face.")
    reason: str = Field(description="Such as FACE_NOT_FOUND, ASSOCIATED_TO_A_DIFFERENT_USER or LOW_MATCH_CONFIDENCE.")
    similarity: float | None = Field(
        description="To the user's faces, where that is the reason: 75 for all from there on, 0 for all below."
    )


class AssociationShown(Recorded):
    """What became of faces that were given to a user, or taken back."""

    face_ids: list[str] = Field(description="The faces that changed hands.")
    refused: list[NotAssociated] = Field(description="The others, with reasons.")
    faces: int = Field(description="How many the user has now.")


class BulkLine(Closed):
    """One line of a bulk enrolment's answer: an enrolment, or the problem in its place."""

    line: int = Field(description="The line of the request, from 0.")
    enrolment: EnrolmentShown | None = Field(None, description="What became of the picture.")
    problem: dict[str, JsonValue] | None = Field(None, description="A problem (RFC 9457), where it could not be done.")
