"""Single faces of groups and lists: enrol one, read it, store data with it, erase it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.engine import STORED
from countenance.errors import Conflict, LimitExceeded, NoSuchFace, NotFound
from countenance.faces import DetectedFace, Template
from countenance.gallery import Erased, GroupKind, NotedFace, Page
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.one_face import chosen_face
from countenance.operations.operation import GalleryOperation, Operation, Permit, Tools
from countenance.operations.quality import QualityFilter
from countenance.policy import Action
from countenance.signing import JSON

Rectangle = tuple[int, int, int, int]
"""left, top, width, height in pixels of the upright picture."""


@dataclass(frozen=True, slots=True)
class EnrolFace(Operation[tuple[DetectedFace, Template], str]):
    """Enrol one face of `image`: the only one, or the one that `target` covers most of. The result is its id.

    person_id: the person to whom it belongs, in a group of people. Repeating it for the same face, picture and person
    returns the face that is enrolled. `NoFace` where there is none, none in `target`, several and no target, or its
    quality is below `quality`; `LimitExceeded` for more faces than a person may have; `Conflict` if it belongs to
    somebody else by now.
    """

    gallery_id: str
    kind: GroupKind
    image: Image
    person_id: str | None = None
    target: Rectangle | None = None
    user_data: str | None = None
    quality: QualityFilter = QualityFilter.AUTO
    name: ClassVar[str] = "enrol_face"
    action: ClassVar[Action] = Action.ENROL

    @property
    def gallery(self) -> str:
        """The gallery to enrol in."""
        return self.gallery_id

    def look(self, tools: Tools) -> tuple[DetectedFace, Template]:
        """Detect, choose, embed."""
        self._ready(tools)
        picture = tools.engine.look(content_of(self.image), STORED)
        place = None
        if self.target is not None:
            left, top, wide, high = self.target
            place = (left / picture.width, top / picture.height, wide / picture.width, high / picture.height)
        return chosen_face(tools, picture, place, self.quality)

    def act(self, tools: Tools, permit: Permit, seen: tuple[DetectedFace, Template]) -> str:
        """Store the template, and whose it is."""
        digest = hashlib.sha256(content_of(self.image)).hexdigest()
        (face,) = tools.gallery.enrol(self.gallery_id, digest, self.person_id, [seen])
        if self.person_id is not None:
            try:
                done = tools.gallery.associate(
                    self.gallery_id, self.person_id, (face.face_id,), calibration=tools.calibration, similarity=0.0
                )
            except (LimitExceeded, NotFound):  # a group of people keeps no face without a person
                tools.gallery.erase(self.gallery_id, (face.face_id,))
                raise
            if done.refused:  # another call gave it to another person
                raise Conflict(f"the face was not given to the person: {done.refused[0].reason}")
        if self.user_data is not None:
            tools.gallery.profiles.note_face(self.gallery_id, face.face_id, self.user_data)
        return face.face_id

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture, whose."""
        image = commitment_of(self.image)
        return {"gallery": self.gallery_id, "image": image, "user": self.person_id, "data": self.user_data}

    def counts(self, result: str) -> Mapping[str, JSON]:
        """One."""
        return {"enrolled": 1}

    def private_result(self, result: str) -> Mapping[str, JSON]:
        """Which face."""
        return {"faces": [result]}

    def _ready(self, tools: Tools) -> None:
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        if self.person_id is not None:
            tools.gallery.profiles.person(self.gallery_id, self.person_id)


@dataclass(frozen=True, slots=True)
class ReadFace(GalleryOperation[NotedFace]):
    """Read a face and what was stored with it; `NoSuchFace` without it, or if it is not that person's."""

    gallery_id: str
    kind: GroupKind
    face_id: str
    person_id: str | None = None
    name: ClassVar[str] = "read_face"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> NotedFace:
        """Read it."""
        return _noted(tools, self.gallery_id, self.kind, self.face_id, self.person_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which face."""
        return {"gallery": self.gallery_id, "face": self.face_id}


@dataclass(frozen=True, slots=True)
class ListNotedFaces(GalleryOperation[Page[NotedFace]]):
    """At most `limit` faces with ids above `after`, in order of id, with what was stored with them."""

    gallery_id: str
    kind: GroupKind
    after: str = ""
    limit: int = 1000
    name: ClassVar[str] = "list_noted_faces"
    action: ClassVar[Action] = Action.READ

    def act(self, tools: Tools, permit: Permit, seen: None) -> Page[NotedFace]:
        """Read a page."""
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        return tools.gallery.profiles.faces(self.gallery_id, self.after, self.limit)

    def counts(self, result: Page[NotedFace]) -> Mapping[str, JSON]:
        """How many."""
        return {"faces": len(result.items)}


@dataclass(frozen=True, slots=True)
class UpdateFace(GalleryOperation[None]):
    """Store data with a face; `NoSuchFace` as `ReadFace`."""

    gallery_id: str
    kind: GroupKind
    face_id: str
    person_id: str | None = None
    user_data: str | None = None
    name: ClassVar[str] = "update_face"
    action: ClassVar[Action] = Action.ENROL

    def act(self, tools: Tools, permit: Permit, seen: None) -> None:
        """Write."""
        _noted(tools, self.gallery_id, self.kind, self.face_id, self.person_id)
        tools.gallery.profiles.note_face(self.gallery_id, self.face_id, self.user_data)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which face."""
        return {"gallery": self.gallery_id, "face": self.face_id, "data": self.user_data}


@dataclass(frozen=True, slots=True)
class EraseFace(GalleryOperation[Erased]):
    """Erase one face, even one that belongs to a user; `NoSuchFace` as `ReadFace`."""

    gallery_id: str
    kind: GroupKind
    face_id: str
    person_id: str | None = None
    name: ClassVar[str] = "erase_face"
    action: ClassVar[Action] = Action.ERASE

    def act(self, tools: Tools, permit: Permit, seen: None) -> Erased:
        """Erase it."""
        _noted(tools, self.gallery_id, self.kind, self.face_id, self.person_id)
        erased = tools.gallery.erase(self.gallery_id, (self.face_id,))
        if not erased.deleted:
            raise NoSuchFace("there is no enrolled face of that id")
        return erased

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which face."""
        return {"gallery": self.gallery_id, "faces": [self.face_id]}

    def counts(self, result: Erased) -> Mapping[str, JSON]:
        """One."""
        return {"erased": len(result.deleted)}


def _noted(tools: Tools, gallery_id: str, kind: GroupKind, face_id: str, person_id: str | None) -> NotedFace:
    tools.gallery.profiles.group(gallery_id, kind)
    return tools.gallery.profiles.face(gallery_id, face_id, person_id)
