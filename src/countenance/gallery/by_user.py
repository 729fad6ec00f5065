"""From the faces that resemble a probe to the users to whom they belong: docs/adr/0009-users-by-union-bound.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from countenance.gallery.answers import UserMatch
from countenance.gallery.search.index import Hits
from countenance.scoring.calibration import Calibration

_ROUNDING = 1e-9  # of a similarity that went to a score and back


def grouped(
    hits_of_probes: Sequence[Hits],
    owner: Mapping[int, str],
    size: Mapping[str, int],
    calibration: Calibration,
    similarity: float,
) -> list[UserMatch]:
    """The users of the faces found, at least that similar, most similar first.

    hits_of_probes: hits of each probe, best first. owner: the user of each face, by the face's number; a face without
    one does not count. size: how many faces of each user were compared with each probe. Among equally similar users,
    the one whose best face scores higher comes first, then the one whose face has the lower number.
    """
    best: dict[str, float] = {}
    for number, score in sorted((hit for hits in hits_of_probes for hit in hits), key=lambda hit: (-hit[1], hit[0])):
        if number in owner:
            best.setdefault(owner[number], score)
    users = []
    for user_id, score in best.items():
        comparisons = len(hits_of_probes) * size[user_id]
        rate = calibration.similarity_of_best(score, comparisons)
        if rate >= similarity - _ROUNDING:
            fmr = calibration.fmr_of_best(score, comparisons)
            users.append(UserMatch(user_id, size[user_id], score, fmr, rate))
    return sorted(users, key=lambda user: -user.similarity)


def settled(
    users: Sequence[UserMatch],
    hits_of_probes: Sequence[Hits],
    asked: int,
    limit: int,
    calibration: Calibration,
    similarity: float,
) -> bool:
    """Whether more than `asked` hits of each probe could not change the first `limit` of the users."""
    last = [hits[-1][1] for hits in hits_of_probes if len(hits) >= asked]
    if not last:
        return True
    unseen = calibration.similarity_of_best(
        max(last), len(hits_of_probes)
    )  # the most that another user, with one face, could be
    if unseen < similarity - _ROUNDING:
        return True
    return len(users) >= limit and (users[limit - 1].similarity, users[limit - 1].score) >= (unseen, max(last))
