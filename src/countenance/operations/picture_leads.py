"""Search a gallery for every face of a picture in one call: one result for each face. A face that nobody enrolled
resembles enough, and a face that is not good enough to search for, are results and not errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from countenance.budgets import Spending
from countenance.engine import LARGEST_FACE, STORED
from countenance.faces import Candidate, DetectedFace, Template
from countenance.operations.evidence import WorstGroup, worst_group
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.operations.search import Searching, leads
from countenance.operations.siblings import Sibling, siblings
from countenance.scoring import expected_false_matches, least_coarse
from countenance.scoring.coarse import EXACT_FROM
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class SearchableFace:
    """A face of the picture.

    template: None if it is not good enough; unfit: the reasons. limits: those against quality HIGH.
    """

    face: DetectedFace
    template: Template | None
    unfit: tuple[str, ...]
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FaceFound:
    """The result for one face: its leads, most similar first, and for each whether other faces claim it too."""

    seen: SearchableFace
    candidates: tuple[Candidate, ...]
    siblings: tuple[Sibling | None, ...]


@dataclass(frozen=True, slots=True)
class PictureSearched:
    """The result for each face of a picture, largest first; empty if it shows none. expected_false_matches: how many
    other people to expect at or above the least similarity, over all faces.
    """

    faces: tuple[FaceFound, ...]
    gallery_size: int
    expected_false_matches: float
    version: str
    worst_group: WorstGroup | None


@dataclass(frozen=True, slots=True)
class SearchPicture(Searching[tuple[SearchableFace, ...], PictureSearched]):
    """Search for every face of `image` (at most 100), or only for the largest."""

    gallery_id: str
    image: Image
    every: bool = True
    limit: int = 10
    similarity: float = 80.0
    quality: QualityFilter = QualityFilter.AUTO
    name: ClassVar[str] = "search_picture"

    def look(self, tools: Tools) -> tuple[SearchableFace, ...]:
        """Detect, and embed the faces that are good enough."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        picture = tools.engine.look(content_of(self.image), STORED if self.every else LARGEST_FACE)
        seen = picture.faces if self.every else picture.faces[:1]
        against = [reasons_against(face, self.quality) for face in seen]
        fit = [face for face, reasons in zip(seen, against, strict=True) if not reasons]
        templates = tools.engine.embed(picture, fit)
        level, high = (
            iter(reasons_against_templates(fit, templates, tools.normaliser, bar))
            for bar in (self.quality, QualityFilter.HIGH)
        )
        remaining = iter(templates)
        faces = []
        for face, reasons in zip(seen, against, strict=True):
            limits = reasons_against(face, QualityFilter.HIGH)
            if reasons:
                faces.append(SearchableFace(face, None, reasons, limits))
                continue
            template, beyond_use, below_high = next(remaining), next(level), next(high)
            limits = tuple(dict.fromkeys((*limits, *below_high)))
            faces.append(SearchableFace(face, None if beyond_use else template, beyond_use, limits))
        return tuple(faces)

    def act(self, tools: Tools, permit: Permit, seen: tuple[SearchableFace, ...]) -> PictureSearched:
        """Search for all at once, and state each lead's error rate. `Conflict` if the gallery is of another model."""
        calibration = tools.calibration
        fit = [each.template for each in seen if each.template is not None]
        min_score = calibration.score(least_coarse(self.similarity))
        matches = tools.gallery.search_many(self.gallery_id, fit, limit=self.limit + 1, min_score=min_score)
        candidates = iter([leads(each, calibration, self.similarity, self.limit) for each in matches])
        candidates_of_faces = [next(candidates) if each.template is not None else () for each in seen]
        size = matches[0].gallery_size if matches else tools.gallery.size(self.gallery_id)
        return PictureSearched(
            tuple(
                FaceFound(*each)
                for each in zip(seen, candidates_of_faces, map(tuple, siblings(candidates_of_faces)), strict=True)
            ),
            size,
            expected_false_matches(calibration.fmr(min_score), size) * len(fit),
            tools.engine.version,
            worst_group(tools.evidence, calibration, permit.at) if permit.at else None,
        )

    def charge_after(self, tools: Tools, seen: tuple[SearchableFace, ...], result: PictureSearched) -> Spending | None:
        """One comparison with the gallery for each face, and one with each lead whose exact similarity is answered."""
        fit = [each.template.vector for each in seen if each.template is not None]
        if not fit:
            return None
        exact = [c for face in result.faces for c in face.candidates if c.similarity >= EXACT_FROM]
        return Spending(len(fit), np.stack(fit), tuple(("face", each.face.face_id) for each in exact))

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture."""
        return {"gallery": self.gallery_id, "image": commitment_of(self.image)}

    def counts(self, result: PictureSearched) -> Mapping[str, JSON]:
        """The number of faces, of faces searched for, of candidates, the gallery size, candidates by chance."""
        return {
            "faces": len(result.faces),
            "searched": sum(not face.seen.unfit for face in result.faces),
            "candidates": sum(len(face.candidates) for face in result.faces),
            "gallery_size": result.gallery_size,
            "expected_false_matches": result.expected_false_matches,
        }

    def private_result(self, result: PictureSearched) -> Mapping[str, JSON]:
        """Which candidates for which face."""
        return {
            "candidates": [
                [place, c.face.face_id, c.similarity, c.face.external_id]
                for place, face in enumerate(result.faces)
                for c in face.candidates
            ]
        }
