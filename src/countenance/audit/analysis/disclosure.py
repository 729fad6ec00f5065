"""What may be published: small groups are merged, and rates with too few people behind them are withheld.

Everybody's rate less the other groups' would tell a withheld one, so more is withheld until nothing does (see
`suppression`): of face comparisons here (`protect_faces`), of other results in `secondary`.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.measurement import Counts, FaceData
from countenance.audit.analysis.secondary import RateCell, RowCells, hidden_blocks
from countenance.audit.analysis.suppression import FIXED, Mask, PublishedSum, Together, complementary
from countenance.audit.formats.results import (
    FEWEST_BLOCKS,
    Analysis,
    Block,
    FaceResults,
    GroupResult,
    OutcomeBlock,
    withheld,
)
from countenance.audit.labelled.people import Grouping
from countenance.audit.labelled.tables import Codes
from countenance.metrics import Tally


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A grouping that can be published.

    grouping: groups under the bound are merged into one, or, where even that is under the bound, left out (code -1).
    people: how many of the people in the data belong to each group. empty: groups that nobody belongs to (they stay in
    the grouping). merged: names of the groups under the bound. unlabelled: people without a label.
    """

    grouping: Grouping
    people: tuple[int, ...]
    empty: tuple[str, ...]
    merged: tuple[str, ...]
    unlabelled: int


def rest_of(small_cell: int) -> str:
    """The name of the group that small groups are merged into."""
    return f"other groups of fewer than {small_cell} people"


def publishable(
    grouping: Grouping, present: Codes, small_cell: int, also: Collection[str] = (), gone: Collection[str] = ()
) -> Cells:
    """Coarsen `grouping` so that every group has no people, or at least `small_cell` of them.

    present: (m,), rows of the people that the data is about, each once. also: groups that are merged with the small
    ones although they are not small. gone: groups whose people were left out before, see `left_out`.
    """
    here = grouping.codes[present]
    counts = np.bincount(here[here >= 0], minlength=len(grouping.groups))
    names = np.array(grouping.groups)
    small = ((counts > 0) & (counts < small_cell)) | np.isin(names, list(gone))
    if not small.any():
        empty = tuple(g for g, n in zip(grouping.groups, counts, strict=True) if not n)
        return Cells(grouping, tuple(int(n) for n in counts), empty, (), int((here < 0).sum()))
    small |= (counts > 0) & np.isin(names, list(also))
    together = int(counts[small].sum())
    rest = rest_of(small_cell)
    large = [at for at in range(len(counts)) if not small[at]]
    groups = [grouping.groups[at] for at in large]
    place = np.full(len(counts) + 1, -1, np.int32)
    place[large] = np.arange(len(large), dtype=np.int32)
    people = [int(counts[at]) for at in large]
    if together >= small_cell:
        place[:-1][small] = len(groups)
        groups.append(rest)
        people.append(together)
    coarse = Grouping(grouping.name, tuple(groups), place[grouping.codes])
    return Cells(
        coarse,
        tuple(people),
        tuple(g for g, n in zip(groups, people, strict=True) if not n),
        tuple(g for g, is_small in zip(grouping.groups, small, strict=True) if is_small),
        int((here < 0).sum()),
    )


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """People who count nowhere. people: rows, each once. groups: those they were in, by grouping."""

    people: Codes
    groups: Mapping[str, frozenset[str]]


def left_out(groupings: Sequence[Grouping], present: Codes, small_cell: int) -> LeftOut:
    """People of groups so small that even together they may not be published.

    They must count in no number at all, not even in everybody's: everybody less all groups would tell them.
    """
    out = np.empty(0, np.int32)
    gone: dict[str, frozenset[str]] = {grouping.name: frozenset() for grouping in groupings}
    hidden = True
    while hidden:
        hidden = False
        for grouping in groupings:
            here = np.setdiff1d(present, out)
            codes = grouping.codes[here]
            counts = np.bincount(codes[codes >= 0], minlength=len(grouping.groups))
            small = (counts > 0) & (counts < small_cell)
            if small.any() and counts[small].sum() < small_cell and (counts >= small_cell).any():
                gone[grouping.name] |= {grouping.groups[at] for at in np.flatnonzero(small)}
                out = np.union1d(out, here[(codes >= 0) & small[codes]])
                hidden = True
    return LeftOut(out.astype(np.int32), gone)


