"""Enrol the faces of a picture in a gallery; the picture itself is not stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.engine import STORED
from countenance.faces import DetectedFace, EnrolledFace, Template
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.policy import Action
from countenance.signing import JSON

Unindexed = tuple[tuple[DetectedFace, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The faces enrolled (largest first), the faces left out with reasons, and the model's version."""

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

    Sending the same image with the same external id again returns the same faces and adds none.
    """

    gallery_id: str
    image: Image
    external_id: str | None = None
    max_faces: int | None = None
    quality: QualityFilter = QualityFilter.AUTO
    name: ClassVar[str] = "enrol"
    action: ClassVar[Action] = Action.ENROL

    @property
    def gallery(self) -> str:
        """The gallery to enrol in."""
        return self.gallery_id

    def look(self, tools: Tools) -> Enrollable:
        """Detect, choose, embed."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        picture = tools.engine.look(content_of(self.image), STORED)
        judged = [(face, reasons_against(face, self.quality)) for face in picture.faces]
        good = [face for face, reasons in judged if not reasons]
        best = list(good)  # largest first, as in searches
        wanted = len(best) if self.max_faces is None else self.max_faces
        passed: dict[int, Template] = {}
        against = {id(face): reasons for face, reasons in judged if reasons}
        while best and len(passed) < wanted:  # an unusable template makes room for the next face
            some, best = best[: wanted - len(passed)], best[wanted - len(passed) :]
            templates = tools.engine.embed(picture, some)
            unfit = reasons_against_templates(some, templates, tools.normaliser, self.quality)
            for face, template, reasons in zip(some, templates, unfit, strict=True):
                if reasons:
                    against[id(face)] = reasons
                else:
                    passed[id(face)] = template
        faces = tuple(face for face in good if id(face) in passed)
        left = tuple(
            (face, against.get(id(face), ("EXCEEDS_MAX_FACES",))) for face, _ in judged if id(face) not in passed
        )
        return Enrollable(faces, tuple(passed[id(face)] for face in faces), left)

    def act(self, tools: Tools, permit: Permit, seen: Enrollable) -> Enrolled:
        """Store the templates."""
        digest = hashlib.sha256(content_of(self.image)).hexdigest()
        pairs = list(zip(seen.faces, seen.templates, strict=True))
        enrolled = tools.gallery.enrol(self.gallery_id, digest, self.external_id, pairs)
        return Enrolled(tuple(zip(enrolled, seen.faces, strict=True)), seen.unindexed, tools.engine.version)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture, under which external id."""
        image = commitment_of(self.image)
        return {"gallery": self.gallery_id, "image": image, "external_id": self.external_id}

    def counts(self, result: Enrolled) -> Mapping[str, JSON]:
        """How many."""
        return {"enrolled": len(result.faces), "left_out": len(result.unindexed)}

    def private_result(self, result: Enrolled) -> Mapping[str, JSON]:
        """Which faces."""
        return {"faces": [face.face_id for face, _ in result.faces]}
