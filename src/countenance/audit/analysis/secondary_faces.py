"""Withhold, in the results of face comparisons, what would tell numbers that are withheld already.

A rate is withheld where few people stand behind it: a group's misses, where few of its people have two pictures; the
false matches of two groups, where few of their people were compared. Everybody's rate less the other groups' would tell
it, so more is withheld until nothing does (see `suppression`). What is counted are comparisons.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from countenance.audit.analysis.measurement import Counts, FaceData
from countenance.audit.analysis.secondary import RateCell, RowCells, hidden_blocks
from countenance.audit.analysis.suppression import Mask, Together
from countenance.audit.formats.results import Analysis, Block, FaceResults, GroupResult, withheld
from countenance.audit.labelled.people import Grouping

_FNMR, _FMR, _ANY = "fnmr", "fmr", "fmr_any"
_EVERYBODY = ""


def protect_faces(
    faces: FaceResults, data: FaceData, groupings: Mapping[str, Grouping], threshold: float, small_cell: int
) -> FaceResults:
    """`faces` without what would tell a withheld number. groupings: by analysis, as published, of the people."""
    shares = [s for a in faces.analyses for g in a.groups for s in (g.fnmr, g.fmr, g.fmr_any)]
    shares += [faces.fnmr, faces.fmr, *(cell.fmr for a in faces.analyses for cell in a.cross)]
    if not any(share.method == "withheld" for share in shares):
        return faces
    codes = np.stack([grouping.codes for grouping in groupings.values()], axis=1)[data.present]
    kinds, kind_of = np.unique(codes, axis=0, return_inverse=True)
    everyone = np.full(data.people.count, -1, np.int32)
    everyone[data.present] = kind_of.ravel()
    names = tuple(map(str, range(len(kinds))))
    verification = data.measure(Grouping("kinds", names, everyone), [threshold]).verification(0)
    by_analysis = {name: kinds[:, at].astype(np.int64) for at, name in enumerate(groupings)}
    misses = _counts([(group.fnmr.errors, group.fnmr.trials) for group in verification.groups])
    first, second = (np.array([getattr(cell, side) for cell in verification.cells]) for side in ("first", "second"))
    matches = _counts([(cell.rate.errors, cell.rate.trials) for cell in verification.cells])
    hidden = hidden_blocks(*_misses(faces, by_analysis, misses), small_cell, place=1) | hidden_blocks(
        *_matches(faces, by_analysis, first, second, matches), small_cell, place=1
    )
    return _without(faces, hidden, small_cell)


def _counts(pairs: Sequence[tuple[int, int]]) -> Counts:
    """Errors and what was right, one after the other, (2n,)."""
    return np.array([n for errors, trials in pairs for n in (errors, trials - errors)], np.int64)


def _wrong(count: int) -> Mask:
    return np.asarray(np.arange(2 * count) % 2 == 0)


def _misses(
    faces: FaceResults, groups: Mapping[str, Counts], counts: Counts
) -> tuple[RowCells, list[RateCell], list[Mask]]:
    cells = RowCells({}, counts, {})
    wrong = _wrong(len(counts) // 2)
    rates = [RateCell((_FNMR, _EVERYBODY, ""), faces.fnmr, cells.all, wrong)]
    for analysis in faces.analyses:
        for at, group in enumerate(analysis.groups):
            here = np.repeat(groups[analysis.name] == at, 2)
            rates.append(RateCell((_FNMR, analysis.name, group.group), group.fnmr, here, here & wrong))
    return cells, rates, [cells.all]


def _matches(
    faces: FaceResults, groups: Mapping[str, Counts], first: Counts, second: Counts, counts: Counts
) -> tuple[RowCells, list[RateCell], list[Mask]]:
    cells = RowCells({}, counts, {})
    wrong = _wrong(len(counts) // 2)
    rates = [RateCell((_FMR, _EVERYBODY, "", ""), faces.fmr, cells.all, wrong)]
    for analysis in faces.analyses:
        one, other = groups[analysis.name][first], groups[analysis.name][second]
        names = [group.group for group in analysis.groups]
        for cell in analysis.cross:
            a, b = names.index(cell.first), names.index(cell.second)
            here = np.repeat(((one == a) & (other == b)) | ((one == b) & (other == a)), 2)
            rates.append(RateCell((_FMR, analysis.name, cell.first, cell.second), cell.fmr, here, here & wrong))
        for at, group in enumerate(analysis.groups):
            here = np.repeat(((one == at) & (other >= 0)) | ((other == at) & (one >= 0)), 2)
            rates.append(RateCell((_ANY, analysis.name, group.group), group.fmr_any, here, here & wrong))
    return cells, rates, [cells.all]


def _without(faces: FaceResults, hidden: frozenset[Together], small_cell: int) -> FaceResults:
    none = withheld(small_cell)
    no_misses, no_matches = (_FNMR, _EVERYBODY, "") in hidden, (_FMR, _EVERYBODY, "", "") in hidden
    silent = {
        group.group for group in faces.analyses[0].groups if (_ANY, faces.analyses[0].name, group.group) in hidden
    }
    operating = tuple(
        dataclasses.replace(o, fnmr=none if no_misses else o.fnmr, fmr=none if no_matches else o.fmr)
        for o in faces.operating
    )
    return dataclasses.replace(
        faces,
        fmr=none if no_matches else faces.fmr,
        fnmr=none if no_misses else faces.fnmr,
        eer=None if no_misses or no_matches else faces.eer,
        eer_threshold=None if no_misses or no_matches else faces.eer_threshold,
        operating=operating,
        blocks=_blocks(faces.blocks, no_matches, no_misses),
        analyses=tuple(_analysis(analysis, hidden, small_cell) for analysis in faces.analyses),
        searches=tuple(search for search in faces.searches if search.group not in silent),
    )


def _analysis(analysis: Analysis, hidden: frozenset[Together], small_cell: int) -> Analysis:
    none = withheld(small_cell)
    names = [group.group for group in analysis.groups]
    missed = [(_FNMR, analysis.name, name) in hidden for name in names]
    matched = [(_FMR, analysis.name, cell.first, cell.second) in hidden for cell in analysis.cross]
    within = [(_FMR, analysis.name, name, name) in hidden for name in names]
    sweep = tuple(
        dataclasses.replace(
            point,
            fmr=none if (_FMR, _EVERYBODY, "", "") in hidden else point.fmr,
            cells=tuple(none if gone else share for gone, share in zip(matched, point.cells, strict=True)),
            fnmr=tuple(none if gone else share for gone, share in zip(missed, point.fnmr, strict=True)),
        )
        for point in analysis.sweep
    )
    quiet = {"fnmr": any(missed), "fmr": any(within)}
    return dataclasses.replace(
        analysis,
        groups=tuple(
            _group(group, analysis.name, hidden, small_cell, gone, own)
            for group, gone, own in zip(analysis.groups, missed, within, strict=True)
        ),
        cross=tuple(
            dataclasses.replace(cell, fmr=none, enough=False) if gone else cell
            for cell, gone in zip(analysis.cross, matched, strict=True)
        ),
        sweep=sweep,
        summaries=() if any(quiet.values()) else analysis.summaries,
        worst=tuple(one for one in analysis.worst if not quiet[one.measure]),
    )


def _group(
    group: GroupResult, analysis: str, hidden: frozenset[Together], small_cell: int, missed: bool, within: bool
) -> GroupResult:
    none = withheld(small_cell)
    histogram = group.histogram
    if histogram is not None and (missed or within):
        histogram = dataclasses.replace(
            histogram,
            impostors=() if within else histogram.impostors,
            genuine=() if missed else histogram.genuine,
        )
    return dataclasses.replace(
        group,
        fnmr=none if missed else group.fnmr,
        fmr=none if within else group.fmr,
        fmr_any=none if (_ANY, analysis, group.group) in hidden else group.fmr_any,
        threshold_needed=None if within else group.threshold_needed,
        histogram=histogram,
        blocks=_blocks(group.blocks, within, missed),
    )


def _blocks(blocks: tuple[Block, ...], no_matches: bool, no_misses: bool) -> tuple[Block, ...]:
    return () if no_matches or no_misses else blocks
