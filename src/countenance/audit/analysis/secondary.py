"""Withhold, in results of classifiers, risk scores and presentations, what would tell numbers that are withheld."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.suppression import FIXED, Mask, PublishedSum, Together, complementary
from countenance.audit.formats.results import (
    Bounds,
    CalibrationLine,
    OutcomeAnalysis,
    OutcomeGroup,
    OutcomeResults,
    PresentationAnalysis,
    PresentationGroup,
    PresentationResults,
    RiskAnalysis,
    RiskGroup,
    RiskResults,
    Share,
    withheld,
)
from countenance.audit.labelled.people import Grouping

_NONE = Bounds(None, None, 0.95)


@dataclass(frozen=True, slots=True, eq=False)
class RateCell:
    """A rate. block: what it is withheld with. trials, errors: (n,), the cells that it counts."""

    block: Together
    share: Share
    trials: Mask
    errors: Mask


@dataclass(frozen=True, slots=True, eq=False)
class RowCells:
    """Rows by what they have in common. kinds: by column, (n,). counts: (n,). groups: by analysis, (n,)."""

    kinds: Mapping[str, NDArray[np.int64]]
    counts: NDArray[np.int64]
    groups: Mapping[str, NDArray[np.int64]]

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[np.int64]], groupings: Mapping[str, NDArray[np.int64]]) -> RowCells:
        """Cells of rows: columns and groupings (by analysis), each (rows,).

        Every combination of groups that occurs is crossed with every combination of columns that occurs: more than a
        reader knows, so whoever is hidden among these cells is hidden from a reader.
        """
        whose, group = np.unique(np.stack(list(groupings.values()), axis=1), axis=0, return_inverse=True)
        what, kind = np.unique(np.stack(list(columns.values()), axis=1), axis=0, return_inverse=True)
        counts = np.bincount(group.ravel() * len(what) + kind.ravel(), minlength=len(whose) * len(what))
        return cls(
            {name: np.tile(what[:, at], len(whose)) for at, name in enumerate(columns)},
            counts.astype(np.int64),
            {name: np.repeat(whose[:, at], len(what)) for at, name in enumerate(groupings)},
        )

    @property
    def all(self) -> Mask:
        """Every cell."""
        return np.ones(len(self.counts), bool)


def _with_raw(
    published: Mapping[str, NDArray[np.int64]], raw: Mapping[str, NDArray[np.int64]]
) -> dict[str, NDArray[np.int64]]:
    """Groupings as they are published and, under other names, as the labels have them."""
    return {**published, **{f"{_RAW}{name}": codes for name, codes in raw.items()}}


_RAW = "as labelled: "


def _small(cells: RowCells, small_cell: int) -> list[Mask]:
    """The groups, as the labels have them, that are too small to be published."""
    small = []
    for name, codes in cells.groups.items():
        if name.startswith(_RAW):
            small += [codes == at for at in np.unique(codes[codes >= 0])]
    return [mask for mask in small if 0 < cells.counts[mask].sum() < small_cell]


def hidden_blocks(
    cells: RowCells, rates: Sequence[RateCell], totals: Sequence[Mask], small_cell: int, place: int = 0
) -> frozenset[Together]:
    """The blocks to withhold. A rate that is withheld is a target; whatever shares its block is not published.

    place: where a block names its analysis.
    """
    closed = {cell.block for cell in rates if cell.share.method == "withheld"}
    targets = [cell.trials for cell in rates if cell.share.method == "withheld"] + _small(cells, small_cell)
    if not targets:
        return frozenset()

    def published(also: frozenset[Together]) -> list[PublishedSum]:
        sums = [PublishedSum(FIXED, total) for total in totals]
        for cell in rates:
            if cell.block not in closed and cell.block not in also:
                sums += [PublishedSum(cell.block, cell.trials), PublishedSum(cell.block, cell.errors)]
        return sums

    return frozenset(closed) | complementary(published, cells.counts, targets, small_cell, place)


def protect_risks(
    risks: RiskResults, groupings: Mapping[str, Grouping], raw: Mapping[str, Grouping], scores: NDArray[np.float64],
    happened: NDArray[np.bool_], small_cell: int,
) -> RiskResults:  # fmt: skip
    """`risks` without what would tell a withheld number. groupings: by analysis, as published, of the rows (one
    per person). raw: the same as the labels have them."""
    bins = sorted({(line.low, line.high) for analysis in risks.analyses for line in analysis.calibration})
    last = [max(b for b in bins if any((c.low, c.high) == b for c in a.calibration)) for a in risks.analyses if bins]
    columns = {
        f"{low!r}-{high!r}": np.asarray((scores >= low) & ((scores < high) | ((low, high) in last) & (scores <= high)))
        for low, high in bins
    }
    cells = RowCells.of(
        {"high": (scores >= risks.cutoff).astype(np.int64), "happened": happened.astype(np.int64)}
        | {name: inside.astype(np.int64) for name, inside in columns.items()},
        _with_raw(*({n: g.codes.astype(np.int64) for n, g in each.items()} for each in (groupings, raw))),
    )
    rates = list(_risk_rates(risks.everybody, ("", "everybody", "rates"), cells, cells.all))
    totals = [cells.all]
    for analysis in risks.analyses:
        lines_of: dict[str, list[CalibrationLine]] = {}
        for line in analysis.calibration:
            lines_of.setdefault(line.group, []).append(line)
        for at, group in enumerate(analysis.groups):
            here = cells.groups[analysis.name] == at
            if not here.any():
                continue  # sums of nobody tell nothing
            totals.append(here)
            rates += _risk_rates(group, (analysis.name, group.group, "rates"), cells, here)
            rates += [
                RateCell(
                    (analysis.name, group.group, f"{line.low!r}-{line.high!r}"),
                    line.observed,
                    inside := here & (cells.kinds[f"{line.low!r}-{line.high!r}"] == 1),
                    inside & (cells.kinds["happened"] == 1),
                )
                for line in lines_of.get(group.group, ())
            ]
    hidden = hidden_blocks(cells, rates, totals, small_cell)
    return dataclasses.replace(
        risks,
        everybody=_risk_group(risks.everybody, ("", "everybody", "rates"), hidden, small_cell),
        analyses=tuple(_risk_analysis(analysis, hidden, small_cell) for analysis in risks.analyses),
    )


def _risk_rates(group: RiskGroup, block: Together, cells: RowCells, here: Mask) -> Iterator[RateCell]:
    high, yes = cells.kinds["high"] == 1, cells.kinds["happened"] == 1
    for share, trials, errors in (
        (group.fpr, ~yes, high),
        (group.fnr, yes, ~high),
        (group.ppv, high, yes),
        (group.npv, ~high, ~yes),
        (group.selected, here, high),
        (group.prevalence, here, yes),
    ):
        yield RateCell(block, share, here & trials, here & trials & errors)


def _risk_group(group: RiskGroup, block: Together, hidden: frozenset[Together], small_cell: int) -> RiskGroup:
    if block not in hidden:
        return group
    none = withheld(small_cell)
    return RiskGroup(group.group, group.rows, none, none, none, none, none, none, None, _NONE, None)


def _risk_analysis(analysis: RiskAnalysis, hidden: frozenset[Together], small_cell: int) -> RiskAnalysis:
    groups = tuple(_risk_group(g, (analysis.name, g.group, "rates"), hidden, small_cell) for g in analysis.groups)
    silent = {group.group for group in analysis.groups if (analysis.name, group.group, "rates") in hidden}
    lines = tuple(
        dataclasses.replace(line, observed=withheld(small_cell))
        if (analysis.name, line.group, f"{line.low!r}-{line.high!r}") in hidden
        else line
        for line in analysis.calibration
    )
    thin = {line.group for line in lines if line.observed.method == "withheld"}
    return dataclasses.replace(
        analysis,
        groups=tuple(dataclasses.replace(g, auc=None, auc_bounds=_NONE) if g.group in thin else g for g in groups),
        calibration=lines,
        four_fifths=tuple(line for line in analysis.four_fifths if line.group not in silent),
    )


def protect_outcomes(
    outcomes: OutcomeResults, groupings: Mapping[str, Grouping], raw: Mapping[str, Grouping],
    subjects: NDArray[np.int32],
    truth: NDArray[np.str_], predicted: NDArray[np.str_], no_answer: str, small_cell: int,
) -> OutcomeResults:  # fmt: skip
    """`outcomes` without what would tell a withheld number. groupings: by analysis, as published; raw: as
    the labels have them. subjects, truth, predicted: (rows,).
    """
    names, coded = np.unique(np.concatenate([truth, predicted]), return_inverse=True)
    cells = RowCells.of(
        {"truth": coded[: len(truth)].astype(np.int64), "predicted": coded[len(truth) :].astype(np.int64)},
        _with_raw(*({n: g.codes[subjects].astype(np.int64) for n, g in each.items()} for each in (groupings, raw))),
    )
    place = {str(name): at for at, name in enumerate(names)}
    rates = list(_class_rates(outcomes.everybody, ("", "everybody"), cells, cells.all, place))
    totals, wrong = [cells.all], cells.kinds["truth"] != cells.kinds["predicted"]
    quiet = cells.kinds["predicted"] == place.get(no_answer, -1)
    for analysis in outcomes.analyses:
        for at, group in enumerate(analysis.groups):
            here = cells.groups[analysis.name] == at
            totals.append(here)
            block = (analysis.name, group.group, "errors")
            rates += [
                RateCell(block, group.error, here, here & wrong),
                RateCell(block, group.no_answer, here, here & quiet),
            ]
            rates += _class_rates(group, (analysis.name, group.group), cells, here, place)
    hidden = hidden_blocks(cells, rates, [*totals, wrong, quiet], small_cell)
    return OutcomeResults(
        _without_classes(outcomes.everybody, ("", "everybody"), hidden, small_cell),
        tuple(_outcome_analysis(analysis, hidden, small_cell) for analysis in outcomes.analyses),
    )


def _class_rates(
    group: OutcomeGroup, block: Together, cells: RowCells, here: Mask, place: Mapping[str, int]
) -> Iterator[RateCell]:
    for line in group.classes:
        true, predicted = (cells.kinds[kind] == place[line.label] for kind in ("truth", "predicted"))
        if line.ppv.known:  # how many were called so is a count of errors, and those are published
            yield RateCell(block, line.ppv, here & predicted, here & predicted & true)
        for share, trials, errors in ((line.tpr, true, predicted), (line.fpr, ~true, predicted)):
            yield RateCell(block, share, here & trials, here & trials & errors)


def _outcome_analysis(analysis: OutcomeAnalysis, hidden: frozenset[Together], small_cell: int) -> OutcomeAnalysis:
    groups = tuple(_without_classes(g, (analysis.name, g.group), hidden, small_cell) for g in analysis.groups)
    return dataclasses.replace(analysis, groups=groups)


def _without_classes(
    group: OutcomeGroup, block: Together, hidden: frozenset[Together], small_cell: int
) -> OutcomeGroup:
    none = withheld(small_cell)
    if (*block, "errors") in hidden:
        group = dataclasses.replace(group, error=none, no_answer=none)
    if block not in hidden:
        return group
    classes = tuple(dataclasses.replace(line, ppv=none, tpr=none, fpr=none) for line in group.classes)
    return dataclasses.replace(group, classes=classes)


def protect_presentations(
    results: PresentationResults, groupings: Mapping[str, Grouping], raw: Mapping[str, Grouping],
    subjects: NDArray[np.int32], kinds: NDArray[np.str_], decisions: NDArray[np.int8], small_cell: int,
) -> PresentationResults:  # fmt: skip
    """`found` without what would tell a withheld number. groupings: by analysis, as published; raw: as the labels
    have them. subjects, kinds (species, "" for bona fide), said (-1: no response): (rows,).
    """
    names, kind = np.unique(kinds, return_inverse=True)
    cells = RowCells.of(
        {"kind": kind.ravel().astype(np.int64), "said": decisions.astype(np.int64)},
        _with_raw(*({n: g.codes[subjects].astype(np.int64) for n, g in each.items()} for each in (groupings, raw))),
    )
    place = {str(name): at for at, name in enumerate(names)}
    rates = list(_presentation_rates(results.everybody, "", cells, cells.all, place))
    totals = [cells.all, cells.kinds["said"] == -1]
    for analysis in results.analyses:
        for at, group in enumerate(analysis.groups):
            here = cells.groups[analysis.name] == at
            totals.append(here)
            rates += _presentation_rates(group, analysis.name, cells, here, place)
    hidden = hidden_blocks(cells, rates, totals, small_cell)
    return dataclasses.replace(
        results,
        everybody=_without_presentations(results.everybody, "", hidden, small_cell),
        analyses=tuple(_presentation_analysis(analysis, hidden, small_cell) for analysis in results.analyses),
    )


def _presentation_rates(
    group: PresentationGroup, analysis: str, cells: RowCells, here: Mask, place: Mapping[str, int]
) -> Iterator[RateCell]:
    decisions = cells.kinds["said"]
    lines = [("", group.bpcer, group.bpnrr, 1), *((x.species, x.apcer, x.apnrr, 0) for x in group.species)]
    for species, wrong, silent, error in lines:
        mine = here & (cells.kinds["kind"] == place.get(species, -1))
        block = (analysis, group.group, species)
        yield RateCell(block, wrong, mine & (decisions != -1), mine & (decisions == error))
        yield RateCell(block, silent, mine, mine & (decisions == -1))


def _presentation_analysis(
    analysis: PresentationAnalysis, hidden: frozenset[Together], small_cell: int
) -> PresentationAnalysis:
    groups = tuple(_without_presentations(g, analysis.name, hidden, small_cell) for g in analysis.groups)
    return dataclasses.replace(analysis, groups=groups)


def _without_presentations(
    group: PresentationGroup, analysis: str, hidden: frozenset[Together], small_cell: int
) -> PresentationGroup:
    none = withheld(small_cell)
    if (analysis, group.group, "") in hidden:
        group = dataclasses.replace(group, bpcer=none, bpnrr=none)
    species = tuple(
        dataclasses.replace(line, apcer=none, apnrr=none, series=None)
        if (analysis, group.group, line.species) in hidden
        else line
        for line in group.species
    )
    return dataclasses.replace(group, species=species)
