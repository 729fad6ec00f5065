"""What an answer leaves out that Rekognition guesses about a person, and by which decision."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from countenance.api.rekognition.shapes import Params

LEFT_OUT = "x-countenance-left-out"
"""The header that names the members which were requested, or which AWS always gives, and are left out."""

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
"""The attribute in a request -> the member of a FaceDetail that it requests."""

OF_COMPARED_FACE = ("Emotions", "Smile")
"""Members of a ComparedFace that Rekognition always fills."""


def left_out_header(operation: str, params: Params) -> Mapping[str, str]:
    """The header for an answer of `operation`; empty if nothing is left out."""
    if operation == "CompareFaces":
        members: list[str] = list(OF_COMPARED_FACE)
    else:
        attributes = params.get("Attributes", params.get("DetectionAttributes", ()))
        members = [member for word, member in BY_ATTRIBUTE.items() if word in attributes or "ALL" in attributes]
    return {LEFT_OUT: f"{', '.join(members)}; {DECISION}"} if members else {}
