"""Score files: comparisons made by any system, checked for everything that can be wrong with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.faces import FaceAudit
from countenance.audit.analysis.measurement import ScoredComparisons, scored_data
from countenance.audit.formats.plan import ScoreFile
from countenance.audit.labelled.people import (
    UNSAID,
    Grouping,
    Labelled,
    LabelledPeople,
    Spellings,
    gather,
    group_labels,
    people_of_rows,
)
from countenance.audit.labelled.tables import Codes, LabelTable, read_table, refuse_mixed_units, refuse_sentinels
from countenance.audit.sources.source import Equipment, Loaded, Present, Source
from countenance.errors import BadRequest
from countenance.metrics import Comparisons, direction

NO_SUBJECTS = (
    "nobody knows which comparisons are of the same people: no subjects are named. Each comparison counts as one of "
    "two people of its own, nothing is clustered by person, and where people occur more than once intervals "
    "are too narrow"
)
FEWEST_FOR_DIRECTION = 10
"""Comparisons of each kind that a group needs for its direction to be told."""


@dataclass(slots=True, eq=False)
class _ScoreRows:
    """Rows while they are being cleaned; `keep` drops some from every column at once."""

    scores: NDArray[np.float64]
    same: NDArray[np.bool_]
    a: Codes
    b: Codes
    pairs: NDArray[np.int64] | None

    def keep(self, which: NDArray[np.bool_]) -> None:
        self.scores, self.same = self.scores[which], self.same[which]
        self.a, self.b = self.a[which], self.b[which]
        self.pairs = None if self.pairs is None else self.pairs[which]


def read_scores(
    source: ScoreFile,
    folder: Path,
    factors: Sequence[str],
    contradictions: str = "error",
    spellings: Spellings = UNSAID,
) -> ScoredComparisons:
    """Read the score file that `source` describes; its paths are relative to `folder`.

    BadRequest: a missing column, a score that is no number, a direction that cannot be told or is mixed, a pair with
    two scores, a person in two groups, an answer that its subjects contradict. With contradictions 'set aside' the last
    three become findings, and their rows are left out.
    """
    sided = [f"{factor}_{side}" for factor in factors for side in "ab"] if source.labels is None else []
    table = read_table(
        folder / source.file,
        [source.score, *([source.same] if source.same else []), *source.subjects, *source.images],
        optional=[*sided, *(factors if source.labels is None else ())],
        numbers=[source.score],
    )
    findings: list[str] = list(table.findings)
    labelled, a, b = _subjects(source, folder, table, factors, contradictions, spellings)
    findings += labelled.findings
    scores = table.numbers(source.score)
    scores = np.where(np.isin(scores, source.no_score), np.nan, scores)
    rows = _ScoreRows(scores, _same(source, table, a, b), a, b, _pairs(source, table))
    _agree(rows, source, contradictions, findings)
    rows.keep((rows.a >= 0) & (rows.b >= 0))
    if not len(rows.scores):
        raise BadRequest(f"{table.name} has no comparison that can be used")
    empty = _missing(rows, source, table.name, findings)
    empty = _duplicates(rows, empty, contradictions, table.name, findings)
    _within_limits(rows, source, table.name)
    refuse_sentinels(rows.scores, source.limits, table.name, "scores", "missing = 'failure'")
    known = ~np.isnan(rows.scores)
    groupings = [labelled.people.grouping(factor) for factor in labelled.people.factors]
    units = {g.name: (np.where(g.codes[rows.a] == g.codes[rows.b], g.codes[rows.a], -1), g.groups) for g in groupings}
    if source.unit == "find":
        refuse_mixed_units(rows.scores, rows.same & known, units, table.name, "scores")
    if not source.subjects:
        findings.append(NO_SUBJECTS)
    comparisons = Comparisons.of(
        rows.scores,
        rows.same,
        first=rows.a if source.subjects else None,
        second=rows.b if source.subjects else None,
        first_group=np.zeros(len(rows.a), np.int64),
        groups=("all",),
        failed=empty if source.missing == "failure" else None,
        censored=empty if source.missing == "censored" else None,
        censor_point=source.censored_below,
        larger_is_more_alike={"find": None, "similarity": True, "distance": False}[source.direction],
    )
    if source.direction != "find":
        _declared_direction(comparisons, source.direction)
    _one_direction(comparisons, rows, labelled.people)
    if source.direction == "find":
        for finding in comparisons.findings:
            if finding.kind == "direction-uncertain":
                raise BadRequest(f"{finding.text}: say in the plan, direction = 'similarity' or 'distance'")
        kind = "distances" if comparisons.negated else "similarities"
        findings.append(f"the scores are read as {kind}: found from the data, not declared")
    return ScoredComparisons(labelled.people, comparisons, rows.a, rows.b, tuple(findings))


def _declared_direction(comparisons: Comparisons, declared: str) -> None:
    scored = np.isfinite(comparisons.score)
    mated = comparisons.mated[scored]
    if min(int(mated.sum()), int((~mated).sum())) < FEWEST_FOR_DIRECTION:
        return
    tendency = direction(comparisons.score[scored], mated)
    if tendency.certain and not tendency.larger_is_more_alike:
        raise BadRequest(
            f"the plan says direction = {declared!r}, and the scores run the other way: read so, two pictures of one "
            f"person are less alike than two people (AUC {tendency.auc:.2f})"
        )


def _one_direction(comparisons: Comparisons, rows: _ScoreRows, people: LabelledPeople) -> None:
    """Check that scores run the same way in every group. If not, the file mixes two systems or two units."""
    scored = np.isfinite(comparisons.score)
    for factor in people.factors:
        grouping = people.grouping(factor)
        group = grouping.codes[rows.a]
        for at, name in enumerate(grouping.groups):
            here = scored & (group == at)
            mated = comparisons.mated[here]
            if min(int(mated.sum()), int((~mated).sum())) < FEWEST_FOR_DIRECTION:
                continue
            tendency = direction(comparisons.score[here], mated)
            if tendency.certain and not tendency.larger_is_more_alike:
                raise BadRequest(
                    f"directions are mixed: in the group {name!r} of {factor} scores run the other way than elsewhere "
                    f"(AUC {tendency.auc:.2f})"
                )


def _subjects(
    source: ScoreFile,
    folder: Path,
    table: LabelTable,
    factors: Sequence[str],
    contradictions: str,
    spellings: Spellings,
) -> tuple[Labelled, Codes, Codes]:
    if not source.subjects:
        ids: tuple[str, ...] | None = None
        a, b = np.arange(table.rows, dtype=np.int32), np.arange(table.rows, 2 * table.rows, dtype=np.int32)
    else:
        (a, b), ids = table.texts(*source.subjects)
        if (a < 0).any() or (b < 0).any():
            raise BadRequest(f"{table.name} has {int(((a < 0) | (b < 0)).sum())} rows without a subject")
    if source.labels is not None:
        if ids is None:
            raise BadRequest("a table of labels needs the subjects of each comparison")
        return _looked_up(source, folder, table, ids, a, b, factors, contradictions, spellings)
    sides = []
    for factor in factors:
        names = [f"{factor}_a", f"{factor}_b"]
        if names[0] not in table.columns and factor in table.columns:
            names = [factor, factor]
        sides.append(group_labels(table, factor, names, spellings))
    labels = tuple(names for _, names in sides)
    rows_a, rows_b = (np.stack([codes[side] for codes, _ in sides], axis=1) for side in (0, 1))
    sides_of = ids or tuple(map(str, range(2 * table.rows)))
    labelled = gather(sides_of, tuple(factors), labels, [(a, rows_a), (b, rows_b)], contradictions, table.name)
    if ids is None:
        labelled = replace(labelled, people=replace(labelled.people, ids=None))
    return labelled, labelled.subjects[: table.rows], labelled.subjects[table.rows :]


def _looked_up(
    source: ScoreFile,
    folder: Path,
    table: LabelTable,
    ids: tuple[str, ...],
    a: Codes,
    b: Codes,
    factors: Sequence[str],
    contradictions: str,
    spellings: Spellings,
) -> tuple[Labelled, Codes, Codes]:
    assert source.labels is not None
    people = read_table(folder / source.labels, [source.label_subject, *factors])
    labelled = people_of_rows(people, source.label_subject, factors, contradictions, spellings)
    assert labelled.people.ids is not None
    row_of = {who: at for at, who in enumerate(labelled.people.ids)}
    place = np.array([row_of.get(who, -1) for who in ids], np.int32)
    unknown = int((place < 0).sum())
    if unknown == len(ids):
        raise BadRequest(f"no subject of {table.name} is in {people.name}")
    findings = list(labelled.findings)
    if unknown:
        findings.append(
            f"{unknown} of {len(ids)} subjects have no row in {people.name}; their comparisons are left out"
        )
    return Labelled(labelled.people, labelled.subjects, tuple(findings)), place[a], place[b]


def _same(source: ScoreFile, table: LabelTable, a: Codes, b: Codes) -> NDArray[np.bool_]:
    if source.same is None:
        return np.asarray(a == b, bool)
    return table.flags(source.same)


def _agree(rows: _ScoreRows, source: ScoreFile, contradictions: str, findings: list[str]) -> None:
    if not source.subjects or source.same is None:
        return
    known = (rows.a >= 0) & (rows.b >= 0)
    wrong = known & (rows.same != (rows.a == rows.b))
    if wrong.any():
        text = f"{int(wrong.sum())} comparisons say {source.same!r} against their subjects"
        if contradictions == "error":
            raise BadRequest(f"{text}; correct them, or set contradictions = 'set aside' in the plan")
        findings.append(f"{text}; they were set aside")
        rows.keep(~wrong)


def _missing(rows: _ScoreRows, source: ScoreFile, name: str, findings: list[str]) -> NDArray[np.bool_]:
    empty = np.isnan(rows.scores)
    if not empty.any():
        return empty
    if source.missing == "error":
        raise BadRequest(
            f"{int(empty.sum())} comparisons of {name} have no score (NaN or empty, the first is comparison "
            f"{int(np.flatnonzero(empty)[0]) + 1}); say in the plan what that means: "
            "missing = 'failure' or 'censored'"
        )
    meaning = "count as below the system's lowest" if source.missing == "censored" else "count as failures to acquire"
    findings.append(f"{int(empty.sum())} comparisons have no score and {meaning}")
    return empty


def _pairs(source: ScoreFile, table: LabelTable) -> NDArray[np.int64] | None:
    """One number per unordered pair of images, or None where images are not named."""
    if not source.images:
        return None
    (first, second), names = table.texts(*source.images)
    low, high = np.minimum(first, second).astype(np.int64), np.maximum(first, second).astype(np.int64)
    return low * (len(names) + 1) + high


def _duplicates(
    rows: _ScoreRows, empty: NDArray[np.bool_], contradictions: str, name: str, findings: list[str]
) -> NDArray[np.bool_]:
    if rows.pairs is None:
        return empty
    order = np.lexsort((rows.scores, rows.pairs))
    pairs, scores = rows.pairs[order], rows.scores[order]
    again = np.r_[False, pairs[1:] == pairs[:-1]]
    if not again.any():
        return empty
    alike = (scores[1:] == scores[:-1]) | (np.isnan(scores[1:]) & np.isnan(scores[:-1]))
    torn = np.unique(pairs[again & np.r_[False, ~alike]])
    if len(torn):
        text = f"{len(torn)} pairs of images in {name} have two different scores"
        if contradictions == "error":
            raise BadRequest(f"{text}; correct them, or set contradictions = 'set aside' in the plan")
        findings.append(f"{text}; they were set aside")
    in_torn = np.isin(pairs, torn)
    if repeats := int((again & ~in_torn).sum()):
        findings.append(f"{repeats} rows of {name} repeat a pair of images; each pair counts once")
    keep = np.ones(len(order), bool)
    keep[order] = ~(again | in_torn)
    rows.keep(keep)
    return empty[keep]


def _within_limits(rows: _ScoreRows, source: ScoreFile, name: str) -> None:
    if len(source.limits) != 2:
        return
    low, high = source.limits
    outside = int(((rows.scores < low) | (rows.scores > high)).sum())
    if outside:
        raise BadRequest(f"{outside} scores of {name} lie outside {low} to {high}, which the plan calls the limits")


class ScoreSource(Source[ScoreFile]):
    """A table of comparisons. It is read once."""

    _scored: ScoredComparisons | None = None

    def present(self) -> Present | None:
        """Whom the comparisons are of."""
        scored = self._read()
        a, b, mated = scored.a, scored.b, scored.comparisons.mated

        def behind(measure: str, grouping: Grouping) -> Codes:
            rows = mated if measure == "fnmr" else ~mated & (grouping.codes[a] == grouping.codes[b])
            return np.unique(np.concatenate([a[rows], b[rows]])).astype(np.int32)

        people = np.unique(np.concatenate([a, b])).astype(np.int32)
        return Present(scored.people, people, behind, "no comparison is of one person", scored.findings)

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        return Loaded(FaceAudit(scored_data(self._read(), spread=equipment.spread)), self.hashes())

    def _read(self) -> ScoredComparisons:
        if self._scored is None:
            self._scored = self._read_now()
        return self._scored

    def _read_now(self) -> ScoredComparisons:
        groups = self._plan.groups
        return read_scores(self._described, self._folder, groups.factors, self._plan.contradictions, groups.spellings)
