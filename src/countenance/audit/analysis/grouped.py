"""Face comparisons by one way to tell groups apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from countenance.audit.analysis.disclosure import Cells, blocks_of
from countenance.audit.analysis.measurement import FaceData, Measurement, image_failures
from countenance.audit.formats.results import (
    Analysis,
    Block,
    CrossResult,
    GroupResult,
    HistogramResult,
    SpreadResult,
    SummaryFigure,
    SweepPoint,
    Worst,
)
from countenance.audit.formats.shares import bounds, finite, share, withheld
from countenance.metrics import Extreme, Rate, max_over_geomean, max_over_min, summarise
from countenance.metrics.verification.verification import Verification

REPLICATES = 2_000
ENOUGH_ERRORS = 30
FEW = 8
"""Analyses of more groups are kept at every other threshold of the curves: their cells grow with the square."""
MOST_SWEPT = 16
"""Curves and the threshold advisor are kept for analyses of at most so many groups."""


def analyse(
    data: FaceData,
    cells: Cells,
    threshold: float,
    sweep: Sequence[float],
    target_fmr: float | None,
    small_cell: int,
    seed: int,
    planned: bool,
) -> Analysis:
    """All figures of one grouping at the global threshold (larger is more alike).

    sweep: thresholds of the curves. target_fmr: the overall FMR that each group's own threshold is told for.
    """
    grouping = cells.grouping
    swept = () if len(grouping.groups) > MOST_SWEPT else sweep[::2] if len(grouping.groups) > FEW else sweep
    thresholds = sorted({threshold, *swept})
    measurement = data.measure(grouping, thresholds)
    at = thresholds.index(threshold)
    verification = measurement.verification(at)
    points = [_point(measurement.verification(i), data, small_cell) for i in range(len(thresholds)) if swept]
    fmr = [verification.cell(g, g).rate for g in range(len(grouping.groups))]
    fnmr = [group.fnmr for group in verification.groups]
    return Analysis(
        name=grouping.name,
        groups=_groups(data, cells, measurement, verification, at, target_fmr, small_cell),
        cross=_cross(verification, small_cell),
        sweep=tuple(points),
        summaries=_summaries(fmr, fnmr),
        worst=(*_worst("fmr", grouping.groups, fmr, seed), *_worst("fnmr", grouping.groups, fnmr, seed)),
        empty=cells.empty,
        merged=cells.merged,
        unlabelled=cells.unlabelled,
        planned=planned,
    )


def _groups(
    data: FaceData,
    cells: Cells,
    measurement: Measurement,
    verification: Verification,
    at: int,
    target_fmr: float | None,
    small_cell: int,
) -> tuple[GroupResult, ...]:
    low, high = measurement.limits()
    failures = None if data.outcomes is None else image_failures(data.outcomes, cells.grouping)
    members = cells.grouping.codes[data.present]
    results = []
    for g, group in enumerate(verification.groups):
        cell = verification.cell(g, g)
        genuine = measurement.genuine(at, g)
        digest, blocks = "", tuple[Block, ...]()
        if data.people.ids is not None and cells.people[g]:
            rows = data.present[members == g].astype(np.int64)
            digest, blocks = blocks_of(rows, data.people.ids, cell.tally, genuine, small_cell)
        impostors, mates = measurement.histogram(g, low, high)
        mated_people = len(genuine[0]) if data.people.ids is not None else sum(mates)
        needed = None if target_fmr is None or not cell.rate.trials else measurement.threshold_at(target_fmr, g)
        ends = (-high, -low) if data.negated else (low, high)
        shown = impostors[::-1], mates[::-1]
        impostors, mates = shown if data.negated else (impostors, mates)
        results.append(
            GroupResult(
                group=group.group,
                people=cells.people[g],
                fmr=share(cell.rate, small_cell),
                fmr_any=share(group.fmr_any, small_cell),
                fnmr=withheld(small_cell) if 0 < mated_people < small_cell else share(group.fnmr, small_cell),
                failures=share(group.failures if failures is None else failures[g], small_cell),
                threshold_needed=None if needed is None else (-needed if data.negated else needed),
                quality=_quality(data, cells, g),
                histogram=None
                if not cells.people[g]
                else HistogramResult(
                    *ends,
                    tuple(int(n) for n in impostors),
                    tuple(int(n) for n in mates) if mated_people >= small_cell else (),
                ),
                people_digest=digest,
                blocks=blocks,
            )
        )
    return tuple(results)


def _quality(data: FaceData, cells: Cells, group: int) -> tuple[SpreadResult, ...]:
    if data.outcomes is None:
        return ()
    here = cells.grouping.codes[data.outcomes.subjects] == group
    spreads = []
    for name, values in sorted(data.outcomes.quality.items()):
        known = values[here & np.isfinite(values)]
        if len(known):
            deciles = np.quantile(known, np.arange(1, 10) / 10)
            spreads.append(SpreadResult(name, len(known), float(known.mean()), tuple(float(d) for d in deciles)))
    return tuple(spreads)


def _cross(verification: Verification, small_cell: int) -> tuple[CrossResult, ...]:
    names = [group.group for group in verification.groups]
    return tuple(
        CrossResult(
            names[cell.first], names[cell.second], share(cell.rate, small_cell), cell.rate.errors >= ENOUGH_ERRORS
        )
        for cell in verification.cells
    )


def _point(verification: Verification, data: FaceData, small_cell: int) -> SweepPoint:
    threshold = -verification.threshold if data.negated else verification.threshold
    return SweepPoint(
        threshold,
        share(verification.fmr, small_cell),
        tuple(share(cell.rate, small_cell) for cell in verification.cells),
        tuple(share(group.fnmr, small_cell) for group in verification.groups),
    )


def _summaries(fmr: Sequence[Rate], fnmr: Sequence[Rate]) -> tuple[SummaryFigure, ...]:
    mated = fnmr if any(rate.known for rate in fnmr) else ()
    figures = summarise(fmr, mated).all()
    return tuple(
        SummaryFigure(
            f.name,
            finite(f.value),
            f.fair,
            f.larger_is_fairer,
            f.reason or f.zeros,
            None if f.interval is None else bounds(f.interval),
        )
        for f in figures
    )


def _worst(measure: str, groups: Sequence[str], rates: Sequence[Rate], seed: int) -> tuple[Worst, ...]:
    known = [at for at, rate in enumerate(rates) if rate.known]
    if len(known) < 2:
        return ()
    chosen = [rates[at] for at in known]
    contrasts = {
        "max/min": max_over_min(chosen, REPLICATES, seed),
        "max/geometric mean": max_over_geomean(chosen, REPLICATES, seed),
    }
    return tuple(_contrast(measure, name, [groups[at] for at in known], extreme) for name, extreme in contrasts.items())


def _contrast(measure: str, name: str, groups: Sequence[str], extreme: Extreme) -> Worst:
    return Worst(
        measure,
        name,
        groups[extreme.worst],
        groups[extreme.best],
        finite(extreme.ratio),
        bounds(extreme.interval),
        finite(extreme.expected_if_equal),
        finite(extreme.p_value),
        extreme.reason,
    )
