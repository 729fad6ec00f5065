"""What an answer lacks that Rekognition would have guessed about a person, and by which decision."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from countenance.api.rekognition.shapes import Params

LEFT_OUT = "x-countenance-left-out"
"""The header of an answer that names the members which were asked for, or belong to it at AWS, and are left out."""

DECISION = "docs/adr/0005-no-inferred-traits.md"

BY_ATTRIBUTE: Mapping[str, str] = MappingProxyType(
    {
        "AGE_RANGE": "AgeRange",
        "BEARD": "Beard",
        "EMOTIONS": "Emotions",
        "EYE_DIRECTION": "EyeDirection",
        "EYEGLASSES": "Eyeglasses",
        "EYES_OPEN": "EyesOpen",
        "FACE_OCCLUDED": "FaceOccluded",
        "GENDER": "Gender",
        "MOUTH_OPEN": "MouthOpen",
        "MUSTACHE": "Mustache",
        "SMILE": "Smile",
        "SUNGLASSES": "Sunglasses",
    }
)
"""The attribute of a request -> the member of a FaceDetail that it asks for."""

OF_COMPARED_FACE = ("Emotions", "Smile")
"""Members of a ComparedFace that Rekognition fills without being asked."""


def left_out_header(operation: str, params: Params) -> Mapping[str, str]:
    """The header for an answer of `operation`; nothing where nothing is left out."""
    if operation == "CompareFaces":
        members: list[str] = list(OF_COMPARED_FACE)
    else:
        asked = params.get("Attributes", params.get("DetectionAttributes", ()))
        members = [member for word, member in BY_ATTRIBUTE.items() if word in asked or "ALL" in asked]
    return {LEFT_OUT: f"{', '.join(members)}; {DECISION}"} if members else {}
