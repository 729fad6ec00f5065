"""Azure's calls on detected faces: detect, verify, identify, findsimilars, group."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from countenance.api.azure.answers import (
    GROUP_CODES,
    GUESSED,
    JSON,
    MEASURED,
    NOT_MEASURED,
    attributes_body,
    landmarks_body,
    rectangle_body,
)
from countenance.api.azure.errors import INVALID_REQUEST, UNSUPPORTED_FEATURE, AzureError, AzureRefused
from countenance.api.azure.values import (
    JsonObject,
    bad,
    check_detector,
    flag,
    group_id,
    model_label,
    object_of,
    query_of,
    share,
    uuid_of,
    uuids_of,
    whole,
    whole_member,
)
from countenance.api.azure.wire_call import WireAnswer, WireCall
from countenance.errors import NotFound
from countenance.operations import (
    IDENTICAL,
    Detect,
    DetectAndKeep,
    FindSimilarEnrolled,
    FindSimilarKept,
    GroupKept,
    GroupKind,
    Identify,
    KeptDetection,
    Likeness,
    Operation,
    SimilarFaces,
    VerifyFaces,
    VerifyPerson,
    confidence,
    similarity_at_confidence,
)

SHORTEST_LIFE, LONGEST_LIFE = 60, 86_400
"""Seconds that a faceId may be kept."""
MOST_IDENTIFIED = 10
MOST_CANDIDATES, CANDIDATES = 100, 10
MOST_SIMILAR, SIMILAR = 1000, 20
MOST_FACE_IDS = 1000

DETECT_QUERY = (
    "returnFaceId",
    "returnFaceLandmarks",
    "returnFaceAttributes",
    "recognitionModel",
    "returnRecognitionModel",
    "detectionModel",
    "faceIdTimeToLive",
)
VERIFY_BODY = ("faceId1", "faceId2", "faceId", "personId", "personGroupId", "largePersonGroupId")
IDENTIFY_BODY = (
    "faceIds",
    "personGroupId",
    "largePersonGroupId",
    "maxNumOfCandidatesReturned",
    "confidenceThreshold",
)
SIMILAR_BODY = ("faceId", "faceIds", "faceListId", "largeFaceListId", "maxNumOfCandidatesReturned", "mode")
GROUP_BODY = ("faceIds",)

_PEOPLE = {"personGroupId": GroupKind.PERSON_GROUP, "largePersonGroupId": GroupKind.LARGE_PERSON_GROUP}
_LISTS = {"faceListId": GroupKind.FACE_LIST, "largeFaceListId": GroupKind.LARGE_FACE_LIST}
_MODES = {"matchPerson": IDENTICAL, "matchFace": 0.0}


def detect(call: WireCall) -> WireAnswer:
    """POST /detect."""
    query = query_of(call.query, DETECT_QUERY)
    wanted = _attributes(query.get("returnFaceAttributes", ""))
    keeps, marks = flag(query, "returnFaceId", True), flag(query, "returnFaceLandmarks", False)
    says_model = flag(query, "returnRecognitionModel", False)
    life = whole(query, "faceIdTimeToLive", LONGEST_LIFE, SHORTEST_LIFE, LONGEST_LIFE)
    model = model_label(query)
    check_detector(query)
    if keeps or "qualityForRecognition" in wanted:
        detection = call.carry_out(DetectAndKeep(call.image(), life if keeps else 0))
    else:  # no template is needed, so none is made
        seen = call.carry_out(Detect(call.image()))
        detection = KeptDetection(seen, (), (None,) * len(seen.faces))
    width, height = detection.detected.width, detection.detected.height
    faces: list[JSON] = []
    for at, face in enumerate(detection.detected.faces):
        body: dict[str, JSON] = {"faceRectangle": rectangle_body(face.box, width, height)}
        if keeps:
            body["faceId"] = detection.face_ids[at]
        if says_model and keeps:
            body["recognitionModel"] = model
        if marks:
            body["faceLandmarks"] = landmarks_body(face.landmarks, width, height)
        if wanted:
            body["faceAttributes"] = attributes_body(face, detection.levels[at], wanted)
        faces.append(body)
    return WireAnswer(faces)


def verify(call: WireCall) -> WireAnswer:
    """POST /verify: face to face, or face to person."""
    body = object_of(call.body, VERIFY_BODY)
    least = similarity_at_confidence(IDENTICAL)
    operation: Operation[None, Likeness]
    kind = GroupKind.PERSON_GROUP
    if "faceId" in body:
        name, kind = _one_of(body, _PEOPLE)
        _none_of(body, "faceId1", "faceId2")
        operation = VerifyPerson(
            group_id(body[name], name),
            kind,
            uuid_of(body["faceId"], "faceId"),
            uuid_of(body.get("personId"), "personId"),
            least,
        )
    else:
        _none_of(body, "personId", *_PEOPLE)
        first, second = uuid_of(body.get("faceId1"), "faceId1"), uuid_of(body.get("faceId2"), "faceId2")
        operation = VerifyFaces(first, second, least)
    with _naming(kind):
        likeness = call.carry_out(operation)
    return WireAnswer(
        {"isIdentical": likeness.similarity >= least, "confidence": confidence(likeness.similarity)},
    )


def identify(call: WireCall) -> WireAnswer:
    """POST /identify."""
    body = object_of(call.body, IDENTIFY_BODY)
    name, kind = _one_of(body, _PEOPLE)
    face_ids = uuids_of(body.get("faceIds"), "faceIds", MOST_IDENTIFIED)
    limit = whole_member(body, "maxNumOfCandidatesReturned", CANDIDATES, 1, MOST_CANDIDATES)
    least = similarity_at_confidence(share(body, "confidenceThreshold", IDENTICAL))
    with _naming(kind):
        identified = call.carry_out(Identify(group_id(body[name], name), kind, face_ids, limit, least))
    return WireAnswer(
        [
            {
                "faceId": face_id,
                "candidates": [
                    {"personId": user.user_id, "confidence": confidence(_percent(user.similarity))} for user in users
                ],
            }
            for face_id, users in zip(face_ids, identified.candidates, strict=True)
        ]
    )


def find_similar(call: WireCall) -> WireAnswer:
    """POST /findsimilars."""
    body = object_of(call.body, SIMILAR_BODY)
    mode = body.get("mode", "matchPerson")
    if not isinstance(mode, str) or mode not in _MODES:
        raise bad(f"mode is {' or '.join(_MODES)}")
    least = similarity_at_confidence(_MODES[mode])
    limit = whole_member(body, "maxNumOfCandidatesReturned", SIMILAR, 1, MOST_SIMILAR)
    face_id = uuid_of(body.get("faceId"), "faceId")
    operation: Operation[None, SimilarFaces]
    kind = GroupKind.FACE_LIST
    if "faceIds" in body:
        _none_of(body, *_LISTS)
        among = tuple(dict.fromkeys(uuids_of(body["faceIds"], "faceIds", MOST_FACE_IDS)))
        operation, key = FindSimilarKept(face_id, among, limit, least), "faceId"
    else:
        name, kind = _one_of(body, _LISTS)
        operation = FindSimilarEnrolled(group_id(body[name], name), kind, face_id, limit, least)
        key = "persistedFaceId"
    with _naming(kind):
        similar = call.carry_out(operation)
    return WireAnswer(
        [{key: each, "confidence": confidence(_percent(similarity))} for each, similarity in similar.faces]
    )


def group(call: WireCall) -> WireAnswer:
    """POST /group."""
    body = object_of(call.body, GROUP_BODY)
    face_ids = tuple(dict.fromkeys(uuids_of(body.get("faceIds"), "faceIds", MOST_FACE_IDS, 2)))
    if len(face_ids) < 2:
        raise bad("faceIds holds the same id more than once, and no other")
    grouped = call.carry_out(GroupKept(face_ids, similarity_at_confidence(IDENTICAL)))
    return WireAnswer(
        {"groups": [list[JSON](each) for each in grouped.groups], "messyGroup": list[JSON](grouped.single)}
    )


def _attributes(text: str) -> tuple[str, ...]:
    """The requested attributes; guesses and unmeasured ones are refused as Azure refuses what it does not permit."""
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in text.split(",")))))
    unknown = set(names) - {*MEASURED, *NOT_MEASURED, *GUESSED}
    if unknown:
        raise bad("returnFaceAttributes names something that is no attribute of a face")
    refused = [name for name in names if name not in MEASURED]
    if refused:
        raise AzureRefused(
            INVALID_REQUEST,
            f"Feature is not supported: {', '.join(refused)}. Measured here: {', '.join(MEASURED)}; nothing is guessed "
            "about a person, and what is not measured is not answered.",
            UNSUPPORTED_FEATURE,
        )
    return names


def _one_of(body: JsonObject, kinds: dict[str, GroupKind]) -> tuple[str, GroupKind]:
    """The group or list that is named, of which there must be one, and its kind."""
    named = [name for name in kinds if name in body]
    if len(named) != 1:
        raise bad(f"exactly one of {', '.join(kinds)} is expected")
    return named[0], kinds[named[0]]


def _none_of(body: JsonObject, *names: str) -> None:
    for name in names:
        if name in body:
            raise bad(f"{name} does not go together with what else is in the body")


@contextmanager
def _naming(kind: GroupKind) -> Iterator[None]:
    """Give the missing group's kind to the error: the path does not name it."""
    try:
        yield
    except NotFound as error:
        if type(error) is not NotFound:
            raise
        fault = AzureError(f"{GROUP_CODES[kind]}NotFound", 404)
        raise AzureRefused(fault, str(error), receipt=error.receipt) from error


def _percent(value: float) -> float:
    return min(max(value, 0.0), 100.0)
