"""Azure's calls on groups of people and lists of faces: the same code for all kinds, as far as a kind has the call."""

from __future__ import annotations

from countenance.api.azure.answers import (
    group_body,
    persisted_body,
    person_body,
    training_body,
)
from countenance.api.azure.errors import NOT_TRAINED, AzureRefused
from countenance.api.azure.values import (
    MAX_FACE_USER_DATA,
    MAX_PAGE,
    called,
    check_detector,
    flag,
    group_id,
    model_label,
    object_of,
    page_of,
    query_of,
    rectangle,
    user_data,
    uuid_of,
)
from countenance.api.azure.wire_call import WireAnswer, WireCall
from countenance.operations import (
    CreateGroup,
    CreatePerson,
    DeleteGroup,
    DeletePerson,
    EnrolFace,
    EraseFace,
    GroupKind,
    GroupProfile,
    ListGroups,
    ListNotedFaces,
    ListPersons,
    ReadFace,
    ReadGroup,
    ReadPerson,
    TrainGroup,
    UpdateFace,
    UpdateGroup,
    UpdatePerson,
)

NOTES = ("name", "userData")
GROUP_BODY = (*NOTES, "recognitionModel")
FACE_QUERY = ("userData", "targetFace", "detectionModel")
PAGE_QUERY = ("start", "top")
MODEL_QUERY = ("returnRecognitionModel",)


class GroupCalls:
    """The calls on one kind of group or list."""

    def __init__(self, kind: GroupKind) -> None:
        self._kind = kind

    def create(self, call: WireCall) -> WireAnswer:
        """PUT /{id}."""
        query_of(call.query, ())
        body = object_of(call.body, GROUP_BODY)
        name = called(body, required=True)
        assert name is not None, "a required name is there"
        profile = GroupProfile(self._kind, name, user_data(body), model_label(body))
        call.carry_out(CreateGroup(self._id(call), profile))
        return WireAnswer()

    def read(self, call: WireCall) -> WireAnswer:
        """GET /{id}; a face list comes with its faces."""
        query = query_of(call.query, MODEL_QUERY)
        body = group_body(
            call.carry_out(ReadGroup(self._id(call), self._kind)), flag(query, "returnRecognitionModel", False)
        )
        if self._kind is GroupKind.FACE_LIST:
            page = call.carry_out(ListNotedFaces(self._id(call), self._kind, "", MAX_PAGE))
            body["persistedFaces"] = [persisted_body(face) for face in page.items]
        return WireAnswer(body)

    def update(self, call: WireCall) -> WireAnswer:
        """PATCH /{id}."""
        body = object_of(call.body, NOTES)
        call.carry_out(UpdateGroup(self._id(call), self._kind, called(body, required=False), user_data(body)))
        return WireAnswer()

    def delete(self, call: WireCall) -> WireAnswer:
        """DELETE /{id}."""
        call.carry_out(DeleteGroup(self._id(call), self._kind))
        return WireAnswer()

    def list(self, call: WireCall) -> WireAnswer:
        """GET of the kind."""
        paged = self._kind is not GroupKind.FACE_LIST
        query = query_of(call.query, (*MODEL_QUERY, *(PAGE_QUERY if paged else ())))
        page = call.carry_out(ListGroups(self._kind, *page_of(query)))
        with_model = flag(query, "returnRecognitionModel", False)
        return WireAnswer([group_body(group, with_model) for group in page.items])

    def train(self, call: WireCall) -> WireAnswer:
        """POST /{id}/train: complete when it is answered."""
        call.carry_out(TrainGroup(self._id(call), self._kind))
        return WireAnswer(status=202, headers={"operation-location": f"{call.url}ing"})

    def training(self, call: WireCall) -> WireAnswer:
        """GET /{id}/training."""
        group = call.carry_out(ReadGroup(self._id(call), self._kind))
        if group.trained_at is None:
            raise AzureRefused(NOT_TRAINED, f"training of this {self._kind} was never asked for")
        return WireAnswer(training_body(group, group.trained_at))

    def create_person(self, call: WireCall) -> WireAnswer:
        """POST /{id}/persons."""
        body = object_of(call.body, NOTES)
        name = called(body, required=True)
        assert name is not None, "a required name is there"
        person_id = call.carry_out(CreatePerson(self._id(call), self._kind, name, user_data(body)))
        return WireAnswer({"personId": person_id})

    def list_persons(self, call: WireCall) -> WireAnswer:
        """GET /{id}/persons."""
        start, top = page_of(query_of(call.query, PAGE_QUERY))
        page = call.carry_out(ListPersons(self._id(call), self._kind, start, top))
        return WireAnswer([person_body(person) for person in page.items])

    def read_person(self, call: WireCall) -> WireAnswer:
        """GET /{id}/persons/{person}."""
        return WireAnswer(person_body(call.carry_out(ReadPerson(self._id(call), self._kind, self._person(call)))))

    def update_person(self, call: WireCall) -> WireAnswer:
        """PATCH /{id}/persons/{person}."""
        body = object_of(call.body, NOTES)
        name, data = called(body, required=False), user_data(body)
        call.carry_out(UpdatePerson(self._id(call), self._kind, self._person(call), name, data))
        return WireAnswer()

    def delete_person(self, call: WireCall) -> WireAnswer:
        """DELETE /{id}/persons/{person}."""
        call.carry_out(DeletePerson(self._id(call), self._kind, self._person(call)))
        return WireAnswer()

    def add_face(self, call: WireCall) -> WireAnswer:
        """POST /{id}/persistedfaces or /{id}/persons/{person}/persistedfaces."""
        query = query_of(call.query, FACE_QUERY)
        check_detector(query)
        person = self._person(call) if self._kind.of_people else None
        data = user_data(query, MAX_FACE_USER_DATA)
        ask = EnrolFace(self._id(call), self._kind, call.image(), person, rectangle(query), data)
        return WireAnswer({"persistedFaceId": call.carry_out(ask)})

    def list_faces(self, call: WireCall) -> WireAnswer:
        """GET /{id}/persistedfaces."""
        start, top = page_of(query_of(call.query, PAGE_QUERY))
        page = call.carry_out(ListNotedFaces(self._id(call), self._kind, start, top))
        return WireAnswer([persisted_body(face) for face in page.items])

    def read_face(self, call: WireCall) -> WireAnswer:
        """GET of one persisted face."""
        face = call.carry_out(ReadFace(self._id(call), self._kind, *self._face(call)))
        return WireAnswer(persisted_body(face))

    def update_face(self, call: WireCall) -> WireAnswer:
        """PATCH of one persisted face."""
        data = user_data(object_of(call.body, ("userData",)), MAX_FACE_USER_DATA)
        call.carry_out(UpdateFace(self._id(call), self._kind, *self._face(call), data))
        return WireAnswer()

    def delete_face(self, call: WireCall) -> WireAnswer:
        """DELETE of one persisted face."""
        call.carry_out(EraseFace(self._id(call), self._kind, *self._face(call)))
        return WireAnswer()

    def _id(self, call: WireCall) -> str:
        return group_id(call.path[0], f"the id of a {self._kind}")

    def _person(self, call: WireCall) -> str:
        return uuid_of(call.path[1], "personId")

    def _face(self, call: WireCall) -> tuple[str, str | None]:
        person = self._person(call) if self._kind.of_people else None
        return uuid_of(call.path[-1], "persistedFaceId"), person
