"""Similarities that reveal no more than needed: in steps below a floor, so that pictures cannot climb by them."""

from __future__ import annotations

import math
from collections.abc import Sequence

EXACT_FROM = 75.0
"""Similarities from this one on, 0..100, are given exactly if they reach the threshold."""
STEP = 25.0
"""Below that, they are rounded down to a multiple of this."""


def coarse(similarity: float) -> float:
    """`similarity` (0..100) as it may be answered, and as it is compared with thresholds."""
    return similarity if similarity >= EXACT_FROM else stepped(similarity)


def stepped(similarity: float) -> float:
    """`similarity` (0..100) rounded down to a step, as answered for faces below a threshold, however high that is."""
    return similarity // STEP * STEP


def least_coarse(threshold: float) -> float:
    """The least similarity that `coarse` does not put below `threshold` (both 0..100)."""
    return threshold if threshold >= EXACT_FROM else min(EXACT_FROM, math.ceil(threshold / STEP) * STEP)


def ranked(similarities: Sequence[float], names: Sequence[str], limit: int) -> list[tuple[int, float]]:
    """What a search may show of its hits: at most `limit`, as (place in `similarities`, coarse similarity).
    similarities: exact, falling; of all hits, or of `limit` + 1 or more. names: what distinguishes the hits, such as
    ids. Below `EXACT_FROM` nobody is ranked: hits of one step come in the order of their names, and if the limit would
    cut through a step, none of that step is shown. Otherwise a list of one would reveal who is most similar.
    """
    steps = [coarse(each) for each in similarities]
    places = list(range(min(limit, len(steps))))
    if len(steps) > limit and steps[limit] < EXACT_FROM:
        places = [place for place in places if steps[place] > steps[limit]]
    places.sort(key=lambda place: (-steps[place], place if steps[place] >= EXACT_FROM else 0, names[place]))
    return [(place, steps[place]) for place in places]
