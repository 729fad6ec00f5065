"""What a detector's score is worth: the measured share of such scores that belong to faces.

YuNet's scores end near 0.95 however clear a face is, while programs written for Amazon Rekognition demand a confidence
of 95, 99 or 99.5. The curve from score to confidence is fitted by `countenance calibrate DETECTOR` and stored in the
detector's manifest. Inside the engine scores are compared; callers get the confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True, slots=True)
class ConfidenceCurve:
    """Corners of a rising curve, straight between them and level beyond. score: the detector's, 0..1, strictly rising.
    confidence: 0..100, rising or level, one for each score.
    """

    score: tuple[float, ...] = (0.0, 1.0)
    confidence: tuple[float, ...] = (0.0, 100.0)

    def __post_init__(self) -> None:
        if len(self.score) != len(self.confidence) or len(self.score) < 2:
            raise ValueError("a confidence curve has two corners or more, each with a score and a confidence")
        if not _rises(self.score, strictly=True) or not _rises(self.confidence, strictly=False):
            raise ValueError("a confidence curve rises: greater scores have no lower confidence")
        if not (self.score[0] >= 0 and self.score[-1] <= 1 and self.confidence[0] >= 0 and self.confidence[-1] <= 100):
            raise ValueError("a confidence curve has scores from 0 to 1 and confidences from 0 to 100")

    def of(self, score: float) -> float:
        """The confidence, 0..100, of a face with this score, 0..1."""
        return float(np.interp(score, self.score, self.confidence))


def _rises(values: Sequence[float], strictly: bool) -> bool:
    return all(a < b or (a == b and not strictly) for a, b in pairwise(values))


IDENTITY = ConfidenceCurve()
"""For a detector whose manifest has no curve: 100 times the score."""
