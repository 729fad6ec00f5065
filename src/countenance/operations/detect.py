"""Find the faces in a picture and measure them; nothing is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from countenance.engine import STORED
from countenance.faces import DetectedFace
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Operation, Permit, Tools
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class Detected:
    """The faces of one picture, largest first; its size in pixels, upright."""

    faces: tuple[DetectedFace, ...]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Detect(Operation[Detected, Detected]):
    """Find the faces in `image` (JPEG or PNG bytes)."""

    image: Image
    name: ClassVar[str] = "detect"
    recognises: ClassVar[bool] = False
    action: ClassVar[Action] = Action.DETECT

    def look(self, tools: Tools) -> Detected:
        """Decode and detect."""
        picture = tools.engine.look(content_of(self.image), STORED)
        return Detected(picture.faces, picture.width, picture.height)

    def act(self, tools: Tools, permit: Permit, seen: Detected) -> Detected:
        """The detected faces are the result."""
        return seen

    def private(self) -> Mapping[str, JSON]:
        """Which picture, by its hash."""
        return {"image": commitment_of(self.image)}

    def counts(self, result: Detected) -> Mapping[str, JSON]:
        """How many."""
        return {"faces": len(result.faces)}
