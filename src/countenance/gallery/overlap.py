"""Which faces of a picture are enrolled already, when the same picture is sent again."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.faces import BoundingBox

_SAME = 0.5  # the usual overlap from which two boxes count as one object; a detector returns no two boxes that close


def already_there(detected: Sequence[BoundingBox], stored: Sequence[BoundingBox]) -> dict[int, int]:
    """Pair boxes found now with boxes stored from the same picture: index in `detected` -> index in `stored`.

    Greedy by overlap, one to one, so that a second call with more faces adds just those that are new. Equal overlaps
    are paired in order.
    """
    pairs = sorted((-a.overlap(b), i, j) for i, a in enumerate(detected) for j, b in enumerate(stored))
    known: dict[int, int] = {}
    taken: set[int] = set()
    for negative, i, j in pairs:
        if -negative < _SAME:
            break
        if i not in known and j not in taken:
            known[i] = j
            taken.add(j)
    return known
