"""What Microsoft's published samples call and read, in their order; only endpoint, key and pictures are ours."""

from __future__ import annotations

from typing import Any

import pytest
from azure.ai.vision.face import FaceAdministrationClient, FaceClient
from azure.ai.vision.face.models import (
    FaceAttributeTypeDetection03,
    FaceAttributeTypeRecognition04,
    FaceDetectionModel,
    FaceRecognitionModel,
)
from azure.core.exceptions import HttpResponseError
from tests.contract.azure.pictures import ANN, BEN, CLEO, picture, side_by_side

NEWEST: dict[str, Any] = {
    "detection_model": FaceDetectionModel.DETECTION03,
    "recognition_model": FaceRecognitionModel.RECOGNITION04,
}


def test_the_sample_about_detection_reads_what_is_measured(face: FaceClient, ann: bytes) -> None:
    asked: dict[str, Any] = {"return_face_id": True, "return_face_landmarks": True, "return_recognition_model": True}
    measured: list[Any] = [
        FaceAttributeTypeDetection03.BLUR,
        FaceAttributeTypeDetection03.HEAD_POSE,
        FaceAttributeTypeRecognition04.QUALITY_FOR_RECOGNITION,
    ]
    (found,) = face.detect(ann, **NEWEST, **asked, face_id_time_to_live=120, return_face_attributes=measured)
    told = found.as_dict()
    assert set(told["faceAttributes"]) == {"blur", "headPose", "qualityForRecognition"}
    assert told["recognitionModel"] == "recognition_04"
    assert set(told["faceRectangle"]) == {"top", "left", "width", "height"}
    assert told["faceLandmarks"]["noseTip"]["x"] > 0
    with pytest.raises(HttpResponseError, match="mask") as caught:  # docs/azure.md: refused by name
        face.detect(ann, **NEWEST, **asked, return_face_attributes=[*measured, FaceAttributeTypeDetection03.MASK])
    assert caught.value.status_code == 403


def test_the_samples_about_likeness_find_and_group(face: FaceClient, ann: bytes) -> None:
    people = side_by_side(ann, picture(BEN, 1), picture(CLEO, 1), picture(BEN, 2))
    ids = [str(each.face_id) for each in face.detect(people, **NEWEST, return_face_id=True)]
    assert len(ids) == 4
    (one,) = face.detect(picture(ANN, 2), **NEWEST, return_face_id=True)
    (similar,) = face.find_similar(face_id=str(one.face_id), face_ids=ids)
    assert set(similar.as_dict()) == {"confidence", "faceId"}
    grouped = face.group(face_ids=ids).as_dict()
    assert [len(each) for each in grouped["groups"]] == [2]
    assert len(grouped["messyGroup"]) == 2


def test_the_sample_about_a_group_of_people_verifies_and_identifies(
    face: FaceClient, admin: FaceAdministrationClient
) -> None:
    group = "lpg_family1"
    admin.large_person_group.create(
        group, name="Family 1", user_data="A sweet family", recognition_model=FaceRecognitionModel.RECOGNITION04
    )
    people = {}
    for name, number in {"Bill": ANN, "Clare": BEN}.items():
        person = admin.large_person_group.create_person(group, name=name, user_data=name).person_id
        for take in (1, 2):
            admin.large_person_group.add_face(
                group,
                person,
                picture(number, take),
                user_data=f"{name}-{take}",
                detection_model=FaceDetectionModel.DETECTION03,
            )
        people[name] = person
    admin.large_person_group.begin_train(group, polling_interval=1).wait()
    (seen,) = face.detect(picture(ANN, 3), **NEWEST, return_face_id=True)
    for name, same in {"Bill": True, "Clare": False}.items():
        verified = face.verify_from_large_person_group(
            face_id=str(seen.face_id), large_person_group_id=group, person_id=people[name]
        )
        assert (verified.is_identical, set(verified.as_dict())) == (same, {"isIdentical", "confidence"})
    (identified,) = face.identify_from_large_person_group(face_ids=[str(seen.face_id)], large_person_group_id=group)
    (candidate,) = identified.candidates
    assert candidate.person_id == people["Bill"]
    assert admin.large_person_group.get_person(group, candidate.person_id).name == "Bill"
    admin.large_person_group.delete(group)
