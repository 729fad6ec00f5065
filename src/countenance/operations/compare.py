"""Compare the largest face of one picture with the faces of another; nothing is stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from countenance.engine import STORED
from countenance.errors import NoFace
from countenance.faces import DetectedFace
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against
from countenance.operations.search import largest_face
from countenance.policy import Action
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class Compared:
    """The source face, the target faces at or above the least similarity (most similar first), and the others."""

    source: DetectedFace
    matches: tuple[tuple[DetectedFace, float], ...]
    unmatched: tuple[DetectedFace, ...]


@dataclass(frozen=True, slots=True)
class ScoredFaces:
    """The source face, and each target face with its comparison score."""

    source: DetectedFace
    targets: tuple[tuple[DetectedFace, float], ...]


@dataclass(frozen=True, slots=True)
class Compare(Operation[ScoredFaces, Compared]):
    """Compare the largest face of `source` with the (at most 100) faces of `target`."""

    source: bytes
    target: bytes
    similarity: float = 80.0
    quality: QualityFilter = QualityFilter.NONE
    name: ClassVar[str] = "compare"
    action: ClassVar[Action] = Action.VERIFY

    @property
    def min_similarity(self) -> float:
        """The similarity that the caller demands."""
        return self.similarity

    def look(self, tools: Tools) -> ScoredFaces:
        """Detect and embed both, score each target face."""
        picture = tools.engine.look(self.source, STORED)
        source = largest_face(picture.faces, self.quality)
        template = tools.engine.embed(picture, (source,))[0]
        other = tools.engine.look(self.target, STORED)
        faces = tuple(face for face in other.faces if not reasons_against(face, self.quality))
        if not faces:
            raise NoFace("there is no face in the target image that passes the quality filter")
        rows = np.stack([t.vector for t in tools.engine.embed(other, faces)])
        probe = tools.normaliser.probe_side(template.vector[None, :])
        scores = (tools.normaliser.gallery_side(rows) @ probe[0]).tolist()
        return ScoredFaces(source, tuple(zip(faces, scores, strict=True)))

    def act(self, tools: Tools, permit: Permit, seen: ScoredFaces) -> Compared:
        """Sort by similarity."""
        pairs = [(face, tools.calibration.similarity(score)) for face, score in seen.targets]
        pairs.sort(key=lambda pair: -pair[1])
        matches = tuple(pair for pair in pairs if pair[1] >= self.similarity)
        unmatched = tuple(face for face, similarity in pairs if similarity < self.similarity)
        return Compared(seen.source, matches, unmatched)

    def private(self) -> Mapping[str, JSON]:
        """Which two pictures."""
        return {
            "source": hashlib.sha256(self.source).hexdigest(),
            "target": hashlib.sha256(self.target).hexdigest(),
        }

    def counts(self, result: Compared) -> Mapping[str, JSON]:
        """How many."""
        return {"matches": len(result.matches), "unmatched": len(result.unmatched)}

    def private_result(self, result: Compared) -> Mapping[str, JSON]:
        """How similar."""
        return {"similarities": [similarity for _, similarity in result.matches]}
