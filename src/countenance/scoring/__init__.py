"""What a score means: the normaliser that evens scores between groups, and the calibration to false match rates."""

from countenance.scoring.calibration import Calibration, expected_false_matches
from countenance.scoring.coarse import coarse, least_coarse, ranked, stepped
from countenance.scoring.confidence import IDENTICAL, confidence, similarity_at_confidence
from countenance.scoring.normaliser import Normaliser, RawCosine, load_normaliser, scored

__all__ = [
    "IDENTICAL",
    "Calibration",
    "Normaliser",
    "RawCosine",
    "coarse",
    "confidence",
    "expected_false_matches",
    "least_coarse",
    "load_normaliser",
    "ranked",
    "scored",
    "similarity_at_confidence",
    "stepped",
]
