"""The older client, azure-cognitiveservices-vision-face, which speaks v1.0: faces, person groups, lists."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from azure.cognitiveservices.vision.face.models import APIErrorException
from tests.contract.azure.pictures import ANN, BEN, picture, side_by_side


def detected(client: Any, image: bytes) -> str:
    (found,) = client.face.detect_with_stream(BytesIO(image), face_id_time_to_live=120)
    return str(found.face_id)


def refused(call: Any, *given: Any, **named: Any) -> tuple[int, str]:
    with pytest.raises(APIErrorException) as caught:
        call(*given, **named)
    return caught.value.response.status_code, _code(caught.value)


def test_older_detect_and_compare(older: Any, ann: bytes) -> None:
    (found,) = older.face.detect_with_stream(
        BytesIO(ann),
        return_face_id=True,
        return_face_landmarks=True,
        return_face_attributes=["headPose", "blur", "exposure", "qualityForRecognition"],
        recognition_model="recognition_04",
        return_recognition_model=True,
        detection_model="detection_03",
        face_id_time_to_live=60,
    )
    assert found.recognition_model == "recognition_04" and found.face_landmarks.nose_tip.x > 0
    assert found.face_attributes.blur.blur_level.value == "Low"
    assert found.face_attributes.quality_for_recognition.value in ("Medium", "High")
    first, second = detected(older, ann), detected(older, picture(ANN, 7))
    other = detected(older, picture(BEN, 2))
    assert older.face.verify_face_to_face(first, second).is_identical
    assert not older.face.verify_face_to_face(first, other).is_identical
    similar = older.face.find_similar(first, face_ids=[second, other], max_num_of_candidates_returned=5)
    assert [each.face_id for each in similar] == [second]
    said = older.face.group([first, second, other])
    assert [set(each) for each in said.groups] == [{first, second}] and said.messy_group == [other]
    assert refused(older.face.detect_with_url, "http://example.org/a.jpg") == (400, "InvalidURL")


def _code(error: Any) -> str:
    return str(error.error.error.code)


@pytest.mark.parametrize("large", [False, True])
def test_older_person_groups(older: Any, ann: bytes, large: bool) -> None:
    groups = older.large_person_group if large else older.person_group
    people = older.large_person_group_person if large else older.person_group_person
    id_name = "large_person_group_id" if large else "person_group_id"
    code = "LargePersonGroup" if large else "PersonGroup"
    groups.create("old", name="Old", user_data="x", recognition_model="recognition_02")
    assert refused(groups.create, "old", name="Old") == (409, f"{code}Exists")
    person = people.create("old", name="Ann", user_data="43")
    kept = people.add_face_from_stream("old", person.person_id, BytesIO(ann), user_data="first")
    assert refused(groups.get_training_status, "old") == (404, f"{code}NotTrained")
    groups.train("old")
    assert groups.get_training_status("old").status.value == "succeeded"
    probe = detected(older, picture(ANN, 7))
    (found,) = older.face.identify([probe], **{id_name: "old"})
    assert [each.person_id for each in found.candidates] == [person.person_id]
    assert older.face.verify_face_to_person(probe, person.person_id, **{id_name: "old"}).is_identical
    read = people.get("old", person.person_id)
    assert (read.name, read.user_data, read.persisted_face_ids) == ("Ann", "43", [kept.persisted_face_id])
    people.update("old", person.person_id, name="Anna")
    assert [each.name for each in people.list("old", top=10)] == ["Anna"]
    people.update_face("old", person.person_id, kept.persisted_face_id, user_data="second")
    assert people.get_face("old", person.person_id, kept.persisted_face_id).user_data == "second"
    url = "http://example.org/a.jpg"
    assert refused(people.add_face_from_url, "old", person.person_id, url) == (400, "InvalidURL")
    people.delete_face("old", person.person_id, kept.persisted_face_id)
    assert people.get("old", person.person_id).persisted_face_ids == []
    people.delete("old", person.person_id)
    assert refused(people.get, "old", person.person_id) == (404, "PersonNotFound")
    groups.update("old", name="Older")
    assert groups.get("old", return_recognition_model=True).recognition_model == "recognition_02"
    assert "Older" in [each.name for each in groups.list()]
    groups.delete("old")
    assert refused(groups.get, "old") == (404, f"{code}NotFound")


def test_older_face_list(older: Any, ann: bytes) -> None:
    lists = older.face_list
    lists.create("few", name="Few", recognition_model="recognition_04")
    assert refused(lists.create, "few", name="Few") == (409, "FaceListExists")
    one = lists.add_face_from_stream("few", BytesIO(ann), user_data="one").persisted_face_id
    both = side_by_side(ann, picture(BEN, 2))
    two = lists.add_face_from_stream("few", BytesIO(both), target_face=[250, 0, 250, 250]).persisted_face_id
    read = lists.get("few", return_recognition_model=True)
    assert {each.persisted_face_id: each.user_data for each in read.persisted_faces} == {one: "one", two: None}
    (found,) = older.face.find_similar(detected(older, picture(BEN, 3)), face_list_id="few")
    assert found.persisted_face_id == two and found.face_id is None
    assert refused(lists.add_face_from_url, "few", "http://example.org/a.jpg") == (400, "InvalidURL")
    lists.update("few", name="Fewer")
    lists.delete_face("few", one)
    assert [each.persisted_face_id for each in lists.get("few").persisted_faces] == [two]
    assert [each.name for each in lists.list()] == ["Fewer"]
    lists.delete("few")
    assert lists.list() == []


def test_older_large_face_list(older: Any, ann: bytes) -> None:
    lists = older.large_face_list
    lists.create("many", name="Many")
    one = lists.add_face_from_stream("many", BytesIO(ann)).persisted_face_id
    assert refused(lists.add_face_from_url, "many", "http://example.org/a.jpg") == (400, "InvalidURL")
    lists.train("many")
    assert lists.get_training_status("many").status.value == "succeeded"
    (found,) = older.face.find_similar(detected(older, picture(ANN, 7)), large_face_list_id="many")
    assert found.persisted_face_id == one
    lists.update_face("many", one, user_data="one")
    assert lists.get_face("many", one).user_data == "one"
    assert [each.persisted_face_id for each in lists.list_faces("many")] == [one]
    lists.delete_face("many", one)
    assert lists.list_faces("many") == []
    lists.update("many", user_data="data")
    assert lists.get("many").user_data == "data"
    assert "many" in [each.large_face_list_id for each in lists.list()]
    lists.delete("many")
    assert refused(lists.delete, "many") == (404, "LargeFaceListNotFound")


def test_older_snapshots_are_refused_by_name(older: Any) -> None:
    some = "00000000-0000-4000-8000-000000000000"
    for call, given in (
        (older.snapshot.take, ("FaceList", "few", [some])),
        (older.snapshot.list, ()),
        (older.snapshot.get, (some,)),
        (older.snapshot.update, (some,)),
        (older.snapshot.delete, (some,)),
        (older.snapshot.apply, (some, "few")),
        (older.snapshot.get_operation_status, (some,)),
    ):
        assert refused(call, *given) == (403, "InvalidRequest")
