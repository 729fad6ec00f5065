"""Operating points: FNMR at FMR 10^-k, DET bands, and the threshold that each group would need.

Groups are never compared at thresholds of their own; what each *would* need is a disparity, not a way to run a system:
that would take the protected attribute of everybody at the camera.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Interval, Rate, check_level, unknown_rate
from countenance.metrics.verification.comparisons import Comparisons
from countenance.metrics.verification.pairings import Pairings
from countenance.metrics.verification.tradeoff import Det, Tradeoff

RULE_OF_THIRTY = 30
"""Errors that a rate needs before it is taken to be known well (Porter; Doddington et al. 2000)."""


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """FNMR where FMR is `fmr_target`.

    threshold: the lowest with FMR <= target; threshold_interval: its own (Woodruff 1952: the thresholds at the FMR's
    limits). fmr, fnmr: clustered rates at exactly that threshold. interval: of FNMR at the target, with the threshold's
    uncertainty. enough: whether there are the 30 / target non-mated comparisons that the rule of 30 asks for.
    """

    fmr_target: float
    fmr: Rate
    threshold: float
    threshold_interval: Interval
    fnmr: Rate
    interval: Interval
    enough: bool


def operating_points(
    comparisons: Comparisons, fmr_targets: Sequence[float], level: float = 0.95
) -> tuple[OperatingPoint, ...]:
    """FNMR at each FMR target (10^-k), with intervals that hold the threshold's own uncertainty."""
    data = comparisons
    curve = Tradeoff.among(data)
    impostors, mated = Pairings.of(data, ~data.mated & ~data.failed), Pairings.of(data, data.mated & ~data.failed)
    points = []
    for target in fmr_targets:
        if not 0 < target < 1:
            raise BadRequest(f"a target false match rate lies between 0 and 1, got {target}")
        t = float(curve.threshold_at(target))
        fmr = impostors.tally(impostors.matches(t)).rate(level)
        fnmr = mated.clustered(mated.trials - mated.matches(t), None, level)
        limits = fmr.interval
        lowest = t if data.censor_point is None else data.censor_point
        highest_fmr = limits.high if data.censor_point is None else min(limits.high, float(curve.fmr(lowest)))
        low, high = (float(x) for x in curve.threshold_at(np.array([highest_fmr, limits.low])))
        miss = fnmr.interval
        down = math.hypot(fnmr.estimate - miss.low, fnmr.estimate - float(curve.fnmr(min(low, t))))
        up = math.hypot(miss.high - fnmr.estimate, float(curve.fnmr(max(high, t))) - fnmr.estimate)
        points.append(
            OperatingPoint(
                target,
                fmr,
                t,
                Interval(min(low, t), max(high, t), level, "Woodruff, limits of the clustered FMR"),
                fnmr,
                Interval(max(fnmr.estimate - down, 0.0), min(fnmr.estimate + up, 1.0), level, "MOVER"),
                len(curve.impostor) >= RULE_OF_THIRTY / target,
            )
        )
    return tuple(points)


def det_band(comparisons: Comparisons, points: int = 60, level: float = 0.95) -> Det:
    """A DET curve with clustered pointwise bounds on both axes."""
    check_level(level)
    data = comparisons
    curve = Tradeoff.among(data).det(points)
    impostors, mated = Pairings.of(data, ~data.mated & ~data.failed), Pairings.of(data, data.mated & ~data.failed)
    fmr = [impostors.tally(impostors.matches(t)).rate(level).interval for t in curve.threshold]
    fnmr = [mated.clustered(mated.trials - mated.matches(t), None, level).interval for t in curve.threshold]
    return replace(
        curve,
        fmr_low=np.array([i.low for i in fmr]),
        fmr_high=np.array([i.high for i in fmr]),
        fnmr_low=np.array([i.low for i in fnmr]),
        fnmr_high=np.array([i.high for i in fnmr]),
        level=level,
    )


@dataclass(frozen=True, slots=True)
class GroupThreshold:
    """What one group would need for the target FMR, and what it gets at the global threshold.

    threshold: NaN where the group has no impostors. enough: whether it has 30 / target of them.
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
    """The threshold that gives each group (impostors of the same group) the target FMR, beside the global one."""
    if not 0 < fmr_target < 1:
        raise BadRequest(f"a target false match rate lies between 0 and 1, got {fmr_target}")
    data = comparisons
    strange = ~data.mated & ~data.failed
    if not strange.any():
        raise BadRequest("there is no non-mated comparison to set a threshold with")
    overall = Tradeoff.of(data.score[strange], [0.0], data.censor_point)
    t = float(overall.threshold_at(fmr_target))
    groups = []
    for g, name in enumerate(data.groups):
        rows = strange & (data.first_group == g) & (data.second_group == g)
        if not rows.any():
            empty = unknown_rate(f"no non-mated comparison within {name}", level)
            groups.append(GroupThreshold(name, math.nan, empty, False))
            continue
        own = Tradeoff.of(data.score[rows], [0.0], data.censor_point)
        table = Pairings.of(data, rows)
        effective = table.tally(table.matches(t)).rate(level)
        reachable = data.censor_point is None or float(own.fmr(data.censor_point)) > fmr_target
        needed = float(own.threshold_at(fmr_target)) if reachable else math.nan
        groups.append(GroupThreshold(name, needed, effective, int(rows.sum()) >= RULE_OF_THIRTY / fmr_target))
    gaps = np.array([abs(g.threshold - t) for g in groups if not math.isnan(g.threshold)])
    largest, mean = (float(gaps.max()), float(gaps.mean())) if len(gaps) else (math.nan, math.nan)
    return ThresholdDisparity(fmr_target, t, tuple(groups), largest, mean)
