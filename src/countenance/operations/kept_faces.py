"""Compare faces that were detected earlier and kept for a time: with each other, with a person, with a gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, cast

import numpy as np

from countenance.budgets import Spending
from countenance.faces import Template
from countenance.gallery import Gallery, GroupKind, UserMatch
from countenance.operations.operation import Operation, Permit, Tools
from countenance.operations.search import Searching
from countenance.operations.search_users import coarse_users
from countenance.policy import Action
from countenance.scoring import coarse, expected_false_matches, least_coarse, ranked, scored
from countenance.scoring.coarse import EXACT_FROM
from countenance.signing import JSON


@dataclass(frozen=True, slots=True)
class Likeness:
    """How similar two faces, or a face and a person, are. similarity: 0..100, 0 for all below 75. spent: its charge."""

    similarity: float
    spent: Spending | None = field(default=None, compare=False, repr=False)


class _Verifying(Operation[None, Likeness]):
    __slots__ = ()
    action: ClassVar[Action] = Action.VERIFY
    similarity: float

    @property
    def min_similarity(self) -> float:
        """The similarity at which two faces are said to be of one person."""
        return self.similarity

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def charge_after(self, tools: Tools, seen: None, result: Likeness) -> Spending | None:
        """One comparison for each pair, with the people in both faces, or with the person named."""
        return result.spent

    def counts(self, result: Likeness) -> Mapping[str, JSON]:
        """Whether they are similar enough."""
        return {"matches": int(result.similarity >= self.similarity)}

    def private_result(self, result: Likeness) -> Mapping[str, JSON]:
        """How similar."""
        return {"similarities": [result.similarity]}


@dataclass(frozen=True, slots=True)
class VerifyFaces(_Verifying):
    """Compare two kept faces; `NotFound` if one is not, or no longer, kept for the caller."""

    face_id: str
    other_face_id: str
    similarity: float = 80.0
    name: ClassVar[str] = "verify_faces"

    def act(self, tools: Tools, permit: Permit, seen: None) -> Likeness:
        """Compare."""
        pair = tools.kept.templates(permit.mandate.mandate_id, (self.face_id, self.other_face_id))
        scores = _scores(tools, pair[:1], pair[1:])
        spent = Spending(1, _rows(pair), by_probe=True)
        return Likeness(coarse(tools.calibration.similarity(float(scores[0, 0]))), spent)

    def private(self) -> Mapping[str, JSON]:
        """Which faces."""
        return {"faces": [self.face_id, self.other_face_id]}


@dataclass(frozen=True, slots=True)
class VerifyPerson(_Verifying):
    """Compare a kept face with all faces of a person; `NotFound` without the face, the group or the person.

    The similarity is that of the best face, at the rate that bounds all comparisons together; 0 for a person without
    faces.
    """

    gallery_id: str
    kind: GroupKind
    face_id: str
    person_id: str
    similarity: float = 80.0
    name: ClassVar[str] = "verify_person"

    @property
    def gallery(self) -> str:
        """The gallery of the person."""
        return self.gallery_id

    def act(self, tools: Tools, permit: Permit, seen: None) -> Likeness:
        """Compare."""
        probe = tools.kept.template(permit.mandate.mandate_id, self.face_id)
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        theirs = tools.gallery.user_templates(self.gallery_id, self.person_id)
        if not theirs:
            return Likeness(0.0, None)
        best = float(_scores(tools, [probe], list(theirs)).max())
        spent = Spending(1, _rows([probe]), (("user", self.person_id),))
        return Likeness(coarse(tools.calibration.similarity_of_best(best, len(theirs))), spent)

    def private(self) -> Mapping[str, JSON]:
        """Which face, which person."""
        return {"gallery": self.gallery_id, "faces": [self.face_id], "user": self.person_id}


@dataclass(frozen=True, slots=True)
class Identified:
    """For each probe, in the order requested, the people who resemble it, most similar first. expected_false_matches:
    how many people who are somebody else to expect at most, over all probes.
    """

    candidates: tuple[tuple[UserMatch, ...], ...]
    user_count: int
    expected_false_matches: float
    spent: Spending | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Identify(Searching[None, Identified]):
    """Search a group of people for the person of each kept face; `NotFound` without a face or the group."""

    gallery_id: str
    kind: GroupKind
    face_ids: tuple[str, ...]
    limit: int = 10
    similarity: float = 80.0
    name: ClassVar[str] = "identify"

    def search_size(self, gallery: Gallery) -> int:
        """People, not faces."""
        return gallery.user_count(self.gallery_id)

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Identified:
        """Search once for each face."""
        probes = tools.kept.templates(permit.mandate.mandate_id, self.face_ids)
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        least = least_coarse(self.similarity)
        identified = [
            tools.gallery.search_users(
                self.gallery_id,
                [probe],
                limit=self.limit + 1,  # one more shows whether the limit cuts through those who are not ranked
                calibration=tools.calibration,
                similarity=least,
            )
            for probe in probes
        ]
        users = max(each.users for each in identified)
        fmr = tools.calibration.fmr(tools.calibration.score(least))
        expected = len(probes) * expected_false_matches(fmr, users)
        hits = tuple(coarse_users(each.hits, tools.calibration, self.similarity, self.limit) for each in identified)
        exact = tuple(("user", each.user_id) for some in hits for each in some if each.similarity >= EXACT_FROM)
        return Identified(hits, users, expected, Spending(len(probes), _rows(probes), exact))

    def charge_after(self, tools: Tools, seen: None, result: Identified) -> Spending | None:
        """One comparison for each face, and one with each person whose exact similarity is answered."""
        return result.spent

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which faces."""
        return {"gallery": self.gallery_id, "faces": list(self.face_ids)}

    def counts(self, result: Identified) -> Mapping[str, JSON]:
        """The number of faces, of candidates, of people searched, and of people to expect by chance at most."""
        return {
            "searched": len(result.candidates),
            "users": sum(map(len, result.candidates)),
            "user_count": result.user_count,
            "expected_false_matches": result.expected_false_matches,
        }

    def private_result(self, result: Identified) -> Mapping[str, JSON]:
        """Which candidates for which face."""
        return {
            "faces": [
                [face_id, [[user.user_id, user.similarity] for user in users]]
                for face_id, users in zip(self.face_ids, result.candidates, strict=True)
            ]
        }


