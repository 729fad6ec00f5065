"""Search among the users of a gallery: the results are leads, each with a bound on its error rate."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Generic, TypeVar

import numpy as np

from countenance.budgets import Spending
from countenance.engine import LARGEST_FACE
from countenance.faces import DetectedFace, Template
from countenance.gallery import Gallery, UserMatch
from countenance.operations.images import Image, commitment_of, content_of
from countenance.operations.operation import Permit, Tools
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.operations.search import Searching
from countenance.scoring import Calibration, expected_false_matches, least_coarse, ranked
from countenance.scoring.coarse import EXACT_FROM
from countenance.signing import JSON

Seen = TypeVar("Seen")
Unsearched = tuple[tuple[DetectedFace, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Probes:
    """Templates of one person, and the face and user to exclude. face, unsearched: the picture's faces, if any."""

    templates: tuple[Template, ...]
    exclude_face_id: str | None = None
    exclude_user_id: str | None = None
    face: DetectedFace | None = None
    unsearched: Unsearched = ()


@dataclass(frozen=True, slots=True)
class UserSearchAnswer:
    """Users similar to the probe, most similar first.

    expected_false_matches: an upper bound on how many users who are not the person to expect at or above the least
    similarity. probe: the picture's face that was searched for; unsearched: its other faces and the reasons.
    """

    users: tuple[UserMatch, ...]
    user_count: int
    expected_false_matches: float
    version: str
    probe: DetectedFace | None = None
    unsearched: Unsearched = ()


class _SearchUsers(Searching[Seen, UserSearchAnswer], Generic[Seen]):
    """What all searches among users share: they turn probes into users and ledger entries."""

    __slots__ = ()
    name: ClassVar[str] = "search_users"

    def search_size(self, gallery: Gallery) -> int:
        """Users, not faces."""
        return gallery.user_count(self.gallery_id)

    @abstractmethod
    def probes(self, tools: Tools, seen: Seen) -> Probes:
        """What to search for."""

    def act(self, tools: Tools, permit: Permit, seen: Seen) -> UserSearchAnswer:
        """Search, and state each user's error rate."""
        probes = self.probes(tools, seen)
        matches = tools.gallery.search_users(
            self.gallery_id,
            probes.templates,
            limit=self.limit + 1,  # one more shows whether the limit cuts through a step
            calibration=tools.calibration,
            similarity=least_coarse(self.similarity),
            exclude_face_id=probes.exclude_face_id,
            exclude_user_id=probes.exclude_user_id,
        )
        fmr = tools.calibration.fmr(tools.calibration.score(least_coarse(self.similarity)))
        expected = expected_false_matches(fmr, matches.users)
        return UserSearchAnswer(
            coarse_users(matches.hits, tools.calibration, self.similarity, self.limit),
            matches.users,
            expected,
            tools.engine.version,
            probes.face,
            probes.unsearched,
        )

    def charge_after(self, tools: Tools, seen: Seen, result: UserSearchAnswer) -> Spending | None:
        """One comparison for each template of the probe, and one with each user whose exact similarity is answered."""
        templates = self.probes(tools, seen).templates
        if not templates:
            return None
        exact = tuple(("user", each.user_id) for each in result.users if each.similarity >= EXACT_FROM)
        return Spending(len(templates), np.stack([template.vector for template in templates]), exact)

    def counts(self, result: UserSearchAnswer) -> Mapping[str, JSON]:
        """The number of users returned, of users searched, and of users to expect by chance at most."""
        return {
            "users": len(result.users),
            "user_count": result.user_count,
            "expected_false_matches": result.expected_false_matches,
        }

    def private_result(self, result: UserSearchAnswer) -> Mapping[str, JSON]:
        """Which users."""
        return {"users": [[user.user_id, user.similarity] for user in result.users]}


@dataclass(frozen=True, slots=True)
class SearchUsersByFace(_SearchUsers[None]):
    """Search for the person of an enrolled face. The face itself is not counted for its user."""

    gallery_id: str
    face_id: str
    limit: int = 80
    similarity: float = 80.0

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def probes(self, tools: Tools, seen: None) -> Probes:
        """The enrolled template."""
        return Probes((tools.gallery.template(self.gallery_id, self.face_id),), exclude_face_id=self.face_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which face."""
        return {"gallery": self.gallery_id, "face": self.face_id}


@dataclass(frozen=True, slots=True)
class SearchUsersByUser(_SearchUsers[None]):
    """Search for a user's person among the other users. For a user without faces there are no candidates."""

    gallery_id: str
    user_id: str
    limit: int = 80
    similarity: float = 80.0

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def probes(self, tools: Tools, seen: None) -> Probes:
        """The templates of the user's faces."""
        return Probes(tools.gallery.user_templates(self.gallery_id, self.user_id), exclude_user_id=self.user_id)

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which user."""
        return {"gallery": self.gallery_id, "user": self.user_id}


@dataclass(frozen=True, slots=True)
class SearchUsersByImage(_SearchUsers[Probes]):
    """Search for the person of the largest face of `image`. If no face passes `quality` there are no candidates."""

    gallery_id: str
    image: Image
    limit: int = 80
    similarity: float = 80.0
    quality: QualityFilter = QualityFilter.NONE

    def look(self, tools: Tools) -> Probes:
        """Detect, take the largest face, embed it."""
        tools.gallery.size(self.gallery_id)  # NotFound before the work
        picture = tools.engine.look(content_of(self.image), LARGEST_FACE)
        if not picture.faces:
            return Probes(())
        largest, *others = picture.faces
        left = tuple((face, ("FACE_NOT_LARGEST",)) for face in others)
        if reasons := reasons_against(largest, self.quality):
            return Probes((), unsearched=((largest, reasons), *left))
        templates = tools.engine.embed(picture, (largest,))
        (reasons,) = reasons_against_templates((largest,), templates, tools.normaliser, self.quality)
        if reasons:
            return Probes((), unsearched=((largest, reasons), *left))
        return Probes(tuple(templates), face=largest, unsearched=left)

    def probes(self, tools: Tools, seen: Probes) -> Probes:
        """The face in the picture."""
        return seen

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which picture."""
        return {"gallery": self.gallery_id, "image": commitment_of(self.image)}


def coarse_users(
    users: Sequence[UserMatch], calibration: Calibration, similarity: float, limit: int
) -> tuple[UserMatch, ...]:
    """What may be answered of `users` (of a search for `limit` + 1): at most `limit`, with coarse similarities."""
    least = least_coarse(similarity)
    exact = [max(least, user.similarity) for user in users]
    candidates = []
    for place, shown in ranked(exact, [user.user_id for user in users], limit):
        user = users[place]
        if shown != exact[place]:
            score = calibration.score(shown)
            user = replace(user, score=score, fmr=calibration.fmr(score), similarity=shown)
        candidates.append(user)
    return tuple(candidates)
