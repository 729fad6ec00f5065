"""The whole analysis of face comparisons: one global threshold, every grouping, and what follows for 1:N searches."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from countenance.audit.analysis.disclosure import Cells, LeftOut, all_publishable, blocks_of, left_out, protect_faces
from countenance.audit.analysis.measurement import FaceData, Measurement, image_failures
from countenance.audit.formats.plan import GallerySizes, Plan, ThresholdRule
from countenance.audit.formats.results import (
    ENOUGH,
    Analysed,
    Analysis,
    Block,
    Bounds,
    CrossResult,
    Data,
    FaceResults,
    GroupResult,
    HistogramResult,
    Operating,
    Protocol,
    SearchResult,
    SpreadResult,
    SummaryFigure,
    SweepPoint,
    Worst,
    bounds,
    finite,
    rate_of,
    share,
    withheld,
)
from countenance.audit.labelled.people import Grouping, LabelledPeople
from countenance.audit.labelled.tables import Codes
from countenance.errors import BadRequest
from countenance.metrics import (
    Extreme,
    Rate,
    SearchRates,
    chance_of_any,
    expected_false_matches,
    lead,
    max_over_geomean,
    max_over_min,
    ratio,
    summarise,
)
from countenance.metrics.statistics.intervals import pooled
from countenance.metrics.verification.verification import Verification

TARGETS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
SWEEP = tuple(10 ** (-k / 4) for k in range(2, 25))
"""Overall FMRs whose thresholds make up the curves: four to a decade."""
REPLICATES = 2_000
ENOUGH_ERRORS = 30
FEW = 8
"""Analyses of more groups are kept at every other threshold of the curves: their cells grow with the square."""
MOST_SWEPT = 16
"""Curves and the threshold advisor are kept for analyses of at most so many groups."""


def without_few(plan: Plan, data: FaceData) -> tuple[FaceData, LeftOut]:
    """The data without people of groups too small to count anywhere: they have no label and are not present."""
    by_name = [data.people.grouping(name) for name in plan.groups.analyses]
    out = left_out(by_name, data.present, plan.small_cell)
    if not len(out.people):
        return data, out
    codes = data.people.codes.copy()
    codes[out.people] = -1
    people = LabelledPeople(data.people.ids, data.people.factors, data.people.labels, codes)
    present = np.setdiff1d(data.present, out.people).astype(np.int32)
    return dataclasses.replace(data, people=people, present=present), out


def _all(people: LabelledPeople, present: Codes) -> Grouping:
    """Everybody who is present in one group."""
    codes = np.full(people.count, -1, np.int32)
    codes[present] = 0
    return Grouping("all", ("all",), codes)


def analyse_faces(
    plan: Plan, data: FaceData, planned: Mapping[str, bool], gone: Mapping[str, frozenset[str]]
) -> FaceResults:
    """Everything about face comparisons that `plan` asks for.

    planned: whether each analysis is as planned. BadRequest: a threshold that cannot be found (no impostors), or that
    lies below the censor point.
    """
    assert plan.threshold is not None
    people = data.people.expecting(plan.groups.expected)
    by_name = [people.grouping(name) for name in plan.groups.analyses]
    groupings = all_publishable(by_name, data.present, plan.small_cell, gone)
    whole = data.measure(_all(people, data.present), ())
    threshold = _threshold(plan.threshold, data, whole)
    if data.censor_point is not None and threshold < data.censor_point:
        raise BadRequest(
            f"the threshold {_shown(threshold, data):g} lies below the lowest score that the system tells, "
            f"{_shown(data.censor_point, data):g}: error rates there are not known"
        )
    targets = _at_targets(TARGETS, data, whole)
    thresholds = sorted({threshold, *targets.values()})
    overall = data.measure(_all(people, data.present), thresholds)
    at = overall.verification(thresholds.index(threshold))
    curve = overall.tradeoff(None)
    target_fmr = plan.threshold.value if plan.threshold.rule == "fmr" else finite(at.fmr.estimate)
    target_fmr = target_fmr or None
    sweep = sorted(set(_at_targets(SWEEP, data, whole).values()))
    analyses = tuple(
        _analysis(data, cells, threshold, sweep, target_fmr, plan.small_cell, plan.seed, planned[name])
        for name, cells in groupings.items()
    )
    eer = None
    if curve is not None:
        try:
            eer = curve.eer()
        except BadRequest:  # it lies below the censor point
            eer = None
    failures = (
        at.groups[0].failures if data.outcomes is None else image_failures(data.outcomes, _all(people, data.present))[0]
    )
    first: Cells = next(iter(groupings.values()))
    digest, blocks = "", tuple[Block, ...]()
    if people.ids is not None:
        everyone = data.present.astype(np.int64)
        genuine = overall.genuine(thresholds.index(threshold), 0)
        digest, blocks = blocks_of(everyone, people.ids, at.cell(0, 0).tally, genuine, plan.small_cell)
    results = FaceResults(
        threshold=_shown(threshold, data),
        direction="distance" if data.negated else "similarity",
        threshold_rule=_rule(plan.threshold),
        censored_below=None if data.censor_point is None else _shown(data.censor_point, data),
        fmr=share(at.fmr),
        fnmr=share(at.fnmr, plan.small_cell),
        failures=share(failures),
        eer=None if eer is None else finite(eer.rate),
        eer_threshold=None if eer is None or not math.isfinite(eer.threshold) else _shown(eer.threshold, data),
        operating=_operating(targets, thresholds, overall, data, plan.small_cell),
        protocols=_protocols(analyses, at.fmr),
        analyses=analyses,
        searches=searches(data, first, analyses[0].groups, plan.gallery, threshold, plan.seed),
        people_digest=digest,
        blocks=blocks,
    )
    published = {name: cells.grouping for name, cells in groupings.items()}
    safe = protect_faces(results, data, published, threshold, plan.small_cell)
    return (
        safe if safe is results else dataclasses.replace(safe, protocols=_protocols(safe.analyses, rate_of(safe.fmr)))
    )


def _threshold(rule: ThresholdRule, data: FaceData, whole: Measurement) -> float:
    if rule.rule == "fixed":
        return -rule.value if data.negated else rule.value
    if rule.population == "all":
        threshold = whole.threshold_at(rule.value, None)
    else:
        factor, _, label = rule.population.partition("=")
        grouping = data.people.grouping(factor)
        if label not in grouping.groups:
            raise BadRequest(f"the threshold's population {rule.population!r} names no group of {factor}")
        threshold = data.measure(grouping, ()).threshold_at(rule.value, grouping.groups.index(label))
    if threshold is None:
        raise BadRequest(
            "there are no comparisons of different people to find the threshold from, or it lies below the lowest "
            "score that the system tells; give a fixed threshold"
        )
    return threshold


def _at_targets(fmrs: Sequence[float], data: FaceData, whole: Measurement) -> dict[float, float]:
    """The threshold for each overall FMR that the scores reach."""
    by_target = {}
    for fmr in fmrs:
        threshold = whole.threshold_at(fmr, None)
        if threshold is not None and (data.censor_point is None or threshold >= data.censor_point):
            by_target[fmr] = threshold
    return by_target


def _operating(
    targets: Mapping[float, float], thresholds: Sequence[float], overall: Measurement, data: FaceData, small_cell: int
) -> tuple[Operating, ...]:
    lines = []
    for target, threshold in targets.items():
        verification = overall.verification(thresholds.index(threshold))
        if verification.fmr.trials * target < 1:
            continue
        lines.append(
            Operating(
                target,
                _shown(threshold, data),
                share(verification.fmr),
                share(verification.fnmr, small_cell),
                verification.fmr.trials * target >= 30,
            )
        )
    return tuple(lines)


def _protocols(analyses: Sequence[Analysis], everybody_rate: Rate) -> tuple[Protocol, ...]:
    """FMR among impostors who agree in the labels of an analysis, over FMR of all impostors.

    The interval of the ratio treats the two rates as independent. They share comparisons, so it is slightly too wide.
    """
    if not everybody_rate.known:
        return ()
    lines = [Protocol("all impostors", share(everybody_rate), 1.0, Bounds(1.0, 1.0, everybody_rate.level))]
    for analysis in analyses:
        rate = pooled([rate_of(group.fmr) for group in analysis.groups])
        if rate.known:
            over = ratio(rate, everybody_rate)
            lines.append(Protocol(f"same {analysis.name}", share(rate), finite(over.estimate), bounds(over.at(0.95))))
    return tuple(lines)


def _rule(rule: ThresholdRule) -> str:
    if rule.rule == "fixed":
        return f"fixed at {rule.value:g}"
    who = "all comparisons of different people" if rule.population == "all" else f"those within {rule.population}"
    return f"the lowest threshold with FMR at most {rule.value:g} over {who}"


def _shown(score: float, data: FaceData) -> float:
    return -score if data.negated else score


def searches(
    data: FaceData, cells: Cells, groups: Sequence[GroupResult], gallery: GallerySizes, threshold: float, seed: int
) -> tuple[SearchResult, ...]:
    """What to expect of searches, for each gallery size and probe group: by formula, and measured where possible.

    The formula uses the FMR of the group against everybody, so it assumes a gallery with the same mixture of groups as
    the data. Groups without a known FMR are left out.
    """
    sizes = sorted({*gallery.sizes, *_measurable(len(data.present))})
    measured = data.search(cells.grouping, sizes, threshold, seed)
    by_size: dict[int, SearchRates] = {} if measured is None else {rates.gallery: rates for rates in measured.rates}
    lines = []
    for size in sizes:
        for g, group in enumerate(groups):
            fmr = group.fmr_any
            if fmr.estimate is None or fmr.high is None:
                continue
            of_size = by_size.get(size)
            right = None
            if gallery.prior is not None and group.fnmr.estimate is not None:
                right = lead(gallery.prior, rate_of(fmr), group.fnmr.estimate, size).right
            lines.append(
                SearchResult(
                    gallery=size,
                    group=group.group,
                    expected_false=expected_false_matches([fmr.estimate], [size]),
                    chance_any=chance_of_any([fmr.estimate], [size]),
                    chance_high=chance_of_any([fmr.high], [size]),
                    lead_right=right,
                    measured=None if of_size is None else share(of_size.fpir_by_group[g]),
                    missed=None if of_size is None else share(of_size.fnir_by_group[g]),
                    expected_low=expected_false_matches([fmr.low or 0.0], [size]),
                    expected_high=expected_false_matches([fmr.high], [size]),
                    enough=(fmr.errors or 0) >= ENOUGH,
                )
            )
    return tuple(lines)


def _measurable(people: int) -> list[int]:
    """Gallery sizes that the people at hand allow: half of them at most, in steps of about three."""
    sizes = [size for k in range(2, 7) for size in (10**k, 3 * 10**k)]
    return [size for size in sizes if size <= people // 2][-4:]


def _analysis(
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
        reversed_scores = impostors[::-1], mates[::-1]
        impostors, mates = reversed_scores if data.negated else (impostors, mates)
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


@dataclass(frozen=True, slots=True, eq=False)
class FaceAudit:
    """Face comparisons."""

    data: FaceData

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is."""
        data = self.data
        named = len(data.present) if data.people.ids is not None else 0
        return Data(named, data.rows, data.unit, data.comparisons, dict(inputs))

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """The part of the results that `plan` asks for."""
        kept, out = without_few(plan, self.data)
        faces = analyse_faces(plan, kept, planned, out.groups)
        return Analysed(faces=faces, left_out=(len(out.people), 0))
