"""Compare the largest face of one picture with the faces of another; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from countenance.budgets import Spending
from countenance.engine import STORED
from countenance.errors import NoFace
from countenance.faces import DetectedFace
from countenance.operations.evidence import WorstGroup, worst_group
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.operations.search import NO_FACE, face_at, placed
from countenance.policy import Action
from countenance.scoring import coarse, scored
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class Compared:
    """The source face, the target faces at or above the least similarity (most similar first), and the others.

    unmatched: largest first, so that their order says nothing of their similarity. rates: the false match rate at each
    of the similarities. worst_group: as the evidence has it.
    """

    source: DetectedFace
    matches: tuple[tuple[DetectedFace, float], ...]
    unmatched: tuple[DetectedFace, ...]
    rates: tuple[float, ...] = ()
    worst_group: WorstGroup | None = None


@dataclass(frozen=True, slots=True)
class ScoredFaces:
    """The source face, and each target face with its comparison score.

    templates: (1 + targets, d), that of the source first.
    """

    source: DetectedFace
    targets: tuple[tuple[DetectedFace, float], ...]
    templates: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Compare(Operation[ScoredFaces, Compared]):
    """Compare the largest face of `source` with the (at most 100) faces of `target`.

    place, target_place: another face of the source, and only one of the target, counted from 0 in the order of
    `Detect`.
    """

    source: Image
    target: Image
    similarity: float = 80.0
    quality: QualityFilter = QualityFilter.NONE
    place: int | None = None
    target_place: int | None = None
    name: ClassVar[str] = "compare"
    action: ClassVar[Action] = Action.VERIFY

    @property
    def min_similarity(self) -> float:
        """The similarity that the caller demands."""
        return self.similarity

    def look(self, tools: Tools) -> ScoredFaces:
        """Detect and embed both, score each target face."""
        source, template = face_at(tools, content_of(self.source), self.place, self.quality)
        other = tools.engine.look(content_of(self.target), STORED)
        wanted = other.faces if self.target_place is None else (placed(other, self.target_place),)
        faces = tuple(face for face in wanted if not reasons_against(face, self.quality))
        templates = tools.engine.embed(other, faces)
        against = reasons_against_templates(faces, templates, tools.normaliser, self.quality)
        faces = tuple(face for face, reasons in zip(faces, against, strict=True) if not reasons)
        if not faces:
            raise NoFace(
                f"{NO_FACE} That is so of the target{', since none passes the quality filter' if other.faces else ''}."
            )
        others = [each for each, reasons in zip(templates, against, strict=True) if not reasons]
        scores = scored(tools.normaliser, [template], others)[0].tolist()
        together = np.stack([each.vector for each in (template, *others)])
        return ScoredFaces(source, tuple(zip(faces, scores, strict=True)), together)

    def charge_after(self, tools: Tools, seen: ScoredFaces, result: Compared) -> Spending:
        """One comparison for each face of the target, with the person in it and the one in the source."""
        return Spending(len(seen.targets), seen.templates, by_probe=True)

    def act(self, tools: Tools, permit: Permit, seen: ScoredFaces) -> Compared:
        """Sort by similarity."""
        pairs = [(face, coarse(tools.calibration.similarity(score))) for face, score in seen.targets]
        pairs.sort(key=lambda pair: -pair[1])
        matches = tuple(pair for pair in pairs if pair[1] >= self.similarity)
        matched = {id(face) for face, _ in matches}
        unmatched = tuple(face for face, _ in seen.targets if id(face) not in matched)  # in an order without meaning
        rates = tuple(tools.calibration.fmr(tools.calibration.score(similarity)) for _, similarity in matches)
        worst = worst_group(tools.evidence, tools.calibration, permit.at) if permit.at else None
        return Compared(seen.source, matches, unmatched, rates, worst)

    def private(self) -> Mapping[str, JSON]:
        """Which two pictures, and which faces of them where they were chosen."""
        places: dict[str, JSON] = {"place": self.place, "target_place": self.target_place}
        chosen = {name: place for name, place in places.items() if place is not None}
        return {"source": commitment_of(self.source), "target": commitment_of(self.target), **chosen}

    def counts(self, result: Compared) -> Mapping[str, JSON]:
        """How many."""
        return {"matches": len(result.matches), "unmatched": len(result.unmatched)}

    def private_result(self, result: Compared) -> Mapping[str, JSON]:
        """How similar."""
        return {"similarities": [similarity for _, similarity in result.matches]}
