"""Similarities that say no more than they must: below a floor in steps, so that pictures cannot climb by them."""

from __future__ import annotations

EXACT_FROM = 75.0
"""Similarities from here on are given as they are; 0..100."""
STEP = 25.0
"""Below that, they are rounded down to a multiple of this."""


def coarse(similarity: float) -> float:
    """`similarity` (0..100) as it may be told, and as thresholds are held against it."""
    return similarity if similarity >= EXACT_FROM else similarity // STEP * STEP
