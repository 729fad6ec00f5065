"""Enrol one face of a picture: the only one, or the one at a place that the caller knows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.engine import STORED, Picture
from countenance.errors import NoFace
from countenance.faces import DetectedFace, EnrolledFace, Template
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.policy import Action
from countenance.signing import JSON

Place = tuple[float, float, float, float]
"""left, top, width, height in ratios of the upright picture's width and height."""


@dataclass(frozen=True, slots=True)
class EnrolOne(Operation[tuple[DetectedFace, Template], EnrolledFace]):
    """Enrol one face of `image`: the only one, or the one of which at least half lies in `place`.

    Repeating it for the same face, picture and external id returns the face that is enrolled. `NoFace` where there is
    none, none at `place`, several and no place, or its quality is below `quality`.
    """

    gallery_id: str
    image: Image
    external_id: str | None = None
    place: Place | None = None
    quality: QualityFilter = QualityFilter.AUTO
    name: ClassVar[str] = "enrol_one"
    action: ClassVar[Action] = Action.ENROL

    @property
    def gallery(self) -> str:
        """The gallery to enrol in."""
        return self.gallery_id

    def look(self, tools: Tools) -> tuple[DetectedFace, Template]:
        """Detect, choose, embed."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        picture = tools.engine.look(content_of(self.image), STORED)
        return chosen_face(tools, picture, self.place, self.quality)

    def act(self, tools: Tools, permit: Permit, seen: tuple[DetectedFace, Template]) -> EnrolledFace:
        """Store the template."""
        digest = hashlib.sha256(content_of(self.image)).hexdigest()
        (face,) = tools.gallery.enrol(self.gallery_id, digest, self.external_id, [seen])
        return face

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture, under which external id."""
        image = commitment_of(self.image)
        return {"gallery": self.gallery_id, "image": image, "external_id": self.external_id}

    def counts(self, result: EnrolledFace) -> Mapping[str, JSON]:
        """One."""
        return {"enrolled": 1}

    def private_result(self, result: EnrolledFace) -> Mapping[str, JSON]:
        """Which face."""
        return {"faces": [result.face_id]}


def chosen_face(
    tools: Tools, picture: Picture, place: Place | None, quality: QualityFilter
) -> tuple[DetectedFace, Template]:
    """The only face of `picture`, or the one at `place`, with its template; else `NoFace`, which says why."""
    if not picture.faces:
        raise NoFace("there is no face in the image")
    face = _chosen(picture.faces, place)
    reasons = reasons_against(face, quality)
    if not reasons:
        templates = tools.engine.embed(picture, (face,))
        (reasons,) = reasons_against_templates((face,), templates, tools.normaliser, quality)
        if not reasons:
            return face, templates[0]
    raise NoFace(f"the face does not pass the quality filter {quality}: {', '.join(reasons)}", "low quality")


def _chosen(faces: tuple[DetectedFace, ...], place: Place | None) -> DetectedFace:
    if place is None:
        if len(faces) > 1:
            raise NoFace(
                f"there are {len(faces)} faces in the image: say which one is meant by a target rectangle",
                "several faces",
            )
        return faces[0]
    best = max(faces, key=lambda face: _share(face, place))
    if _share(best, place) < 0.5:
        raise NoFace("there is no face in the target rectangle")
    return best


def _share(face: DetectedFace, place: Place) -> float:
    """How much of the face lies in `place`, 0..1."""
    left, top, wide, high = place
    box = face.box
    x0, y0 = max(0.0, box.left), max(0.0, box.top)  # what the edge of the picture cuts off is in no place
    x1, y1 = min(1.0, box.left + box.width), min(1.0, box.top + box.height)
    across = min(x1, left + wide) - max(x0, left)
    down = min(y1, top + high) - max(y0, top)
    return max(0.0, across) * max(0.0, down) / max(1e-12, (x1 - x0) * (y1 - y0))
