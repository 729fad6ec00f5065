"""Similarities that say no more than they must: below a floor nothing but that, so that pictures cannot climb by them.

Steps of 25 there were too fine: from 50 answers in them a template could be estimated that matched half of the
victims (docs/threat-model.md).
"""

from __future__ import annotations

from collections.abc import Sequence

EXACT_FROM = 75.0
"""Similarities from here on are given as they are, where they reach the threshold; 0..100."""
BELOW = 0.0
"""What is told of every similarity below that."""


def coarse(similarity: float) -> float:
    """`similarity` (0..100) as it may be told, and as thresholds are held against it."""
    return similarity if similarity >= EXACT_FROM else BELOW


def stepped(similarity: float) -> float:
    """`EXACT_FROM` or `BELOW`: as `similarity` (0..100) is told of faces below a threshold, however high that is."""
    return EXACT_FROM if similarity >= EXACT_FROM else BELOW


def least_coarse(threshold: float) -> float:
    """The least similarity that `coarse` does not put below `threshold` (both 0..100)."""
    return threshold if threshold <= BELOW else max(threshold, EXACT_FROM)


def ranked(similarities: Sequence[float], names: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """What a search may show of its hits: at most `limit`, as (place in `similarities`, coarse similarity).

    similarities: exact, falling; of all hits, or of `limit` + 1 or more. names: what tells hits apart, such as ids.
    Below `EXACT_FROM` nobody is ranked: those there come in the order of their names, and where the limit would cut
    through them, none is shown. Otherwise the one place of a short list would tell who is most alike.
    """
    steps = [coarse(each) for each in similarities]
    places = list(range(min(limit, len(steps))))
    if len(steps) > limit and steps[limit] < EXACT_FROM:
        places = [place for place in places if steps[place] > steps[limit]]
    places.sort(key=lambda place: (-steps[place], place if steps[place] >= EXACT_FROM else 0, names[place]))
    return [(place, steps[place]) for place in places]
