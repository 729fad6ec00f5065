"""The whole analysis of face comparisons: one global threshold, every grouping, and what follows for 1:N searches."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from countenance.audit.analysis.disclosure import Cells, LeftOut, all_publishable, blocks_of, left_out
from countenance.audit.analysis.grouped import analyse
from countenance.audit.analysis.measurement import FaceData, Measurement, image_failures
from countenance.audit.analysis.secondary_faces import protect_faces
from countenance.audit.findings.questions import ENOUGH, Analysed
from countenance.audit.formats.plan import GallerySizes, Plan, ThresholdRule
from countenance.audit.formats.results import (
    Analysis,
    Block,
    Data,
    FaceResults,
    GroupResult,
    Operating,
    Protocol,
    SearchResult,
)
from countenance.audit.formats.shares import Bounds, bounds, finite, rate_of, share
from countenance.audit.labelled.people import Grouping, LabelledPeople
from countenance.audit.labelled.tables import Codes
from countenance.errors import BadRequest
from countenance.metrics import Rate, SearchRates, chance_of_any, expected_false_matches, lead, ratio
from countenance.metrics.statistics.intervals import pooled

TARGETS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
SWEEP = tuple(10 ** (-k / 4) for k in range(2, 25))
"""Overall FMRs whose thresholds make up the curves: four to a decade."""


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
        analyse(data, cells, threshold, sweep, target_fmr, plan.small_cell, plan.seed, planned[name])
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
