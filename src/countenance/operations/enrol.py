"""Enrol the faces of a picture in a gallery; the picture itself is not kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.engine import STORED
from countenance.faces import DetectedFace, EnrolledFace, Template
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against
from countenance.policy import Operation as Asks
from countenance.signing import JSON

Unindexed = tuple[tuple[DetectedFace, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What was enrolled (largest face first), what was not and why, and the model's version."""

    faces: tuple[tuple[EnrolledFace, DetectedFace], ...]
    unindexed: Unindexed
    version: str


@dataclass(frozen=True, slots=True)
class Enrollable:
    """The faces chosen, their templates in the same order, and the faces left out."""

    faces: tuple[DetectedFace, ...]
    templates: tuple[Template, ...]
    unindexed: Unindexed


@dataclass(frozen=True, slots=True)
class Enrol(Operation[Enrollable, Enrolled]):
    """Enrol at most `max_faces` faces of `image` that pass `quality`.

    Sending the same image with the same external id again gives the same faces back and adds none.
    """

    gallery_id: str
    image: bytes
    external_id: str | None = None
    max_faces: int | None = None
    quality: QualityFilter = QualityFilter.AUTO
    name: ClassVar[str] = "enrol"
    asks: ClassVar[Asks] = Asks.ENROL

    @property
    def gallery(self) -> str:
        """The gallery that gains faces."""
        return self.gallery_id

    def look(self, tools: Tools) -> Enrollable:
        """Detect, sort out, embed."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        picture = tools.engine.look(self.image, STORED)
        judged = [(face, reasons_against(face, self.quality)) for face in picture.faces]
        good = [face for face, reasons in judged if not reasons]
        kept = set(map(id, good[: self.max_faces]))  # largest first: the faces that searches would take too
        faces = tuple(face for face in good if id(face) in kept)
        left = tuple((face, reasons or ("EXCEEDS_MAX_FACES",)) for face, reasons in judged if id(face) not in kept)
        return Enrollable(faces, tuple(tools.engine.embed(picture, faces)), left)

    def act(self, tools: Tools, permit: Permit, seen: Enrollable) -> Enrolled:
        """Store the templates."""
        digest = hashlib.sha256(self.image).hexdigest()
        pairs = list(zip(seen.faces, seen.templates, strict=True))
        enrolled = tools.gallery.enrol(self.gallery_id, digest, self.external_id, pairs)
        return Enrolled(tuple(zip(enrolled, seen.faces, strict=True)), seen.unindexed, tools.engine.version)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture, under which external id."""
        image = hashlib.sha256(self.image).hexdigest()
        return {"gallery": self.gallery_id, "image": image, "external_id": self.external_id}

    def outcome(self, result: Enrolled) -> Mapping[str, JSON]:
        """How many."""
        return {"enrolled": len(result.faces), "left_out": len(result.unindexed)}

    def found(self, result: Enrolled) -> Mapping[str, JSON]:
        """Which faces."""
        return {"faces": [face.face_id for face, _ in result.faces]}
