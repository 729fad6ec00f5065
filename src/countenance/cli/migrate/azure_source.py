"""Groups and lists of Azure Face, read through Microsoft's own client.

The client knows the large ones only, so all four kinds are read by its `send_request`: with its key, retries and waits.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from countenance.audit.formats.plan import LiveApi
from countenance.audit.sources.live.azure_face import AzureFace, connect
from countenance.audit.sources.live.cassette import RecordedReply
from countenance.cli.migrate.source import SourceFace, SourceGallery, SourceUser
from countenance.errors import BadRequest, Denied, NotFound
from countenance.operations import GroupKind, GroupProfile

_PAGE = 1000
_PATHS = {
    GroupKind.PERSON_GROUP: ("persongroups", "personGroupId"),
    GroupKind.LARGE_PERSON_GROUP: ("largepersongroups", "largePersonGroupId"),
    GroupKind.FACE_LIST: ("facelists", "faceListId"),
    GroupKind.LARGE_FACE_LIST: ("largefacelists", "largeFaceListId"),
}


class AzureGroups:
    """The groups and lists of a resource. endpoint: its address. options: for Microsoft's client."""

    word = "azure-face"
    detects_first = True

    def __init__(self, endpoint: str, key: str, model: str, **options: object) -> None:
        asked = LiveApi("azure-face", "", "", endpoint=endpoint, model=model)
        self.calls = 0
        self.address = endpoint
        self._client = connect(asked, key, **options)
        self.asker = AzureFace(asked, self._client, time.time)
        self._kinds: dict[str, GroupKind] = {}

    def names(self) -> tuple[str, ...]:
        """Every group and list. An id that two kinds share is `BadRequest`: galleries have one name each here."""
        if not self._kinds:
            for kind, (path, member) in _PATHS.items():
                for each in self._pages(path, member, paged=kind is not GroupKind.FACE_LIST):
                    name = str(each[member])
                    if name in self._kinds:
                        raise BadRequest(f"{name} is a {self._kinds[name]} and a {kind}: here an id names one gallery")
                    self._kinds[name] = kind
        return tuple(self._kinds)

    def read(self, name: str) -> SourceGallery:
        """A group with its people, or a list; `NotFound` without it."""
        if name not in self.names():
            raise NotFound(f"Azure Face has no group or list {name}")
        kind = self._kinds[name]
        path, _ = _PATHS[kind]
        place = f"{path}/{quote(name, safe='')}"
        collection = self._get(place, {"returnRecognitionModel": "true"})
        model = str(collection.get("recognitionModel") or self.asker.settings["recognition_model"])
        profile = GroupProfile(kind, str(collection.get("name") or name), collection.get("userData"), model)
        if kind.of_people:
            people = list(self._pages(f"{place}/persons", "personId"))
            users = tuple(
                SourceUser(str(each["personId"]), str(each.get("name") or ""), each.get("userData")) for each in people
            )
            return SourceGallery(name, tuple(self._faces_of(place, people)), users, profile)
        rows = (
            collection.get("persistedFaces", ())
            if kind is GroupKind.FACE_LIST
            else self._pages(f"{place}/persistedfaces", "persistedFaceId")
        )
        faces = tuple(SourceFace(str(row["persistedFaceId"]), row.get("userData")) for row in rows)
        return SourceGallery(name, faces, (), profile)

    def search(self, gallery: SourceGallery, image: bytes, threshold: float) -> RecordedReply:
        """Detect, then Identify in a group or FindSimilars in a list, for one candidate."""
        seen = self.asker.detect(image)
        if seen.state != "answered":
            return seen
        assert gallery.profile is not None, "what Azure Face has is of a kind"
        _, member = _PATHS[gallery.profile.kind]
        if gallery.profile.kind.of_people:
            asked = {"faceIds": [seen.token], "confidenceThreshold": threshold / 100}
            (answer,) = self._post("identify", {**asked, member: gallery.name, "maxNumOfCandidatesReturned": 1})
            candidates, name = answer["candidates"], "personId"
        else:
            asked = {"faceId": seen.token, "mode": "matchFace", "maxNumOfCandidatesReturned": 1}
            candidates = self._post("findsimilars", {**asked, member: gallery.name})
            candidates, name = [each for each in candidates if 100 * each["confidence"] >= threshold], "persistedFaceId"
        for each in candidates:
            score = 100 * float(each["confidence"])
            return RecordedReply("answered", time.time(), score=score, faces=1, token=str(each[name]))
        return RecordedReply("answered", time.time(), faces=1)

    def calls_of(self, pairs: int, pictures: int, searches: int) -> int:
        """Detect for each picture that is compared or searched with, Verify, Identify or FindSimilars."""
        return pictures + pairs + 2 * searches

    def _faces_of(self, place: str, people: list[Any]) -> Iterator[SourceFace]:
        """What was written beside a face is told one face at a time."""
        for each in people:
            person = str(each["personId"])
            for face_id in each.get("persistedFaceIds", ()):
                face = self._get(f"{place}/persons/{quote(person)}/persistedfaces/{quote(str(face_id))}")
                yield SourceFace(str(face_id), face.get("userData"), person)

    def _pages(self, path: str, member: str, paged: bool = True) -> Iterator[Any]:
        start = ""
        while True:
            page = self._get(path, {"top": str(_PAGE), **({"start": start} if start else {})} if paged else {})
            yield from page
            if not paged or len(page) < _PAGE:
                return
            start = str(page[-1][member])

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        self.calls += 1
        return self._sent("GET", path, params=dict(query or {}))

    def _post(self, path: str, body: object) -> Any:
        return self._sent("POST", path, json=body)

    def _sent(self, method: str, path: str, **more: Any) -> Any:
        from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
        from azure.core.rest import HttpRequest

        def send() -> Any:
            response = self._client.send_request(HttpRequest(method, f"/{path}", **more))
            if response.status_code == 401:
                raise ClientAuthenticationError(response=response)
            if response.status_code >= 400:
                raise HttpResponseError(response=response)
            return response.json()

        answer = self.asker.call(send)
        if isinstance(answer, RecordedReply):
            raise Denied(f"Azure Face refuses {method} {path.partition('/')[0]}: {answer.error}")
        return answer
