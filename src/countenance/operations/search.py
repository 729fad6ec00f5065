"""Search a gallery for a face: the results are leads, each with its error rate, never a statement of identity."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar, cast

from countenance.budgets import Spending
from countenance.engine import LARGEST_FACE, STORED, Picture
from countenance.errors import Conflict, NoFace
from countenance.faces import Candidate, DetectedFace, Template
from countenance.gallery import Matches
from countenance.operations.evidence import WorstGroup, worst_group
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.policy import Action
from countenance.scoring import Calibration, expected_false_matches, least_coarse, ranked
from countenance.scoring.coarse import EXACT_FROM
from countenance.signing import JSON

Seen = TypeVar("Seen")

NO_FACE = "There are no faces in the image. Should be at least 1."
"""Rekognition's words, which programs look for in a message."""


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The candidates, most similar first.

    expected_false_matches: how many enrolled faces of other people to expect at or above the least similarity, in a
    gallery of this size, for a probe from the group that the model serves worst. worst_group: as the evidence has it.
    """

    candidates: tuple[Candidate, ...]
    gallery_size: int
    expected_false_matches: float
    version: str
    probe: DetectedFace | None = None
    worst_group: WorstGroup | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """The face to search for: its template and, if it came in a picture, its place there."""

    template: Template
    face: DetectedFace | None = None
    exclude_face_id: str | None = None


class ExpectsFalseMatches(Protocol):
    """A result that states how many innocent people chance alone would name."""

    @property
    def expected_false_matches(self) -> float:
        """How many, at most."""


Result = TypeVar("Result", bound=ExpectsFalseMatches)


class Searching(Operation[Seen, Result], Generic[Seen, Result]):
    """What all searches of a gallery share, for faces or for users."""

    __slots__ = ()
    action: ClassVar[Action] = Action.IDENTIFY
    gallery_id: str
    limit: int
    similarity: float

    @property
    def gallery(self) -> str:
        """The gallery searched."""
        return self.gallery_id

    @property
    def min_similarity(self) -> float:
        """The similarity that the caller demands."""
        return self.similarity

    def at_least(self, similarity: float) -> Self:
        """The same search at that similarity."""
        return cast("Self", replace(cast("Any", self), similarity=similarity))  # every search is a dataclass

    def headers(self, result: Result) -> Mapping[str, str]:
        """The expected false matches, for which the wire format has no place."""
        return {"x-countenance-expected-false-matches": f"{result.expected_false_matches:.6g}"}


class _Search(Searching[Seen, SearchAnswer], Generic[Seen]):
    """What both searches for faces share: they turn a probe into candidates and ledger entries."""

    __slots__ = ()
    name: ClassVar[str] = "search"

    @abstractmethod
    def probe(self, tools: Tools, seen: Seen) -> Probe:
        """The face to search for."""

    def act(self, tools: Tools, permit: Permit, seen: Seen) -> SearchAnswer:
        """Search, and state each candidate's error rate. `Conflict` if the gallery is of another model."""
        probe = self.probe(tools, seen)
        calibration = tools.calibration
        if probe.template.model != calibration.model:  # an enrolled face keeps the model with which it was enrolled
            raise Conflict(f"the gallery is pinned to model {probe.template.model[:12]}…, which is not in use here")
        min_score = calibration.score(least_coarse(self.similarity))
        matches = tools.gallery.search(
            self.gallery_id,
            probe.template,
            limit=self.limit + 1,  # one more shows whether the limit cuts through a step
            min_score=min_score,
            exclude_face_id=probe.exclude_face_id,
        )
        candidates = leads(matches, calibration, self.similarity, self.limit)
        expected = expected_false_matches(calibration.fmr(min_score), matches.gallery_size)
        worst = worst_group(tools.evidence, calibration, permit.at) if permit.at else None
        return SearchAnswer(candidates, matches.gallery_size, expected, tools.engine.version, probe.face, worst)

    def charge_after(self, tools: Tools, seen: Seen, result: SearchAnswer) -> Spending:
        """One comparison with the gallery, and one with each face whose exact similarity is answered."""
        exact = tuple(("face", each.face.face_id) for each in result.candidates if each.similarity >= EXACT_FROM)
        return Spending(1, self.probe(tools, seen).template.vector[None, :], exact)

    def counts(self, result: SearchAnswer) -> Mapping[str, JSON]:
        """The number of candidates, the gallery size, and the candidates to expect by chance."""
        return {
            "candidates": len(result.candidates),
            "gallery_size": result.gallery_size,
            "expected_false_matches": result.expected_false_matches,
        }

    def private_result(self, result: SearchAnswer) -> Mapping[str, JSON]:
        """Which candidates."""
        return {"candidates": [[c.face.face_id, c.similarity, c.face.external_id] for c in result.candidates]}