@dataclass(frozen=True, slots=True)
class SimilarFaces:
    """Faces with their similarity 0..100, most similar first. size: how many were searched."""

    faces: tuple[tuple[str, float], ...]
    size: int
    expected_false_matches: float
    spent: Spending | None = field(default=None, compare=False, repr=False)


class _Finding(Operation[None, SimilarFaces]):
    __slots__ = ()
    action: ClassVar[Action] = Action.IDENTIFY
    similarity: float

    @property
    def min_similarity(self) -> float:
        """The similarity that the caller demands."""
        return self.similarity

    def at_least(self, similarity: float) -> Self:
        """The same search, asking for that similarity."""
        return cast("Self", replace(cast("Any", self), similarity=similarity))

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def charge_after(self, tools: Tools, seen: None, result: SimilarFaces) -> Spending | None:
        """What the search compared, and each face whose exact similarity is answered."""
        return result.spent

    def counts(self, result: SimilarFaces) -> Mapping[str, JSON]:
        """How many, among how many, and how many to expect by chance."""
        return {
            "candidates": len(result.faces),
            "gallery_size": result.size,
            "expected_false_matches": result.expected_false_matches,
        }

    def private_result(self, result: SimilarFaces) -> Mapping[str, JSON]:
        """Which."""
        return {"candidates": [[face_id, similarity] for face_id, similarity in result.faces]}

    def headers(self, result: SimilarFaces) -> Mapping[str, str]:
        """The expected false matches, for which the wire format has no place."""
        return {"x-countenance-expected-false-matches": f"{result.expected_false_matches:.6g}"}


@dataclass(frozen=True, slots=True)
class FindSimilarKept(_Finding):
    """Search for a kept face among other kept faces; `NotFound` if one is not kept (any more) for the caller."""

    face_id: str
    among: tuple[str, ...]
    limit: int = 20
    similarity: float = 80.0
    name: ClassVar[str] = "find_similar_kept"

    def search_size(self, gallery: Gallery) -> int:
        """The number of faces that are searched."""
        return len(self.among)

    def act(self, tools: Tools, permit: Permit, seen: None) -> SimilarFaces:
        """Compare with each."""
        mandate = permit.mandate.mandate_id
        probe, others = tools.kept.template(mandate, self.face_id), tools.kept.templates(mandate, self.among)
        similarities = tools.calibration.similarity(_scores(tools, [probe], others)[0].astype(np.float64)).tolist()
        least = least_coarse(self.similarity)
        similar = sorted(
            (pair for pair in zip(self.among, similarities, strict=True) if pair[1] >= least), key=lambda pair: -pair[1]
        )
        fmr = tools.calibration.fmr(tools.calibration.score(self.similarity))
        spent = Spending(len(others), _rows([probe, *others])[: len(others)], by_probe=True)
        expected = expected_false_matches(fmr, len(others))
        return SimilarFaces(_shown(similar, self.limit), len(others), expected, spent)

    def private(self) -> Mapping[str, JSON]:
        """Which face, among which."""
        return {"faces": [self.face_id], "among": list(self.among)}


