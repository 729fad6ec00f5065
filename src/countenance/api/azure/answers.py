"""Faces, people and groups as JSON of Azure Face: measurements only, no guesses about a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from countenance.faces import BoundingBox, DetectedFace, Landmarks
from countenance.operations import FaceGroup, GroupKind, NotedFace, Person, QualityFilter

JSON: TypeAlias = "str | int | float | bool | list[JSON] | Mapping[str, JSON] | None"
JsonBody: TypeAlias = Mapping[str, JSON]

MEASURED = ("headPose", "blur", "exposure", "qualityForRecognition")
"""The attributes that are measured here."""
NOT_MEASURED = ("accessories", "glasses", "mask", "noise", "occlusion")
"""Azure's attributes that are not measured here."""
GUESSED = ("age", "emotion", "facialHair", "gender", "hair", "makeup", "smile")
"""Attributes that Azure retired or restricted and that ADR 5 rules out: guesses about a person."""

ID_NAMES: Mapping[GroupKind, str] = {
    GroupKind.PERSON_GROUP: "personGroupId",
    GroupKind.LARGE_PERSON_GROUP: "largePersonGroupId",
    GroupKind.FACE_LIST: "faceListId",
    GroupKind.LARGE_FACE_LIST: "largeFaceListId",
}

GROUP_CODES: Mapping[GroupKind, str] = {
    GroupKind.PERSON_GROUP: "PersonGroup",
    GroupKind.LARGE_PERSON_GROUP: "LargePersonGroup",
    GroupKind.FACE_LIST: "FaceList",
    GroupKind.LARGE_FACE_LIST: "LargeFaceList",
}
"""The names of the kinds in error codes."""

_BLUR = ((0.25, "low"), (0.75, "medium"), (2.0, "high"))  # Azure's own bounds
UNDER, OVER = 0.05, 0.9
"""Mean luma as shares of white: a face below the first is underExposure, one above the second overExposure."""


def rectangle_body(box: BoundingBox, width: int, height: int) -> JsonBody:
    """A faceRectangle: in whole pixels, cut to the picture."""
    left, top = max(0, round(box.left * width)), max(0, round(box.top * height))
    right = min(width, round((box.left + box.width) * width))
    bottom = min(height, round((box.top + box.height) * height))
    return {"left": left, "top": top, "width": max(0, right - left), "height": max(0, bottom - top)}


def landmarks_body(landmarks: Landmarks, width: int, height: int) -> JsonBody:
    """The five of Azure's 27 landmarks that the detector finds, in pixels."""
    named = {
        "pupilLeft": landmarks.left_eye,
        "pupilRight": landmarks.right_eye,
        "noseTip": landmarks.nose,
        "mouthLeft": landmarks.left_mouth,
        "mouthRight": landmarks.right_mouth,
    }
    return {name: {"x": round(p.x * width, 1), "y": round(p.y * height, 1)} for name, p in named.items()}


def attributes_body(face: DetectedFace, level: QualityFilter | None, wanted: tuple[str, ...]) -> JsonBody:
    """The requested faceAttributes. level: of the face's template."""
    blur = 1.0 - face.quality.sharpness / 100.0
    luma = (face.quality.brightness / 100.0) ** 3
    exposed = "underExposure" if luma < UNDER else "overExposure" if luma > OVER else "goodExposure"
    every: dict[str, JSON] = {
        "headPose": {
            "roll": round(face.pose.roll, 1),
            "yaw": round(face.pose.yaw, 1),
            "pitch": round(face.pose.pitch, 1),
        },
        "blur": {"blurLevel": next(name for top, name in _BLUR if blur < top), "value": round(blur, 4)},
        "exposure": {"exposureLevel": exposed, "value": round(luma, 4)},
        "qualityForRecognition": None if level is None else level.lower(),
    }
    return {name: every[name] for name in wanted}


def group_body(group: FaceGroup, with_model: bool) -> dict[str, JSON]:
    """A group or list."""
    profile = group.profile
    body: dict[str, JSON] = {
        ID_NAMES[profile.kind]: group.gallery_id,
        "name": profile.name,
        "userData": profile.user_data,
    }
    return {**body, "recognitionModel": profile.model_label} if with_model else body


def person_body(person: Person) -> JsonBody:
    """A person."""
    return {
        "personId": person.person_id,
        "name": person.name,
        "userData": person.user_data,
        "persistedFaceIds": list[JSON](person.face_ids),
    }


def persisted_body(face: NotedFace) -> JsonBody:
    """A persisted face."""
    return {"persistedFaceId": face.face_id, "userData": face.user_data}


def training_body(group: FaceGroup, trained_at: datetime) -> JsonBody:
    """A training status: training has succeeded as soon as it is requested."""
    done = _moment(trained_at)
    return {
        "status": "succeeded",
        "createdDateTime": _moment(group.created_at),
        "lastActionDateTime": done,
        "lastSuccessfulTrainingDateTime": done,
    }


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