def all_publishable(
    groupings: Sequence[Grouping], present: Codes, small_cell: int, gone: Mapping[str, frozenset[str]]
) -> dict[str, Cells]:
    """Every grouping of the same people, coarsened so that none tells the small groups of another, by name.

    Of "Asian", "Asian · male" and a few left out, the few follow; so "Asian · male" is merged with them.
    """
    if not groupings:
        return {}
    codes = np.stack([grouping.codes[present] for grouping in groupings], axis=1)
    kinds, counts = np.unique(codes, axis=0, return_counts=True)
    plain = [publishable(grouping, present, small_cell, gone=gone[grouping.name]) for grouping in groupings]
    targets = []
    for at, grouping in enumerate(groupings):
        people = np.bincount(kinds[kinds[:, at] >= 0, at], counts[kinds[:, at] >= 0], len(grouping.groups))
        targets += [kinds[:, at] == g for g in np.flatnonzero((people > 0) & (people < small_cell))]
    if not targets:
        return {grouping.name: cells for grouping, cells in zip(groupings, plain, strict=True)}

    def also(merged: frozenset[Together], name: str) -> frozenset[str]:
        return frozenset(group for analysis, group in merged if analysis == name)

    columns = np.ascontiguousarray(kinds.T)
    places = [{group: g for g, group in enumerate(grouping.groups)} for grouping in groupings]
    masks = [{g: columns[at] == g for g in np.unique(columns[at]).tolist()} for at in range(len(groupings))]
    none = np.zeros(len(kinds), bool)

    @cache
    def told(at: int, merged: frozenset[str]) -> list[PublishedSum]:
        """What one grouping publishes; most of them stay as they are from one program to the next."""
        grouping = groupings[at]
        cells = publishable(grouping, present, small_cell, merged, gone[grouping.name])
        left, published = set(cells.merged), set(cells.grouping.groups)
        hidden = np.isin(columns[at], [places[at][group] for group in cells.merged])
        return [
            PublishedSum(FIXED, masks[at].get(-1, none)),
            PublishedSum(FIXED, hidden),
            *(
                PublishedSum(
                    (grouping.name, group) if left and group in published else FIXED,
                    masks[at][g],
                )
                for g, group in enumerate(grouping.groups)
                if group not in left and g in masks[at]  # a sum of nobody tells nothing
            ),
        ]

    def published(merged: frozenset[Together]) -> list[PublishedSum]:
        sums = [PublishedSum(FIXED, np.ones(len(kinds), bool))]
        for at, grouping in enumerate(groupings):
            sums += told(at, also(merged, grouping.name))
        return sums

    merged = complementary(published, counts.astype(np.int64), targets, small_cell)
    return {g.name: publishable(g, present, small_cell, also(merged, g.name), gone[g.name]) for g in groupings}


MOST_BLOCKS = 40


def blocks_of(
    rows: NDArray[np.int64], ids: Sequence[str], tally: Tally, genuine: tuple[Counts, Counts, Counts], small_cell: int
) -> tuple[str, tuple[Block, ...]]:
    """The digest of a group's people and their counts by block.

    rows: (n,), rows of the group's people. ids: of all people. tally: false matches within the group. genuine: people,
    misses, trials; fewer people than `small_cell` are left out. No blocks where there would be fewer than
    `FEWEST_BLOCKS`.
    """
    hashes = [hashlib.sha256(ids[row].encode()).hexdigest() for row in rows]
    order = np.argsort(np.array(hashes), kind="stable")
    digest = hashlib.sha256("".join(hashes[at] for at in order).encode()).hexdigest()
    count = min(MOST_BLOCKS, len(rows) // small_cell)
    if count < FEWEST_BLOCKS:
        return digest, ()
    block_of = np.full(len(ids), -1, np.int64)
    block_of[rows[order]] = np.arange(len(rows)) * count // len(rows)

    def total(people: Counts, counts: Counts) -> Counts:
        block = block_of[people]
        return np.bincount(block[block >= 0], counts[block >= 0], count).astype(np.int64)

    who, misses, trials = genuine if len(genuine[0]) >= small_cell else (np.empty(0, np.int64),) * 3
    columns = [
        total(tally.people, tally.errors),
        total(tally.people, tally.trials),
        total(who, misses),
        total(who, trials),
    ]
    return digest, tuple(Block(*(int(column[at]) for column in columns)) for at in range(count))


def joint_blocks(
    published: Mapping[str, Grouping], ids: Sequence[str], subjects: Codes, wrong: NDArray[np.bool_], small_cell: int
) -> tuple[str, tuple[OutcomeBlock, ...]]:
    """The digest of the people in rows, and errors by blocks of them that lie in one group of every grouping each.

    subjects: (rows,), row of `ids`. wrong: (rows,). Every group is a whole number of blocks, so that blocks tell
    nothing about fewer than `small_cell` people; where people alike in every group are fewer, there are no blocks.
    """
    rows, row_of = np.unique(subjects, return_inverse=True)
    hashes = np.array([hashlib.sha256(ids[row].encode()).hexdigest() for row in rows])
    order = np.argsort(hashes, kind="stable")
    digest = hashlib.sha256("".join(hashes[order]).encode()).hexdigest()
    kinds, kind = np.unique(np.stack([g.codes[rows] for g in published.values()]), axis=1, return_inverse=True)
    block_of, owners = np.empty(len(rows), np.int64), list[tuple[str, ...]]()
    for at in range(kinds.shape[1]):
        members = order[kind.ravel()[order] == at]
        if len(members) < small_cell:
            return digest, ()
        count = min(MOST_BLOCKS, len(members) // small_cell)
        block_of[members] = len(owners) + np.arange(len(members)) * count // len(members)
        names = ("" if code < 0 else g.groups[code] for g, code in zip(published.values(), kinds[:, at], strict=True))
        owners += [tuple(names)] * count
    block = block_of[row_of.ravel()]
    errors, trials = np.bincount(block[wrong], minlength=len(owners)), np.bincount(block, minlength=len(owners))
    return digest, tuple(OutcomeBlock(o, int(e), int(t)) for o, e, t in zip(owners, errors, trials, strict=True))


_FNMR, _FMR, _ANY = "fnmr", "fmr", "fmr_any"
_EVERYBODY = ""


def protect_faces(
    faces: FaceResults, data: FaceData, groupings: Mapping[str, Grouping], threshold: float, small_cell: int
) -> FaceResults:
    """`faces` without what would tell a withheld number. groupings: by analysis, as published, of the people.

    Withheld may be a group's misses, where few of its people have two pictures, and the false matches of two groups,
    where few of their people were compared. What is counted are comparisons.
    """
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
