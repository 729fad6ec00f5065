"""Advice on a threshold from a bundle alone: its curves hold all the counts that are needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from countenance.audit.bundle import Bundle
from countenance.audit.formats.results import Analysis, SweepPoint, rate_of
from countenance.errors import BadRequest
from countenance.metrics import Advice, Cell, GroupErrors, Verification, advise, tally, unknown_rate


@dataclass(frozen=True, slots=True)
class Advised:
    """Advice, with thresholds in the units and direction of the data; NaN where there is none."""

    advice: Advice
    shown: float
    shown_global: float


def advice_of(
    bundle: Bundle, gallery: int, target_fpir: float, analysis: str | None, mix: Mapping[str, float]
) -> Advised:
    """Advise from the curves of `analysis` (None: the first that has any).

    mix: share of each group in the gallery; empty: that of the people in the data. BadRequest: no curves, groups that
    are not there, shares that do not add up to 1.
    """
    faces = bundle.results.faces
    if faces is None:
        raise BadRequest("this bundle is not about face comparisons")
    with_curves = {a.name: a for a in faces.analyses if a.sweep}
    if not with_curves:
        raise BadRequest("no analysis of this bundle has curves: too many groups, or no impostors")
    name = analysis or next(iter(with_curves))
    if name not in with_curves:
        raise BadRequest(f"no curves by {name!r}; there are some by {', '.join(with_curves)}")
    chosen = with_curves[name]
    sign = -1.0 if faces.direction == "distance" else 1.0
    advice = advise(
        [_verification(point, chosen, sign) for point in chosen.sweep], gallery, target_fpir, _shares(chosen, mix)
    )
    return Advised(advice, _shown(advice.threshold, sign), _shown(advice.global_threshold, sign))


def mix_of(texts: Sequence[str]) -> dict[str, float]:
    """Read the shares of groups from texts like 'group=0.3'."""
    mix = {}
    for text in texts:
        group, equals, share = text.rpartition("=")
        try:
            mix[group] = float(share)
        except ValueError as error:
            raise BadRequest(f"a share is group=0.3, got {text!r}") from error
        if not equals or not 0 <= mix[group] <= 1:
            raise BadRequest(f"a share is group=0.3, got {text!r}")
    return mix


def _shown(threshold: float, sign: float) -> float:
    return threshold if math.isnan(threshold) else sign * threshold


def _shares(analysis: Analysis, mix: Mapping[str, float]) -> list[float]:
    names = [group.group for group in analysis.groups]
    if not mix:
        people = [group.people or 0 for group in analysis.groups]
        return [n / sum(people) for n in people]
    unknown = sorted(set(mix) - set(names))
    if unknown:
        raise BadRequest(f"no group {unknown[0]!r}; there are {', '.join(names)}")
    if abs(sum(mix.values()) - 1) > 1e-6:
        raise BadRequest(f"the shares of a gallery add up to 1, got {sum(mix.values()):g}")
    return [mix.get(name, 0.0) for name in names]


def _verification(point: SweepPoint, analysis: Analysis, sign: float) -> Verification:
    size = len(analysis.groups)
    places = [(first, second) for first in range(size) for second in range(first, size)]
    nobody = np.empty(0, np.int64)
    nothing = tally(nobody, nobody, np.empty(0, bool))  # the advisor needs rates only
    cells = tuple(
        Cell(first, second, rate_of(share), nothing) for (first, second), share in zip(places, point.cells, strict=True)
    )
    unknown = unknown_rate("not kept along the curve")
    groups = tuple(
        GroupErrors(
            group.group, group.people or 0, cells[places.index((g, g))].rate, unknown, rate_of(point.fnmr[g]), unknown,
            math.nan, math.nan,
        )
        for g, group in enumerate(analysis.groups)
    )  # fmt: skip
    return Verification(sign * point.threshold, 0.95, groups, cells, rate_of(point.fmr), unknown, ())
