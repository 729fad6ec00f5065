"""Large person groups and large face lists through azure-ai-vision-face."""

from __future__ import annotations

import httpx
import pytest
from azure.ai.vision.face import FaceAdministrationClient, FaceClient
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from tests.contract.azure.pictures import ANN, BEN, DORA, NOBODY, face_id, picture, side_by_side
from tests.integration.serving import Live


def test_a_group_of_people_from_start_to_end(face: FaceClient, admin: FaceAdministrationClient, ann: bytes) -> None:
    groups = admin.large_person_group
    groups.create("leaders", name="Leaders", user_data="ours", recognition_model="recognition_04")
    with pytest.raises(ResourceExistsError, match="LargePersonGroupExists"):
        groups.create("leaders", name="Leaders")
    people = {name: groups.create_person("leaders", name=name).person_id for name in ("Ann", "Ben", "Cleo")}
    kept = groups.add_face("leaders", people["Ann"], ann, detection_model="detection_03", user_data="first")
    again = groups.add_face("leaders", people["Ann"], ann)
    assert again.persisted_face_id == kept.persisted_face_id
    groups.add_face("leaders", people["Ann"], picture(ANN, 3))
    groups.add_face("leaders", people["Ben"], picture(BEN, 2))
    with pytest.raises(ResourceNotFoundError, match="LargePersonGroupNotTrained"):
        groups.get_training_status("leaders")
    poller = groups.begin_train("leaders", polling_interval=0)
    poller.result(timeout=30)
    assert poller.status() == "Succeeded" or poller.status() == "succeeded"
    status = groups.get_training_status("leaders")
    assert status.status == "succeeded" and status.last_successful_training_date_time is not None

    probes = [face_id(face, picture(ANN, 7)), face_id(face, picture(DORA, 1))]
    known, unknown = face.identify_from_large_person_group(
        face_ids=probes, large_person_group_id="leaders", max_num_of_candidates_returned=3
    )
    assert known.face_id == probes[0] and unknown.face_id == probes[1]
    assert [each.person_id for each in known.candidates] == [people["Ann"]]
    assert 0.5 <= known.candidates[0].confidence <= 1 and unknown.candidates == []
    (strict,) = face.identify_from_large_person_group(
        face_ids=probes[:1], large_person_group_id="leaders", confidence_threshold=1.0
    )
    assert strict.candidates == []

    yes = face.verify_from_large_person_group(
        face_id=probes[0], large_person_group_id="leaders", person_id=people["Ann"]
    )
    no = face.verify_from_large_person_group(
        face_id=probes[0], large_person_group_id="leaders", person_id=people["Ben"]
    )
    nobody = face.verify_from_large_person_group(
        face_id=probes[0], large_person_group_id="leaders", person_id=people["Cleo"]
    )
    assert yes.is_identical and not no.is_identical and (nobody.is_identical, nobody.confidence) == (False, 0.0)

    anns = groups.get_person("leaders", people["Ann"])
    assert anns.name == "Ann" and len(anns.persisted_face_ids or []) == 2
    groups.update_person("leaders", people["Ann"], name="Anna", user_data="43")
    renamed = groups.get_person("leaders", people["Ann"])
    assert (renamed.name, renamed.user_data) == ("Anna", "43")
    assert groups.get_face("leaders", people["Ann"], kept.persisted_face_id).user_data == "first"
    groups.update_face("leaders", people["Ann"], kept.persisted_face_id, user_data="second")
    assert groups.get_face("leaders", people["Ann"], kept.persisted_face_id).user_data == "second"
    with pytest.raises(ResourceNotFoundError, match="PersistedFaceNotFound"):
        groups.get_face("leaders", people["Ben"], kept.persisted_face_id)

    listed = groups.get_persons("leaders")
    assert {each.person_id for each in listed} == set(people.values())
    first = groups.get_persons("leaders", top=1)
    rest = groups.get_persons("leaders", start=first[0].person_id)
    assert [each.person_id for each in (*first, *rest)] == sorted(people.values())

    groups.delete_face("leaders", people["Ann"], kept.persisted_face_id)
    with pytest.raises(ResourceNotFoundError, match="PersistedFaceNotFound"):
        groups.get_face("leaders", people["Ann"], kept.persisted_face_id)
    groups.delete_person("leaders", people["Ann"])
    with pytest.raises(ResourceNotFoundError, match="PersonNotFound"):
        groups.get_person("leaders", people["Ann"])
    (gone,) = face.identify_from_large_person_group(face_ids=probes[:1], large_person_group_id="leaders")
    assert gone.candidates == []

    groups.update("leaders", name="Heads", user_data="theirs")
    said = groups.get("leaders", return_recognition_model=True)
    assert (said.name, said.user_data, said.recognition_model) == ("Heads", "theirs", "recognition_04")
    groups.delete("leaders")
    with pytest.raises(ResourceNotFoundError, match="LargePersonGroupNotFound"):
        groups.get("leaders")


