"""The whole curve: FMR against FNMR as the threshold moves, exact from sorted scores or binned from histograms.

EER two ways: interpolated (where the two step functions cross, on the straight line between neighbouring operating
points), and of the ROC's convex hull (what a tuned system could reach with randomisation; Brümmer 2010, never above
the interpolated one). Groups are never compared at thresholds of their own: `group_thresholds` says what each *would*
need, as a disparity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from countenance.audit.metrics.comparisons import Comparisons
from countenance.audit.metrics.intervals import Floats, Interval, Rate


@dataclass(frozen=True, slots=True)
class EqualError:
    """EER, 0..1, and the threshold it belongs to. rocch: EER of the convex hull."""

    rate: float
    threshold: float
    rocch: float


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """FNMR where FMR is `fmr_target`. threshold: the lowest with FMR <= target, threshold_interval: its own.

    fnmr: the clustered rate at exactly that threshold. interval: of FNMR at the target, the threshold's uncertainty
    included. enough: whether there are the 30 / target non-mated comparisons that the rule of 30 asks for.
    """

    fmr_target: float
    fmr: Rate
    threshold: float
    threshold_interval: Interval
    fnmr: Rate
    interval: Interval
    enough: bool


@dataclass(frozen=True, slots=True, eq=False)
class Det:
    """A DET curve of at most a few hundred points, thresholds rising: FMR falls, FNMR rises.

    All float64 (m,). *_low, *_high: pointwise intervals at `level`, or NaN where no people were given.
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
    """Sorted scores of one population. impostor, genuine: float32 or float64, ascending; made by `of` and `among`.

    below: impostors and genuine scores that lie below the censor point, whose place is not known.
    """

    impostor: Floats
    genuine: Floats
    impostors_below: int = 0
    genuine_below: int = 0
    censor_point: float | None = None

    @classmethod
    def of(cls, impostor: ArrayLike, genuine: ArrayLike) -> Tradeoff:
        """Sort two sets of scores (larger is more alike). NaN is a `BadRequest`; an empty side is one too."""
        raise NotImplementedError

    @classmethod
    def among(cls, comparisons: Comparisons, first: int | None = None, second: int | None = None) -> Tradeoff:
        """The curve of some comparisons: all, or impostors of two groups (codes) and mated pairs of the first."""
        raise NotImplementedError

    def fmr(self, threshold: ArrayLike) -> Floats:
        """Share of impostors at or above each threshold; shape of `threshold`."""
        raise NotImplementedError

    def fnmr(self, threshold: ArrayLike) -> Floats:
        """Share of genuine scores below each threshold; shape of `threshold`."""
        raise NotImplementedError

    def eer(self) -> EqualError:
        """The equal error rate; `BadRequest` where it lies below the censor point or one kind is missing."""
        raise NotImplementedError

    def threshold_at(self, fmr: ArrayLike) -> Floats:
        """The lowest threshold at which FMR is at most each target; just above the largest score where none is left."""
        raise NotImplementedError

    def fnmr_at(self, fmr: ArrayLike) -> Floats:
        """FNMR at `threshold_at(fmr)`."""
        raise NotImplementedError

    def det(self, points: int = 200) -> Det:
        """The curve at thresholds spread evenly over the normal deviates of both rates; bounds are NaN."""
        raise NotImplementedError


def operating_points(
    comparisons: Comparisons, fmr_targets: Sequence[float], level: float = 0.95
) -> tuple[OperatingPoint, ...]:
    """FNMR at each FMR target (10^-k), with intervals that hold the threshold's own uncertainty."""
    raise NotImplementedError


def det_band(comparisons: Comparisons, points: int = 60, level: float = 0.95) -> Det:
    """A DET curve with clustered pointwise bounds on both axes."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True)
class GroupThreshold:
    """What one group would need for the target FMR, and what it gets at the global threshold.

    threshold: NaN where the group has no impostors. enough: 30 / target impostors.
    """

    group: str
    threshold: float
    effective_fmr: Rate
    enough: bool


@dataclass(frozen=True, slots=True)
class ThresholdDisparity:
    """Thresholds by group against the global one. largest, mean: of |group - global|, over groups that have one."""

    fmr_target: float
    global_threshold: float
    groups: tuple[GroupThreshold, ...]
    largest: float
    mean: float


def group_thresholds(comparisons: Comparisons, fmr_target: float, level: float = 0.95) -> ThresholdDisparity:
    """The threshold that gives each group (impostors of the same group) the target FMR. Never a way to run a system:
    it would need the protected attribute of everybody at the camera."""
    raise NotImplementedError


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Score counts: edges float64 (m+1,), counts int64 (m,); scores outside are in the first and last bins."""

    edges: Floats
    counts: Floats


def histogram(score: ArrayLike, edges: ArrayLike) -> Histogram:
    """Counts of scores between edges (closed on the left), for pictures and for bundles."""
    raise NotImplementedError
