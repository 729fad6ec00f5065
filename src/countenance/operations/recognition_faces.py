"""Detect faces and keep their templates for a time, so that later calls can refer to the faces by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.engine import STORED
from countenance.errors import Denied
from countenance.faces import DetectedFace, Template
from countenance.operations.detect import Detected
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.policy import Action
from countenance.signing import JSON

_USES = frozenset({Action.VERIFY, Action.IDENTIFY, "*"})


@dataclass(frozen=True, slots=True)
class EmbeddedFaces:
    """The faces of one picture, their templates and quality levels in the same order."""

    detected: Detected
    templates: tuple[Template, ...]
    levels: tuple[QualityFilter, ...]


@dataclass(frozen=True, slots=True)
class KeptDetection:
    """The faces of one picture, largest first; their ids (none if nothing was kept), and the quality level of each.

    A level is HIGH, MEDIUM or LOW (also for a face below LOW); None if no template was made.
    """

    detected: Detected
    face_ids: tuple[str, ...]
    levels: tuple[QualityFilter | None, ...]


@dataclass(frozen=True, slots=True)
class DetectAndKeep(Operation[EmbeddedFaces, KeptDetection]):
    """Find the faces in `image`, grade them, and keep their templates in memory for `seconds` (0: not at all).

    `Denied` if something would be kept and the mandate grants no use for it.
    """

    image: Image
    seconds: int
    name: ClassVar[str] = "detect_and_keep"
    action: ClassVar[Action] = Action.DETECT

    def look(self, tools: Tools) -> EmbeddedFaces:
        """Decode, detect, embed, grade."""
        picture = tools.engine.look(content_of(self.image), STORED)
        templates = tuple(tools.engine.embed(picture, picture.faces))
        levels = tuple(map(_level, [tools] * len(templates), picture.faces, templates))
        return EmbeddedFaces(Detected(picture.faces, picture.width, picture.height), templates, levels)

    def act(self, tools: Tools, permit: Permit, seen: EmbeddedFaces) -> KeptDetection:
        """Keep the templates under the caller's mandate."""
        if not self.seconds:
            return KeptDetection(seen.detected, (), seen.levels)
        if not _USES & set(permit.mandate.terms.operations):
            raise Denied("Denied: face ids are for comparing, and this mandate grants neither verify nor identify.")
        ids = tools.kept.keep(permit.mandate.mandate_id, seen.templates, self.seconds)
        return KeptDetection(seen.detected, ids, seen.levels)

    def private(self) -> Mapping[str, JSON]:
        """Which picture, by its hash."""
        return {"image": commitment_of(self.image)}

    def counts(self, result: KeptDetection) -> Mapping[str, JSON]:
        """How many, and for how long they are kept."""
        return {"faces": len(result.detected.faces), "kept": len(result.face_ids), "kept_seconds": self.seconds}

    def private_result(self, result: KeptDetection) -> Mapping[str, JSON]:
        """Under which ids."""
        return {"faces": list(result.face_ids)}


def _level(tools: Tools, face: DetectedFace, template: Template) -> QualityFilter:
    for level in (QualityFilter.HIGH, QualityFilter.MEDIUM):
        (reasons,) = reasons_against_templates((face,), (template,), tools.normaliser, level)
        if not reasons and not reasons_against(face, level):
            return level
    return QualityFilter.LOW