@dataclass(frozen=True, slots=True)
class FindSimilarEnrolled(_Finding):
    """Search for a kept face in a list of enrolled faces; `NotFound` without the face or the list."""

    gallery_id: str
    kind: GroupKind
    face_id: str
    limit: int = 20
    similarity: float = 80.0
    name: ClassVar[str] = "find_similar_enrolled"

    @property
    def gallery(self) -> str:
        """The gallery searched."""
        return self.gallery_id

    def act(self, tools: Tools, permit: Permit, seen: None) -> SimilarFaces:
        """Search."""
        probe = tools.kept.template(permit.mandate.mandate_id, self.face_id)
        tools.gallery.profiles.group(self.gallery_id, self.kind)
        least = tools.calibration.score(least_coarse(self.similarity))
        matches = tools.gallery.search(self.gallery_id, probe, limit=self.limit + 1, min_score=least)
        similar = [(face.face_id, tools.calibration.similarity(score)) for face, score in matches.hits]
        fmr = tools.calibration.fmr(tools.calibration.score(self.similarity))
        expected = expected_false_matches(fmr, matches.gallery_size)
        ranked = _shown(similar, self.limit)
        exact = tuple(("face", face_id) for face_id, similarity in ranked if similarity >= EXACT_FROM)
        return SimilarFaces(ranked, matches.gallery_size, expected, Spending(1, _rows([probe]), exact))

    def private(self) -> Mapping[str, JSON]:
        """Which gallery, which face."""
        return {"gallery": self.gallery_id, "faces": [self.face_id]}


@dataclass(frozen=True, slots=True)
class Grouped:
    """Faces by id: groups of two or more, the largest first, and the faces that resemble no other.

    expected_false_matches: pairs of different people to expect at or above the similarity, at most.
    """

    groups: tuple[tuple[str, ...], ...]
    single: tuple[str, ...]
    expected_false_matches: float
    spent: Spending | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class GroupKept(Operation[None, Grouped]):
    """Group kept faces so that every pair in a group has at least `similarity`, or 75 where that is lower and not 0.
    Complete-linkage clustering, with the lower of a pair's two scores. `NotFound` if a face is not, or no longer, kept.
    """

    face_ids: tuple[str, ...]
    similarity: float = 80.0
    name: ClassVar[str] = "group_kept"
    action: ClassVar[Action] = Action.IDENTIFY

    @property
    def min_similarity(self) -> float:
        """The similarity of one group."""
        return self.similarity

    def at_least(self, similarity: float) -> Self:
        """The same grouping, asking for that similarity."""
        return replace(self, similarity=similarity)

    def search_size(self, gallery: Gallery) -> int:
        """Every pair is compared."""
        return _pairs(self.face_ids)

    def look(self, tools: Tools) -> None:
        """There is no picture."""

    def act(self, tools: Tools, permit: Permit, seen: None) -> Grouped:
        """Compare all with all."""
        from scipy.cluster.hierarchy import fcluster, linkage  # slow to import, and few calls need it
        from scipy.spatial.distance import squareform

        templates = tools.kept.templates(permit.mandate.mandate_id, self.face_ids)
        least = float(tools.calibration.score(least_coarse(self.similarity)))
        scores = _scores(tools, templates, templates).astype(np.float64)
        scores = np.minimum(scores, scores.T)
        far = scores.max() - scores
        np.fill_diagonal(far, 0.0)
        tree = linkage(squareform(far, checks=False), "complete")
        labels = fcluster(tree, scores.max() - least, "distance")
        by_label: dict[int, list[str]] = {}
        for face_id, label in zip(self.face_ids, labels.tolist(), strict=True):
            by_label.setdefault(label, []).append(face_id)
        groups = sorted((tuple(each) for each in by_label.values() if len(each) > 1), key=len, reverse=True)
        single = tuple(each[0] for each in by_label.values() if len(each) == 1)
        expected = expected_false_matches(tools.calibration.fmr(least), _pairs(self.face_ids))
        spent = Spending(_pairs(self.face_ids), _rows(templates)[: _pairs(self.face_ids)], by_probe=True)
        return Grouped(tuple(groups), single, expected, spent)

    def charge_after(self, tools: Tools, seen: None, result: Grouped) -> Spending | None:
        """One comparison for each pair."""
        return result.spent

    def private(self) -> Mapping[str, JSON]:
        """Which faces."""
        return {"faces": list(self.face_ids)}

    def counts(self, result: Grouped) -> Mapping[str, JSON]:
        """How many."""
        return {
            "faces": len(self.face_ids),
            "groups": len(result.groups),
            "expected_false_matches": result.expected_false_matches,
        }

    def private_result(self, result: Grouped) -> Mapping[str, JSON]:
        """Which faces are together."""
        return {"groups": [list(group) for group in result.groups]}

    def headers(self, result: Grouped) -> Mapping[str, str]:
        """The expected false matches, for which the wire format has no place."""
        return {"x-countenance-expected-false-matches": f"{result.expected_false_matches:.6g}"}


def _pairs(faces: tuple[str, ...]) -> int:
    return len(faces) * (len(faces) - 1) // 2


def _rows(templates: Sequence[Template]) -> np.ndarray:
    return np.stack([each.vector for each in templates])


def _shown(similar: Sequence[tuple[str, float]], limit: int) -> tuple[tuple[str, float], ...]:
    """What may be answered of hits (most similar first): at most `limit`, those below 75 as 0 and unranked."""
    places = ranked([similarity for _, similarity in similar], [face_id for face_id, _ in similar], limit)
    return tuple((similar[place][0], similarity) for place, similarity in places)


def _scores(tools: Tools, probes: list[Template], others: list[Template]) -> np.ndarray:
    """The scores of each probe with each of the others, (n, m)."""
    return scored(tools.normaliser, probes, others)
