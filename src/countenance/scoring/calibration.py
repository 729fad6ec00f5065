"""What a comparison score means: a false match rate and a similarity, for one model and one normaliser.

The false match rate (FMR) is that of the group which the model serves worst. Similarity is a fixed scale of that rate:

    similarity   0     80     90     99     99.9   100
    FMR          1     1e-3   1e-4   1e-5   1e-6   1e-9 and below

Between these anchors it is a straight line in log10 FMR. The lines below 80 and above 99.9 are conventions: no
published scale reaches there. The scale ends at FMR 1e-9, since no data could tell a smaller rate from it.

A calibration is a JSON file that `countenance calibrate` writes. It holds a curve (scores with the log10 FMR at each;
straight lines between) and says where the curve comes from and what every group gets at each anchor.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from countenance.errors import BadRequest, ModelError
from countenance.faces import ModelId

Numbers = NDArray[np.floating[Any]]

SHIPPED = Path(__file__).with_name("calibrations")

# The similarity scale: (similarity, log10 FMR). It is part of the interface, and the same for every model.
_SCALE = ((0.0, 0.0), (80.0, -3.0), (90.0, -4.0), (99.0, -5.0), (99.9, -6.0), (100.0, -9.0))
_SIMILARITIES = np.array([s for s, _ in _SCALE])
_LOG_RATES = np.array([r for _, r in _SCALE])
FLOOR = 1e-9
"""The smallest false match rate that a calibration speaks of."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A monotone map between scores, false match rates and similarities. Methods take one number or an array.

    model: the embedder. normaliser: identity of the score normaliser. identity: sha256 of the data file.
    scores: knots, increasing. log_rates: log10 FMR at the knots, decreasing from 0 to -9 (`FLOOR`).
    """

    model: ModelId
    normaliser: str
    identity: str
    scores: Numbers
    log_rates: Numbers

    def __post_init__(self) -> None:
        rising = self.scores.ndim == 1 and len(self.scores) > 1 and bool((np.diff(self.scores) > 0).all())
        falling = self.scores.shape == self.log_rates.shape and bool((np.diff(self.log_rates) < 0).all())
        ends = bool(np.allclose(self.log_rates[[0, -1]], _LOG_RATES[[0, -1]], rtol=0, atol=1e-9))
        if not (rising and falling and ends and np.isfinite(self.scores).all()):
            raise ModelError("this calibration file is damaged: its curve must rise in score and fall in rate")

    @classmethod
    def load(cls, model: ModelId, normaliser_identity: str, extra: Path | None = None) -> Calibration:
        """The calibration of `model` under that normaliser: from the folder `extra` if it has one, else the one that
        ships. ModelError if there is none: scores of another model or normaliser mean nothing here.
        """
        for path in _files(extra):
            content = path.read_bytes()
            calibration = cls.parse(content)
            if (calibration.model, calibration.normaliser) == (model, normaliser_identity):
                return calibration
        raise ModelError(
            f"no calibration for this model: run countenance calibrate (model {model[:8]}, "
            f"normaliser {normaliser_identity[:8]})"
        )

    @classmethod
    def parse(cls, content: bytes) -> Calibration:
        """The calibration in a data file; ModelError if it is not one."""
        try:
            value = json.loads(content)
            return cls(
                model=ModelId(str(value["model"])),
                normaliser=str(value["normaliser"]),
                identity=hashlib.sha256(content).hexdigest(),
                scores=np.array(value["curve"]["score"], dtype=np.float64),
                log_rates=np.array(value["curve"]["log10_fmr"], dtype=np.float64),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"this calibration file is damaged: {type(error).__name__}") from error

    @overload
    def fmr(self, score: float) -> float: ...
    @overload
    def fmr(self, score: Numbers) -> Numbers: ...
    def fmr(self, score: float | Numbers) -> float | Numbers:
        """False match rate at `score`, 1e-9..1: how often two different people of the worst group score that high.

        Below the lowest knot it is 1; at the floor read it as "1e-9 or less".
        """
        return _like(score, 10.0 ** self._log_rate(score))

    @overload
    def similarity(self, score: float) -> float: ...
    @overload
    def similarity(self, score: Numbers) -> Numbers: ...
    def similarity(self, score: float | Numbers) -> float | Numbers:
        """Similarity at `score`, 0..100, never falling as the score rises."""
        return _like(score, np.interp(-self._log_rate(score), -_LOG_RATES, _SIMILARITIES))

    def fmr_of_best(self, score: float, comparisons: int) -> float:
        """An upper bound, 1e-9..1, on the false match rate of several comparisons of which the best scores `score`. It
        is their number times the rate of one (the union bound), and holds however they depend on each other.
        """
        return min(1.0, comparisons * self.fmr(score))

    def similarity_of_best(self, score: float, comparisons: int) -> float:
        """Similarity, 0..100, at the rate that `fmr_of_best` returns."""
        log_rate = np.minimum(0.0, self._log_rate(score) + math.log10(comparisons))
        return float(np.interp(-log_rate, -_LOG_RATES, _SIMILARITIES))

    @overload
    def score(self, similarity: float) -> float: ...
    @overload
    def score(self, similarity: Numbers) -> Numbers: ...
    def score(self, similarity: float | Numbers) -> float | Numbers:
        """The lowest score of at least that similarity (0..100; else BadRequest). Similarity 0 is any score: -inf."""
        wanted = np.asarray(similarity, dtype=np.float64)
        if not bool(((wanted >= 0.0) & (wanted <= 100.0)).all()):
            raise BadRequest("a similarity lies in 0..100")
        return _like(similarity, self._score(np.interp(wanted, _SIMILARITIES, _LOG_RATES)))

    @overload
    def score_at_fmr(self, fmr: float) -> float: ...
    @overload
    def score_at_fmr(self, fmr: Numbers) -> Numbers: ...
    def score_at_fmr(self, fmr: float | Numbers) -> float | Numbers:
        """The lowest score whose false match rate is at most `fmr` (1e-9..1; else BadRequest)."""
        wanted = np.asarray(fmr, dtype=np.float64)
        if not bool(((wanted > FLOOR * 0.999999) & (wanted <= 1.0)).all()):
            raise BadRequest(f"a false match rate lies in {FLOOR:g}..1: no calibration can tell a smaller one")
        return _like(fmr, self._score(np.log10(wanted)))

    def _log_rate(self, score: float | Numbers) -> Numbers:
        return np.interp(np.asarray(score, dtype=np.float64), self.scores, self.log_rates)

    def _score(self, log_rate: Numbers) -> Numbers:
        score = np.interp(-log_rate, -self.log_rates, self.scores)
        return np.where(log_rate < 0.0, score, -np.inf)


def digits_at(similarity: float) -> float:
    """-log10 of the false match rate at a similarity of 0..100: 0..9."""
    return float(np.interp(similarity, _SIMILARITIES, -_LOG_RATES))


def similarity_at(digits: float) -> float:
    """The similarity, 0..100, where -log10 of the false match rate is `digits`, 0..9."""
    return float(np.interp(digits, -_LOG_RATES, _SIMILARITIES))


def expected_false_matches(fmr: float, gallery_size: int) -> float:
    """How many of `gallery_size` enrolled people, none of them the one in the picture, will score that high: fmr * n.

    fmr: 0..1, the false match rate at that score. This is the expectation for one picture; people who look alike come
    in families, so single searches vary around it more than by chance alone.
    """
    if not 0.0 <= fmr <= 1.0 or gallery_size < 0:
        raise BadRequest("a false match rate lies in 0..1 and a gallery holds 0 or more faces")
    return fmr * gallery_size


def _files(extra: Path | None) -> Iterator[Path]:
    for folder in (extra, SHIPPED):
        if folder is not None and folder.is_dir():
            yield from sorted(folder.glob("*.calibration.json"))


def _like(given: float | Numbers, result: Numbers) -> float | Numbers:
    return result if isinstance(given, np.ndarray) else float(result)
