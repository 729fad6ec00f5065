"""Confidence as Azure Face has it, 0..1: 0.5 and more is "the same person". A fixed scale of the false match rate.

    confidence   0    0.5    0.5833   0.6667   0.75   1
    FMR          1    1e-3   1e-4     1e-5     1e-6   1e-9 and below

    confidence = d / 6 for d <= 3, else 0.5 + (d - 3) / 12, where d = -log10 FMR

It rises with the similarity, and 0.5 is the similarity 80: both are scales of the same rate. What Azure's own 0.5 means
is not published.
"""

from __future__ import annotations

from countenance.errors import BadRequest
from countenance.scoring.calibration import digits_at, similarity_at

IDENTICAL = 0.5
"""The confidence at which two faces are said to be of one person: a false match rate of 1e-3."""

_DIGITS = 3.0  # -log10 of that false match rate
_MOST_DIGITS = 9.0


def confidence(similarity: float) -> float:
    """The confidence at a similarity (0..100; else BadRequest)."""
    if not 0.0 <= similarity <= 100.0:
        raise BadRequest("a similarity lies in 0..100")
    digits = digits_at(similarity)
    if digits <= _DIGITS:
        return digits / _DIGITS * IDENTICAL
    return IDENTICAL + (digits - _DIGITS) / (_MOST_DIGITS - _DIGITS) * (1.0 - IDENTICAL)


def similarity_at_confidence(confidence: float) -> float:
    """The similarity, 0..100, of a confidence (0..1; else BadRequest)."""
    if not 0.0 <= confidence <= 1.0:
        raise BadRequest("a confidence lies in 0..1")
    if confidence <= IDENTICAL:
        return similarity_at(confidence / IDENTICAL * _DIGITS)
    return similarity_at(_DIGITS + (confidence - IDENTICAL) / (1.0 - IDENTICAL) * (_MOST_DIGITS - _DIGITS))
