"""Members that are taken and change nothing."""

from __future__ import annotations

from typing import Any

from tests.contract.rekognition.rekognition_fakes import picture


def test_attributes_are_taken_and_answered_as_default(client: Any) -> None:
    client.create_collection(CollectionId="c")
    image = {"Bytes": picture("ann")}
    client.index_faces(CollectionId="c", Image=image, DetectionAttributes=["ALL"], MaxFaces=1)
    detail = client.detect_faces(Image=image, Attributes=["ALL"])["FaceDetails"][0]
    assert set(detail) == {"BoundingBox", "Landmarks", "Pose", "Quality", "Confidence"}
    client.compare_faces(SourceImage=image, TargetImage=image, SimilarityThreshold=80)
