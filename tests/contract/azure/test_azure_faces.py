"""Detected faces through azure-ai-vision-face: detect, verify, find similar, group, identify."""

from __future__ import annotations

from azure.ai.vision.face import FaceClient
from tests.contract.azure.pictures import ANN, BEN, CLEO, MODELS, face_id, picture, side_by_side

from countenance.api.azure.answers import MEASURED


def test_detect_tells_where_faces_are_and_what_is_measured(face: FaceClient) -> None:
    image = side_by_side(picture(ANN, 1), picture(BEN, 2))
    found = face.detect(
        image,
        **MODELS,
        return_face_id=True,
        return_face_landmarks=True,
        return_face_attributes=list(MEASURED),
        return_recognition_model=True,
        face_id_time_to_live=60,
    )
    assert len(found) == 2 and len({each.face_id for each in found}) == 2
    areas = [each.face_rectangle.width * each.face_rectangle.height for each in found]
    assert areas == sorted(areas, reverse=True)
    for each in found:
        box, marks, said = each.face_rectangle, each.face_landmarks, each.face_attributes
        assert box.left >= 0 and box.left + box.width <= 500 and box.top >= 0 and box.top + box.height <= 250
        assert marks is not None and said is not None
        assert box.left < marks.pupil_left.x < marks.pupil_right.x < box.left + box.width
        assert marks.pupil_left.y < marks.nose_tip.y < marks.mouth_left.y
        assert each.recognition_model == "recognition_04"
        assert said.head_pose is not None and abs(said.head_pose.yaw) < 45
        assert said.blur is not None and said.blur.blur_level == "low"
        assert said.exposure is not None and said.exposure.exposure_level == "goodExposure"
        assert said.quality_for_recognition in ("medium", "high")
        assert said.age is None and said.smile is None


def test_detect_without_face_id_keeps_nothing(face: FaceClient, ann: bytes) -> None:
    (found,) = face.detect(ann, **MODELS, return_face_id=False)
    assert found.face_id is None and found.face_landmarks is None and found.face_attributes is None
    (graded,) = face.detect(ann, **MODELS, return_face_id=False, return_face_attributes=["qualityForRecognition"])
    assert graded.face_id is None and graded.face_attributes is not None


def test_a_picture_without_a_face_is_no_error(face: FaceClient) -> None:
    blank = _blank()
    assert face.detect(blank, **MODELS, return_face_id=True) == []


def test_verify_says_identical_for_one_person_and_not_for_two(face: FaceClient, ann: bytes) -> None:
    first, second = face_id(face, ann), face_id(face, picture(ANN, 7))
    other = face_id(face, picture(BEN, 2))
    same = face.verify_face_to_face(face_id1=first, face_id2=second)
    assert same.is_identical and 0.5 <= same.confidence <= 1
    differ = face.verify_face_to_face(face_id1=first, face_id2=other)
    assert not differ.is_identical and 0 <= differ.confidence < 0.5


def test_find_similar_among_detected_faces(face: FaceClient, ann: bytes) -> None:
    probe, same = face_id(face, ann), face_id(face, picture(ANN, 7))
    other = face_id(face, picture(BEN, 2))
    found = face.find_similar(face_id=probe, face_ids=[other, same])
    assert [each.face_id for each in found] == [same] and found[0].confidence >= 0.5


def test_match_face_is_answered_from_what_the_evidence_carries_on(face: FaceClient, ann: bytes) -> None:
    probe, other = face_id(face, ann), face_id(face, picture(BEN, 2))
    same = face_id(face, picture(ANN, 7))
    found = face.find_similar(face_id=probe, face_ids=[other, same], mode="matchFace")
    assert [each.face_id for each in found] == [same]


def test_group_puts_people_together_and_strangers_aside(face: FaceClient, ann: bytes) -> None:
    first, second = face_id(face, ann), face_id(face, picture(ANN, 7))
    third, fourth = face_id(face, picture(BEN, 2)), face_id(face, picture(CLEO, 1))
    fifth = face_id(face, picture(BEN, 8))
    said = face.group(face_ids=[first, third, second, fourth, fifth])
    assert sorted(map(set, said.groups), key=str) == sorted([{first, second}, {third, fifth}], key=str)
    assert said.messy_group == [fourth]


def _blank() -> bytes:
    from io import BytesIO

    from PIL import Image

    out = BytesIO()
    Image.new("RGB", (200, 200), (120, 120, 120)).save(out, "PNG")
    return out.getvalue()
