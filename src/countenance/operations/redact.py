"""Cover the faces of a picture beyond recovery: all of them, or all but selected ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from countenance.budgets import Spending
from countenance.engine import STORED, Limits, Spotted
from countenance.errors import Denied
from countenance.faces import BoundingBox, DetectedFace, EnrolledFace, Pixels, Template
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.request import granted
from countenance.operations.search import Searching
from countenance.policy import Action
from countenance.policy.enums import Provenance
from countenance.redaction import (
    LEAST_SCORE,
    Applied,
    PictureReport,
    Region,
    Style,
    chosen,
    cover,
    written,
)
from countenance.scoring import expected_false_matches, least_coarse
from countenance.signing import JSON

ALL_FACES = Limits(max_bytes=STORED.max_bytes, max_faces=10_000)
"""High enough that nobody in a crowd stays uncovered."""
SAME_FACE = 0.3
"""The overlap at which a spotted place counts as the detected face that has a template."""
NOT_CONSENTED = (
    "nobody is left uncovered by a gallery unless the mandate states that its people consented (the fact "
    'gallery.provenance is "consented")'
)


@dataclass(frozen=True, slots=True)
class RedactedPicture:
    """A picture with covered faces. kind: JPEG, PNG or WebP.

    expected_false_matches: how many enrolled people who are not shown to expect, over all faces compared; 0 if none
    was.
    """

    content: bytes
    kind: str
    report: PictureReport
    expected_false_matches: float = 0.0
    matched: tuple[tuple[EnrolledFace, float], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SpottedPicture:
    """A whole picture, the places that may show a face, and templates of those that certainly do."""

    pixels: Pixels
    spotted: tuple[Spotted, ...]
    templates: tuple[tuple[DetectedFace, Template], ...] = ()


@dataclass(frozen=True, slots=True)
class Redact(Operation[SpottedPicture, RedactedPicture]):
    """Cover every face of `image` except those at `except_boxes`.

    least: the detector's score (0..1) from which a find is covered.
    """

    image: Image
    except_boxes: tuple[BoundingBox, ...] = ()
    style: Style = "blur"
    least: float = LEAST_SCORE
    name: ClassVar[str] = "redact"
    recognises: ClassVar[bool] = False
    action: ClassVar[Action] = Action.REDACT

    def look(self, tools: Tools) -> SpottedPicture:
        """Decode the whole picture and find every place that may show a face."""
        pixels = tools.engine.decoded(content_of(self.image), STORED)
        return SpottedPicture(pixels, tools.engine.spot(pixels, self.least))

    def act(self, tools: Tools, permit: Permit, seen: SpottedPicture) -> RedactedPicture:
        """Cover, and encode again."""
        applied = Applied(tools.engine.detector_version, self.least, self.style, self.except_boxes)
        keep = [chosen(each.box, self.except_boxes) for each in seen.spotted]
        return redacted(content_of(self.image), seen, keep, applied)

    def private(self) -> Mapping[str, JSON]:
        """Which picture, and which boxes stay uncovered."""
        return {"image": commitment_of(self.image), **how(self.style, self.least, self.except_boxes)}

    def counts(self, result: RedactedPicture) -> Mapping[str, JSON]:
        """How many were covered, and how many left uncovered."""
        return covers(result.report)


@dataclass(frozen=True, slots=True)
class RedactExceptEnrolled(Searching[SpottedPicture, RedactedPicture]):
    """Cover every face of `image` except those that resemble somebody in a gallery of people who consented to it."""

    gallery_id: str
    image: Image
    similarity: float = 99.0
    style: Style = "blur"
    least: float = LEAST_SCORE
    limit: int = 1
    name: ClassVar[str] = "redact_except_enrolled"

    def look(self, tools: Tools) -> SpottedPicture:
        """Find every place that may show a face; make templates of the faces that are certain."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        pixels = tools.engine.decoded(content_of(self.image), STORED)
        return SpottedPicture(pixels, tools.engine.spot(pixels, self.least), embedded(tools, pixels))

    def act(self, tools: Tools, permit: Permit, seen: SpottedPicture) -> RedactedPicture:
        """Search for each face; cover those that resemble nobody. `Denied` unless the mandate states consent."""
        check_consented(permit)
        finder = EnrolledFinder(tools, self.gallery_id, self.similarity)
        candidates = [(face, finder.find(template)) for face, template in seen.templates]
        known = [face.box for face, match in candidates if match is not None]
        keep = [any(each.box.overlap(box) >= SAME_FACE for box in known) for each in seen.spotted]
        others = [face.box for face, match in candidates if match is None]
        keep = [
            stays and not any(each.box.overlap(box) >= SAME_FACE for box in others)
            for stays, each in zip(keep, seen.spotted, strict=True)
        ]
        applied = Applied(tools.engine.detector_version, self.least, self.style, (), self.gallery_id, self.similarity)
        expected = len(candidates) * finder.expected
        matched = tuple(match for _, match in candidates if match is not None)
        return redacted(content_of(self.image), seen, keep, applied, expected, matched)

    def charge_after(self, tools: Tools, seen: SpottedPicture, result: RedactedPicture) -> Spending | None:
        """One comparison with the gallery for each face."""
        return spent([template for _, template in seen.templates], result.matched)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture."""
        return {"gallery": self.gallery_id, "image": commitment_of(self.image), **how(self.style, self.least)}

    def counts(self, result: RedactedPicture) -> Mapping[str, JSON]:
        """How many were covered, how many left, and how many of these to expect by chance."""
        return {**covers(result.report), "expected_false_matches": result.expected_false_matches}

    def private_result(self, result: RedactedPicture) -> Mapping[str, JSON]:
        """Whose faces were left uncovered."""
        return {"left": [[face.face_id, similarity, face.external_id] for face, similarity in result.matched]}


class EnrolledFinder:
    """Looks for single faces in one gallery. expected: enrolled people whom chance alone would name, for one face."""

    def __init__(self, tools: Tools, gallery_id: str, similarity: float) -> None:
        self._tools, self._gallery_id = tools, gallery_id
        self._least = tools.calibration.score(least_coarse(similarity))
        self.expected = expected_false_matches(tools.calibration.fmr(self._least), tools.gallery.size(gallery_id))

    def find(self, template: Template) -> tuple[EnrolledFace, float] | None:
        """The most similar enrolled face and its similarity, if it is similar enough."""
        hits = self._tools.gallery.search(self._gallery_id, template, limit=1, min_score=self._least).hits
        return (hits[0][0], self._tools.calibration.similarity(hits[0][1])) if hits else None


def redacted(
    image: bytes,
    seen: SpottedPicture,
    keep: Sequence[bool],
    applied: Applied,
    expected: float = 0.0,
    matched: tuple[tuple[EnrolledFace, float], ...] = (),
) -> RedactedPicture:
    """The picture with all places covered except those to `keep`."""
    regions = [Region(each.box, each.score) for each in seen.spotted]
    hidden = tuple(region for region, stays in zip(regions, keep, strict=True) if not stays)
    left = tuple(region for region, stays in zip(regions, keep, strict=True) if stays)
    picture = written(cover(seen.pixels, [region.box for region in hidden], applied.style), image)
    height, width = seen.pixels.shape[:2]
    digest = hashlib.sha256(image).hexdigest()
    report = PictureReport(digest, picture.kind, width, height, applied, hidden, left)
    return RedactedPicture(picture.content, picture.kind, report, expected, matched)


def embedded(tools: Tools, pixels: Pixels) -> tuple[tuple[DetectedFace, Template], ...]:
    """The faces of `pixels` that are detected with certainty, with their templates."""
    picture = tools.engine.look_at(pixels, ALL_FACES)
    return tuple(zip(picture.faces, tools.engine.embed(picture, picture.faces), strict=True))


def check_consented(permit: Permit) -> None:
    """`Denied` unless the mandate states that the people of its galleries consented."""
    if granted(permit.mandate).gallery.provenance is not Provenance.CONSENTED:
        raise Denied(NOT_CONSENTED)


def spent(templates: Sequence[Template], matched: Sequence[tuple[EnrolledFace, float]]) -> Spending | None:
    """One comparison with the gallery for each template, and one with each face that matched."""
    if not templates:
        return None
    rows = np.stack([template.vector for template in templates])
    return Spending(len(templates), rows, tuple(("face", face.face_id) for face, _ in matched))


def how(style: Style, least: float, boxes: Sequence[BoundingBox] = ()) -> Mapping[str, JSON]:
    """What an entry commits to about how faces were covered."""
    corners: list[JSON] = [[box.left, box.top, box.width, box.height] for box in boxes]
    return {"style": style, "least": least, "except_boxes": corners}


def covers(report: PictureReport) -> Mapping[str, JSON]:
    """Counts for the result entry."""
    unsure = sum(not region.sure for region in report.covered)
    return {"covered": len(report.covered), "left": len(report.left), "to_look_at": unsure}
