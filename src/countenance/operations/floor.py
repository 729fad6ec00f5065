"""The least similarity that the evidence supports: a search for less runs at that similarity, and says so."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from countenance.operations.evidence import evidence_facts
from countenance.operations.operation import Operation, Tools
from countenance.policy import Action
from countenance.scoring import Calibration

Seen = TypeVar("Seen")
Result = TypeVar("Result")

THRESHOLD = "x-countenance-threshold"
"""The header that gives the threshold used, if it was not the one requested."""

_STEP = 1e-6


def carried(operation: Operation[Seen, Result], tools: Tools, now: datetime) -> Operation[Seen, Result]:
    """`operation`; if it searches a gallery for less than the least similarity that current evidence supports, raised
    to that. Without current evidence about this model and calibration it is unchanged, and the rules decide.
    """
    if operation.action is not Action.IDENTIFY or operation.min_similarity is None:
        return operation
    facts = evidence_facts(tools.evidence, tools.engine.model, tools.calibration.identity, now)
    if not facts.signed or facts.fmr is None or facts.expires_at is None or facts.expires_at <= now:
        return operation
    floor = least_similarity(tools.calibration, facts.fmr)
    return operation.at_least(floor) if operation.min_similarity < floor else operation


@lru_cache(maxsize=64)
def least_similarity(calibration: Calibration, fmr: float) -> float:
    """The least similarity, 0..100, whose false match rate is at most `fmr` (1e-9..1)."""
    similarity = round(float(calibration.similarity(calibration.score_at_fmr(fmr))), 6)
    while similarity < 100.0 and calibration.fmr(calibration.score(similarity)) > fmr * (1 + 1e-9):
        similarity = min(100.0, similarity + _STEP)
    return similarity