@dataclass(frozen=True, slots=True)
class SearchByFace(_Search[None]):
    """Search for an enrolled face among the others of its gallery."""

    gallery_id: str
    face_id: str
    limit: int = 80
    similarity: float = 80.0

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def probe(self, tools: Tools, seen: None) -> Probe:
        """The enrolled template."""
        return Probe(tools.gallery.template(self.gallery_id, self.face_id), exclude_face_id=self.face_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which face."""
        return {"gallery": self.gallery_id, "face": self.face_id}


@dataclass(frozen=True, slots=True)
class SearchByImage(_Search[Probe]):
    """Search for the largest face of `image`, or for another; `NoFace` if it does not pass `quality`.

    place: which face, counted from 0 in the order of `Detect`; None for the largest.
    """

    gallery_id: str
    image: Image
    limit: int = 80
    similarity: float = 80.0
    quality: QualityFilter = QualityFilter.NONE
    place: int | None = None

    def look(self, tools: Tools) -> Probe:
        """Detect, take the face, embed it."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        face, template = face_at(tools, content_of(self.image), self.place, self.quality)
        return Probe(template, face)

    def probe(self, tools: Tools, seen: Probe) -> Probe:
        """The face in the picture."""
        return seen

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture, and which face of it where one was chosen."""
        chosen: dict[str, JSON] = {} if self.place is None else {"place": self.place}
        return {"gallery": self.gallery_id, "image": commitment_of(self.image), **chosen}


def leads(matches: Matches, calibration: Calibration, similarity: float, limit: int) -> tuple[Candidate, ...]:
    """What may be answered of `matches` (to a search for `limit` + 1): at most `limit`, with coarse similarities."""
    least = least_coarse(similarity)
    exact = [max(least, calibration.similarity(score)) for _, score in matches.hits]  # a threshold's score rounds
    candidates = []
    for place, shown in ranked(exact, [face.face_id for face, _ in matches.hits], limit):
        face, score = matches.hits[place]
        score = score if shown == exact[place] else calibration.score(shown)
        candidates.append(Candidate(face, score, shown, calibration.fmr(score)))
    return tuple(candidates)


def face_at(tools: Tools, image: bytes, place: int | None, quality: QualityFilter) -> tuple[DetectedFace, Template]:
    """The face of `image` at a place, counted from 0 in the order of `Detect`, or the largest; `NoFace` unless fit."""
    if place is None:
        return largest_face(tools, tools.engine.look(image, LARGEST_FACE), quality)
    picture = tools.engine.look(image, STORED)
    face = placed(picture, place)
    return face, _fit(tools, picture, face, quality)


def placed(picture: Picture, place: int) -> DetectedFace:
    """The face at a place, counted from 0; `NoFace` if there are not that many."""
    if not 0 <= place < len(picture.faces):
        raise NoFace(f"the picture has {len(picture.faces)} faces, and none of number {place + 1}")
    return picture.faces[place]


def largest_face(tools: Tools, picture: Picture, quality: QualityFilter) -> tuple[DetectedFace, Template]:
    """The largest face and its template, if they pass `quality`; else `NoFace`."""
    if not picture.faces:
        raise NoFace(NO_FACE)
    face = picture.faces[0]
    return face, _fit(tools, picture, face, quality, f"{NO_FACE} The largest face")


def _fit(
    tools: Tools, picture: Picture, face: DetectedFace, quality: QualityFilter, called: str = "The face"
) -> Template:
    """The template of a face that passes `quality`; else `NoFace`."""
    reasons = reasons_against(face, quality)
    if not reasons:
        templates = tools.engine.embed(picture, (face,))
        (reasons,) = reasons_against_templates((face,), templates, tools.normaliser, quality)
        if not reasons:
            return templates[0]
    raise NoFace(f"{called} does not pass the quality filter {quality}: {', '.join(reasons)}.")
