"""The whole curve of FMR against FNMR as the threshold moves, computed exactly from sorted scores.

EER two ways: interpolated (where the two step functions cross, on the straight line between neighbouring operating
points), and of the ROC's convex hull (what randomising between two thresholds could reach; never above the other).

Sources: Martin, Doddington, Kamm, Ordowski and Przybocki 1997 (Eurospeech) for DET curves; Provost and Fawcett 2001
(Machine Learning 42) for the convex hull.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from countenance.errors import BadRequest
from countenance.metrics import special
from countenance.metrics.statistics.intervals import Floats
from countenance.metrics.verification.comparisons import Comparisons


@dataclass(frozen=True, slots=True)
class EqualError:
    """EER, 0..1, and the threshold it belongs to. rocch: EER of the convex hull."""

    rate: float
    threshold: float
    rocch: float


@dataclass(frozen=True, slots=True, eq=False)
class Det:
    """A DET curve of at most a few hundred points, thresholds rising: FMR falls, FNMR rises.

    All float64 (m,). *_low, *_high: pointwise intervals at `level`, or NaN where none were computed.
    """

    threshold: Floats
    fmr: Floats
    fnmr: Floats
    fmr_low: Floats
    fmr_high: Floats
    fnmr_low: Floats
    fnmr_high: Floats
    level: float


@dataclass(frozen=True, slots=True, eq=False)
class Tradeoff:
    """Sorted scores of one population; made by `of` and `among`.

    impostor, genuine: float32 or float64, ascending; -inf where below the censor point. censor_point: the lowest
    threshold that can be asked about, or None.
    """

    impostor: Floats
    genuine: Floats
    censor_point: float | None = None

    @classmethod
    def of(cls, impostor: ArrayLike, genuine: ArrayLike, censor_point: float | None = None) -> Tradeoff:
        """Sort two sets of scores (larger is more alike). NaN is a `BadRequest`; an empty side is one too."""
        strange, mated = _sorted(impostor, "non-mated"), _sorted(genuine, "mated")
        kind = np.result_type(strange, mated)
        return cls(strange.astype(kind, copy=False), mated.astype(kind, copy=False), censor_point)

    @classmethod
    def among(cls, comparisons: Comparisons, first: int | None = None, second: int | None = None) -> Tradeoff:
        """The curve of some comparisons: all, or mated pairs of group `first` and its impostors.

        second: the impostors' group; None: any. A side without scores is a `BadRequest`.
        """
        data = comparisons
        a, b, scored = data.first_group, data.second_group, ~data.failed
        strange, mated = scored & ~data.mated, scored & data.mated
        if first is not None:
            mated &= a == first
            strange &= (a == first) | (b == first)
            if second is not None:
                strange &= ((a == first) & (b == second)) | ((a == second) & (b == first))
        return cls.of(data.score[strange], data.score[mated], data.censor_point)

    def fmr(self, threshold: ArrayLike) -> Floats:
        """Share of impostors at or above each threshold; shape of `threshold`."""
        t = self._asked(threshold)
        n = len(self.impostor)
        return np.asarray((n - np.searchsorted(self.impostor, t, "left")) / n, np.float64)

    def fnmr(self, threshold: ArrayLike) -> Floats:
        """Share of genuine scores below each threshold; shape of `threshold`."""
        t = self._asked(threshold)
        return np.asarray(np.searchsorted(self.genuine, t, "left") / len(self.genuine), np.float64)

    def eer(self) -> EqualError:
        """The equal error rate; `BadRequest` where it lies below the censor point."""
        if self.censor_point is not None:
            match, miss = self._point(self.censor_point)
            if miss > match:
                raise BadRequest("the two rates are equal below the vendor's threshold only, where no score is known")
        crossing = min(self._crossing(self.impostor), self._crossing(self.genuine))
        before = max(_below(self.impostor, crossing), _below(self.genuine, crossing))
        x0, y0 = self._point(before)
        x1, y1 = self._point(crossing)
        share = 0.0 if x0 - y0 == x1 - y1 else (x0 - y0) / ((x0 - y0) - (x1 - y1))
        rate = x0 + share * (x1 - x0)
        return EqualError(rate, crossing if math.isfinite(crossing) else before, min(rate, self._hull_eer()))

    def threshold_at(self, fmr: ArrayLike) -> Floats:
        """The lowest impostor score at which FMR is at most each target; just above the highest where none is."""
        target = np.asarray(fmr, np.float64)
        if not ((target >= 0) & (target <= 1)).all():
            raise BadRequest("a false match rate lies between 0 and 1")
        n = len(self.impostor)
        allowed = np.floor(target * n + 1e-9).astype(np.int64)
        below = int(np.searchsorted(self.impostor, -np.inf, "right"))
        if (allowed > n - below).any() and below:
            raise BadRequest("the threshold for this rate lies below the vendor's own, where scores are not known")
        at = n - allowed  # the first of the allowed scores; a tie with one that is not allowed moves it past the tie
        score = self.impostor[np.minimum(at, n - 1)]
        tied = (at > 0) & (at < n) & (score == self.impostor[np.maximum(at - 1, 0)])
        at = np.where(tied, np.searchsorted(self.impostor, score, "right"), at)
        above = np.nextafter(self.impostor[-1], np.inf, dtype=self.impostor.dtype)
        return np.asarray(np.where(at < n, self.impostor[np.minimum(at, n - 1)], above), np.float64)

    def det(self, points: int = 200) -> Det:
        """The curve at thresholds spread evenly over the normal deviates of both rates; bounds are NaN."""
        half = max(points // 2, 2)
        fmr = special.ndtr(np.linspace(special.ndtri(1 / (len(self.impostor) + 1)), special.ndtri(0.99), half))
        fnmr = special.ndtr(np.linspace(special.ndtri(1 / (len(self.genuine) + 1)), special.ndtri(0.99), half))
        known = np.isfinite(self.genuine)
        at = np.minimum((fnmr * len(self.genuine)).astype(np.int64), len(self.genuine) - 1)
        n = len(self.impostor)
        targets = fmr[fmr <= 1 - np.searchsorted(self.impostor, -np.inf, "right") / n]
        thresholds = np.unique(np.r_[self.threshold_at(targets), self.genuine[at][known[at]]].astype(np.float64))
        if self.censor_point is not None:
            thresholds = thresholds[thresholds >= self.censor_point]
        none = np.full(len(thresholds), math.nan)
        return Det(thresholds, self.fmr(thresholds), self.fnmr(thresholds), none, none, none, none, math.nan)

    def _asked(self, threshold: ArrayLike) -> NDArray[np.floating]:
        t = np.asarray(threshold, np.float64)
        if self.censor_point is not None and not (t >= self.censor_point).all():
            raise BadRequest("a threshold lies below the vendor's own, where scores are not known")
        exact = t.astype(self.impostor.dtype)
        return np.where(exact < t, np.nextafter(exact, np.inf, dtype=exact.dtype), exact)

    def _point(self, threshold: float) -> tuple[float, float]:
        """(FMR, FNMR) at one threshold, the censor point not asked."""
        match = 1 - float(np.searchsorted(self.impostor, threshold, "left")) / len(self.impostor)
        return match, float(np.searchsorted(self.genuine, threshold, "left")) / len(self.genuine)

    def _crossing(self, scores: Floats) -> float:
        """The lowest of the scores at which FNMR >= FMR; infinite where there is none."""
        low, high = 0, len(scores)
        while low < high:
            middle = (low + high) // 2
            match, miss = self._point(scores[middle])
            low, high = (low, middle) if miss >= match else (middle + 1, high)
        return float(scores[low]) if low < len(scores) else math.inf

    def _hull_eer(self) -> float:
        """Where the upper hull of the ROC meets TPR = 1 - FMR. Its corners lie at genuine scores."""
        corners = np.unique(self.genuine)
        x = 1 - np.searchsorted(self.impostor, corners, "left") / len(self.impostor)
        y = 1 - np.searchsorted(self.genuine, corners, "left") / len(self.genuine)
        points = np.column_stack([np.r_[x, 0, 1, 1], np.r_[y, 0, 1, 0]])
        from scipy.spatial import ConvexHull  # slow to import, and only the hull needs it

        hull = points[ConvexHull(points).vertices]
        upper = hull[hull[:, 1] >= hull[:, 0]]
        upper = upper[np.lexsort((upper[:, 1], upper[:, 0]))]
        gap = upper[:, 0] + upper[:, 1] - 1
        i = int(np.argmax(gap >= 0))
        if gap[i] == 0 or i == 0:
            return float(max(1 - upper[i, 1], upper[i, 0]))
        share = -gap[i - 1] / (gap[i] - gap[i - 1])
        return float(upper[i - 1, 0] + share * (upper[i, 0] - upper[i - 1, 0]))


def _sorted(scores: ArrayLike, kind: str) -> Floats:
    values = np.asarray(scores)
    if not np.issubdtype(values.dtype, np.floating):
        values = values.astype(np.float64)
    if values.ndim != 1 or not len(values):
        raise BadRequest(f"a curve needs {kind} scores: one column that is not empty")
    ranked = np.sort(values)
    if np.isnan(ranked[-1]) or np.isposinf(ranked[-1]):
        raise BadRequest(f"some {kind} scores are NaN or infinite")
    return ranked


def _below(scores: Floats, threshold: float) -> float:
    """The highest score below a threshold; minus infinity where there is none."""
    i = int(np.searchsorted(scores, threshold, "left"))
    return float(scores[i - 1]) if i else -math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Score counts: edges float64 (m+1,), counts int64 (m,); scores outside are in the first and last bins."""

    edges: Floats
    counts: NDArray[np.int64]


def histogram(score: ArrayLike, edges: ArrayLike) -> Histogram:
    """Counts of scores between rising edges, closed on the left, for pictures and for bundles. NaN is left out."""
    bounds = np.asarray(edges, np.float64)
    if bounds.ndim != 1 or len(bounds) < 2 or not (np.diff(bounds) > 0).all():
        raise BadRequest("a histogram has two or more rising edges")
    values = np.asarray(score, np.float64)
    values = values[~np.isnan(values)]
    counts, _ = np.histogram(np.clip(values, bounds[0], bounds[-1]), bounds)
    return Histogram(bounds, counts.astype(np.int64))
