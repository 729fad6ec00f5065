"""Faces of one picture are different people: a person who is a lead for two of them is marked, with the face that fits
better. In an assignment each person goes to one face at most; the best one has the highest sum of similarities (linear
sum assignment, Kuhn 1955).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from countenance.faces import Candidate

CLOSE = 10.0
"""Two faces claim one person closely where their false match rates differ by less than this factor."""


@dataclass(frozen=True, slots=True)
class Sibling:
    """Marks a lead whose person is a lead for other faces of the same picture too. faces: their places in the picture's
    list, falling in similarity. better: the place of the face to which the best assignment gives the person; None if it
    gives every such face to others. close: whether this face and the best of the others differ in false match rate by
    less than `CLOSE` times.
    """

    faces: tuple[int, ...]
    better: int | None
    close: bool


def siblings(candidates_of_faces: Sequence[Sequence[Candidate]]) -> list[list[Sibling | None]]:
    """For each lead of each face of a picture: its mark if its person is a lead for another face too, else None."""
    claims: dict[tuple[str, str], dict[int, Candidate]] = defaultdict(dict)
    for place, candidates in enumerate(candidates_of_faces):
        for each in candidates:
            held = claims[_person(each)].get(place)
            if held is None or each.similarity > held.similarity:
                claims[_person(each)][place] = each
    assigned = _assigned(claims, len(candidates_of_faces))
    return [
        [_mark(place, claims[_person(each)], assigned.get(_person(each))) for each in candidates]
        for place, candidates in enumerate(candidates_of_faces)
    ]


def _person(candidate: Candidate) -> tuple[str, str]:
    """Whose face it is, as far as is known: its user, else its external id, else the face itself."""
    face = candidate.face
    if face.user_id is not None:
        return "user", face.user_id
    return ("external", face.external_id) if face.external_id is not None else ("face", face.face_id)


def _assigned(claims: dict[tuple[str, str], dict[int, Candidate]], faces: int) -> dict[tuple[str, str], int]:
    if all(len(by_face) < 2 for by_face in claims.values()):
        return {}
    people = list(claims)
    worth = np.zeros((len(people), faces))
    for row, person in enumerate(people):
        for place, candidate in claims[person].items():
            worth[row, place] = 1.0 + candidate.similarity  # so that a lead of similarity 0 still counts
    from scipy.optimize import linear_sum_assignment  # slow to import, and few calls need it

    rows, places = linear_sum_assignment(worth, maximize=True)
    return {people[row]: int(place) for row, place in zip(rows, places, strict=True) if worth[row, place] > 0}


def _mark(place: int, by_face: dict[int, Candidate], given: int | None) -> Sibling | None:
    others = sorted((other for other in by_face if other != place), key=lambda other: -by_face[other].similarity)
    if not others:
        return None
    mine, best = by_face[place].fmr, by_face[others[0]].fmr
    return Sibling(tuple(others), given, max(mine, best) < CLOSE * min(mine, best))
