"""How faces are shown on Rekognition's wire.

Only measurements are shown. Members that Rekognition fills by guessing about the person (AgeRange, Gender, Emotions,
Smile, …) are optional in the service model and are left out: docs/adr/0005-no-inferred-traits.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from countenance.faces import BoundingBox, Candidate, DetectedFace, EnrolledFace, Landmarks, Pose, Quality
from countenance.operations import Refusal, UserMatch

JSON: TypeAlias = "str | int | float | bool | list[JSON] | Mapping[str, JSON] | None"
Body: TypeAlias = Mapping[str, JSON]
"""A JSON object as it goes over the wire; members without a value are not in it."""

_VERSION = frozenset("0123456789.")


def box_body(box: BoundingBox) -> Body:
    """A BoundingBox: ratios of the image's width and height; may reach outside 0..1."""
    return {"Width": box.width, "Height": box.height, "Left": box.left, "Top": box.top}


def enrolled_body(face: EnrolledFace, version: str | None = None) -> Body:
    """A Face. version: of the model that made the template.

    FaceModelVersion, beside the faces, may be any text. IndexFacesModelVersion holds digits and dots only: for another
    version it is the number that the model's identity starts with (its first 8 hex digits).
    """
    body: dict[str, JSON] = {
        "FaceId": face.face_id,
        "BoundingBox": box_body(face.box),
        "ImageId": face.image_id,
        "Confidence": _percent(face.confidence),
    }
    if face.external_id is not None:
        body["ExternalImageId"] = face.external_id
    if face.user_id is not None:
        body["UserId"] = face.user_id
    model_version = version if version is not None and set(version) <= _VERSION else str(int(face.model[:8], 16))
    body["IndexFacesModelVersion"] = model_version
    return body


def detail_body(face: DetectedFace) -> Body:
    """A FaceDetail or a ComparedFace: box, landmarks, pose, quality and confidence are what both share."""
    return {
        "BoundingBox": box_body(face.box),
        "Landmarks": _landmarks_body(face.landmarks),
        "Pose": _pose_body(face.pose),
        "Quality": _quality_body(face.quality),
        "Confidence": _percent(face.confidence),
    }


def source_body(face: DetectedFace) -> Body:
    """A ComparedSourceImageFace."""
    return {"BoundingBox": box_body(face.box), "Confidence": _percent(face.confidence)}


def match_body(candidate: Candidate, version: str | None = None) -> Body:
    """A FaceMatch of a search."""
    return {"Similarity": _percent(candidate.similarity), "Face": enrolled_body(candidate.face, version)}


def compared_body(face: DetectedFace, similarity: float) -> Body:
    """A CompareFacesMatch."""
    return {"Similarity": _percent(similarity), "Face": detail_body(face)}


def user_body(user_id: str, faces: int) -> Body:
    """A User or MatchedUser: CREATED while it has no face. Changes are complete when they are answered."""
    return {"UserId": user_id, "UserStatus": "ACTIVE" if faces else "CREATED"}


def user_match_body(user: UserMatch) -> Body:
    """A UserMatch."""
    return {"Similarity": _percent(user.similarity), "User": user_body(user.user_id, user.faces)}


def refusal_body(refusal: Refusal) -> Body:
    """An UnsuccessfulFaceAssociation or UnsuccessfulFaceDisassociation."""
    body: dict[str, JSON] = {"FaceId": refusal.face_id, "Reasons": [refusal.reason]}
    if refusal.user_id is not None:
        body["UserId"] = refusal.user_id
    if refusal.similarity is not None:
        body["Confidence"] = _percent(refusal.similarity)
    return body


def _landmarks_body(landmarks: Landmarks) -> list[JSON]:
    # Rekognition's left and right are the picture's, as here
    named = {
        "eyeLeft": landmarks.left_eye,
        "eyeRight": landmarks.right_eye,
        "mouthLeft": landmarks.left_mouth,
        "mouthRight": landmarks.right_mouth,
        "nose": landmarks.nose,
    }
    return [{"Type": kind, "X": point.x, "Y": point.y} for kind, point in named.items()]


def _pose_body(pose: Pose) -> Body:
    return {"Roll": _angle(pose.roll), "Yaw": _angle(pose.yaw), "Pitch": _angle(pose.pitch)}


def _quality_body(quality: Quality) -> Body:
    return {"Brightness": quality.brightness, "Sharpness": quality.sharpness}


def _percent(value: float) -> float:
    return min(max(value, 0.0), 100.0)


def _angle(degrees: float) -> float:
    return min(max(degrees, -180.0), 180.0)