def test_identify_below_what_the_evidence_carries_is_answered_at_its_floor(
    server: Live, key: str, face: FaceClient, admin: FaceAdministrationClient, ann: bytes
) -> None:
    groups = admin.large_person_group
    groups.create("floor", name="Floor")
    people = [groups.create_person("floor", name=name).person_id for name in ("Ann", "Ben")]
    for person, image in zip(people, (ann, picture(BEN, 2)), strict=True):
        groups.add_face("floor", person, image)
    asked = {"faceIds": [face_id(face, picture(ANN, 7))], "largePersonGroupId": "floor"}
    with httpx.Client(base_url=server.endpoint, headers={"Ocp-Apim-Subscription-Key": key}, trust_env=False) as http:
        answers = [
            http.post("/face/v1.2/identify", json={**asked, "confidenceThreshold": least}) for least in (0.0, 0.3, 0.6)
        ]
    for answer in answers:
        assert [each["personId"] for each in answer.json()[0]["candidates"]] == people[:1], "nobody below 0.5"
    assert [each.headers.get("x-countenance-threshold") for each in answers] == ["80", "80", None]
    groups.delete("floor")


def test_groups_are_listed_in_pages(admin: FaceAdministrationClient) -> None:
    groups = admin.large_person_group
    for name in ("page-a", "page-b", "page-c"):
        groups.create(name, name=name.upper(), recognition_model="recognition_03")
    first = groups.get_large_person_groups(start="page-", top=2, return_recognition_model=True)
    assert [each.large_person_group_id for each in first] == ["page-a", "page-b"]
    assert first[0].recognition_model == "recognition_03"
    rest = groups.get_large_person_groups(start="page-b", top=1)
    assert [each.large_person_group_id for each in rest] == ["page-c"]
    assert rest[0].recognition_model is None
    for name in ("page-a", "page-b", "page-c"):
        groups.delete(name)


def test_a_face_list_from_start_to_end(face: FaceClient, admin: FaceAdministrationClient, ann: bytes) -> None:
    lists = admin.large_face_list
    lists.create("seen", name="Seen", user_data="x", recognition_model="recognition_04")
    one = lists.add_face("seen", ann, user_data="one").persisted_face_id
    two = lists.add_face("seen", picture(BEN, 2)).persisted_face_id
    lists.begin_train("seen", polling_interval=0).result(timeout=30)
    assert lists.get_training_status("seen").status == "succeeded"
    probe = face_id(face, picture(ANN, 7))
    found = face.find_similar_from_large_face_list(face_id=probe, large_face_list_id="seen")
    assert [each.persisted_face_id for each in found] == [one] and found[0].confidence >= 0.5
    assert {each.persisted_face_id for each in lists.get_faces("seen")} == {one, two}
    assert len(lists.get_faces("seen", start=min(one, two), top=1)) == 1
    assert lists.get_face("seen", one).user_data == "one"
    lists.update_face("seen", one, user_data="uno")
    assert lists.get_face("seen", one).user_data == "uno"
    lists.delete_face("seen", one)
    assert face.find_similar_from_large_face_list(face_id=probe, large_face_list_id="seen") == []
    lists.update("seen", name="Looked at")
    assert lists.get("seen").name == "Looked at" and lists.get("seen").user_data == "x"
    assert "seen" in [each.large_face_list_id for each in lists.get_large_face_lists()]
    lists.delete("seen")
    assert "seen" not in [each.large_face_list_id for each in lists.get_large_face_lists()]


def test_which_of_several_faces_is_meant_is_said_by_a_target(
    face: FaceClient, admin: FaceAdministrationClient, ann: bytes
) -> None:
    from azure.core.exceptions import HttpResponseError

    lists = admin.large_face_list
    lists.create("target", name="Target")
    both = side_by_side(ann, picture(BEN, 2))
    with pytest.raises(HttpResponseError, match=r"InvalidImage.*target"):
        lists.add_face("target", both)
    found = face.detect(both, detection_model="detection_03", recognition_model="recognition_04", return_face_id=True)
    ben = max(found, key=lambda each: each.face_rectangle.left)
    box = ben.face_rectangle
    kept = lists.add_face("target", both, target_face=[box.left, box.top, box.width, box.height])
    similar = face.find_similar_from_large_face_list(face_id=str(ben.face_id), large_face_list_id="target")
    assert [each.persisted_face_id for each in similar] == [kept.persisted_face_id]
    with pytest.raises(HttpResponseError, match="InvalidImage"):
        lists.add_face("target", both, target_face=[0, 0, 5, 5])
    assert len(lists.get_faces("target")) == 1
    lists.delete("target")


def test_a_name_of_one_kind_is_not_there_for_another(admin: FaceAdministrationClient) -> None:
    admin.large_face_list.create("kind", name="A list")
    with pytest.raises(ResourceNotFoundError, match="LargePersonGroupNotFound"):
        admin.large_person_group.create_person("kind", name="Ann")
    with pytest.raises(ResourceExistsError, match="LargePersonGroupExists"):
        admin.large_person_group.create("kind", name="A group")
    admin.large_face_list.delete("kind")
    with pytest.raises(ResourceNotFoundError, match="LargeFaceListNotFound"):
        admin.large_face_list.get_face("kind", NOBODY)
