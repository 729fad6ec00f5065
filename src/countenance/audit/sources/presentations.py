"""Tables of presentation attack detection: bona fide presentations and attacks, and what was decided about each."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.presentations import NO_RESPONSE, PresentationAudit, Presentations
from countenance.audit.formats.plan import DECISIONS, Groups, Measure, PresentationTable
from countenance.audit.labelled.people import people_of_rows, respelled, written
from countenance.audit.labelled.tables import (
    Codes,
    LabelTable,
    listed_names,
    plain,
    read_table,
    refuse_mixed_units,
    refuse_sentinels,
    repeated_rows,
)
from countenance.audit.sources.decisions import NO_SUBJECTS
from countenance.audit.sources.source import Equipment, Loaded, Source
from countenance.errors import BadRequest
from countenance.metrics import direction

_BONA_FIDE, _ATTACK = 0, 1
MEANINGS = {
    **dict.fromkeys(("bona fide", "bonafide"), _BONA_FIDE),
    **dict.fromkeys(("attack", "presentation attack", "attack presentation"), _ATTACK),
    **dict.fromkeys(("no response", "non response", "none"), NO_RESPONSE),
}
"""Decisions that need no explanation, as `plain` has them. What 1, "true" or "live" mean, the plan has to say."""


def read_presentations(
    source: PresentationTable, folder: Path, groups: Groups, contradictions: str = "error"
) -> Presentations:
    """Read results of presentation attack detection. An empty decision or score is "no response".

    BadRequest: a missing column, a row without an attack type or species, no bona fide presentation or no attack,
    decisions that nobody explained, a species of two types, a person in two groups, scores that may stand for none, in
    two units or outside the plan's limits.
    """
    named = (source.attack, source.species, source.decision, source.score, source.subject, source.series)
    columns = [name for name in named if name is not None]
    table = read_table(
        folder / source.file, [*columns, *groups.factors], numbers=[source.score] if source.score else []
    )
    if not table.rows:
        raise BadRequest(f"{table.name} has no rows")
    types, species, real = _attacks(table, source)
    labelled = people_of_rows(table, source.subject, groups.factors, contradictions, groups.spellings)
    rows = labelled.subjects >= 0
    people = labelled.people
    findings = [*labelled.findings, *repeated_rows(folder / source.file, source.subject)]
    if source.decision is not None:
        decisions = _decisions(table, source, source.decision)
        decided = "as the system decided"
    else:
        by_factor = {
            factor: (people.codes[labelled.subjects, at], people.labels[at]) for at, factor in enumerate(people.factors)
        }
        decisions, notes = _scores(table, source, real, by_factor)
        findings += notes
        way, cut = (
            ("bona fide", source.bona_fide_from) if source.attack_from is None else ("attack", source.attack_from)
        )
        decided = f"a score of {cut:g} or more counts as {way}"
    series: NDArray[np.str_] | None = None
    if source.series is not None:
        (codes,), names = table.texts(source.series)
        series = np.array([*names, ""])[codes]
        if missing := int(((codes < 0) & ~real).sum()):
            findings.append(f"{missing:,} attacks of {table.name} name no series; they are clustered by subject only")
    if source.subject is None:
        findings.append(NO_SUBJECTS)
    silent = int((decisions[rows] == NO_RESPONSE).sum())
    if silent:
        findings.append(
            f"{silent:,} of {int(rows.sum()):,} presentations got no response; they count in APNRR and BPNRR, and in "
            "neither APCER nor BPCER"
        )
    return Presentations(
        people, labelled.subjects[rows], types[rows], species[rows], real[rows], decisions[rows],
        None if series is None else series[rows], source.subject is not None, decided, tuple(findings),
    )  # fmt: skip


def _attacks(
    table: LabelTable, source: PresentationTable
) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.bool_]]:
    """Attack types and species, (rows,), and which rows are bona fide."""
    (raw,), words = table.texts(source.attack)
    if len(where := np.flatnonzero(raw < 0)):
        raise BadRequest(
            f"{table.name} has {len(where)} rows that say neither {source.bona_fide!r} nor a type of attack in "
            f"{source.attack!r}, the first is row {where[0] + 2}"
        )
    bona_fide = [name for name in words if plain(name) == plain(source.bona_fide)]
    real = np.isin(raw, [words.index(name) for name in bona_fide])
    if real.all() or not real.any():
        there = "attacks" if not real.any() else "bona fide presentations"
        raise BadRequest(
            f"{table.name} has {there} only: column {source.attack!r} says {listed_names(words[:8])}. Say in the plan "
            f"what bona fide presentations are called, under [presentations]: bona_fide = {words[0]!r}"
        )
    meant = {**source.spellings, **dict.fromkeys(bona_fide, source.bona_fide)}
    (types,), names = respelled([raw], words, meant, f"the column {source.attack!r} of {table.name}", _SPELLED)
    kinds = np.array(names)[types]
    if source.species is None:
        return kinds, kinds, real
    (codes,), instruments = table.texts(source.species)
    (codes,), instruments = respelled(
        [codes], instruments, source.spellings, f"the column {source.species!r} of {table.name}", _SPELLED
    )
    if len(where := np.flatnonzero((codes < 0) & ~real)):
        raise BadRequest(f"{table.name} has {len(where)} attacks without a species, the first is row {where[0] + 2}")
    species = np.array([*instruments, ""])[codes]
    for name in np.unique(species[~real]):
        of = sorted(set(kinds[~real & (species == name)].tolist()))
        if len(of) > 1:
            raise BadRequest(f"the species {str(name)!r} of {table.name} is of two types of attack: {listed_names(of)}")
    return kinds, species, real


_SPELLED = "under [presentations]: spellings = {}"


def _decisions(table: LabelTable, source: PresentationTable, column: str) -> NDArray[np.int8]:
    """What was decided, (rows,): bona fide, attack or no response."""
    (codes,), names = table.texts(column)
    meant = [source.decisions.get(name, name) for name in names]
    unknown = [name for name, meaning in zip(names, meant, strict=True) if plain(meaning) not in MEANINGS]
    if unknown:
        table_of = written({name: " or ".join(DECISIONS) for name in unknown[:4]})
        raise BadRequest(
            f"column {column!r} of {table.name} says {listed_names(unknown[:6])}: what that means must stand in the "
            f"plan, under [presentations]: decisions = {table_of}"
        )
    return np.array([*(MEANINGS[plain(meaning)] for meaning in meant), NO_RESPONSE], np.int8)[codes]


def _scores(
    table: LabelTable,
    source: PresentationTable,
    real: NDArray[np.bool_],
    groups: dict[str, tuple[Codes, tuple[str, ...]]],
) -> tuple[NDArray[np.int8], list[str]]:
    """What the scores decide, (rows,), and what must be known about them."""
    assert source.score is not None
    scores = table.numbers(source.score)
    scores = np.where(np.isin(scores, source.no_score), np.nan, scores)
    scored = np.isfinite(scores)
    if not scored.any():
        raise BadRequest(f"no row of {table.name} has a score in the column {source.score!r}")
    if len(source.limits) == 2:
        outside = scored & ((scores < source.limits[0]) | (scores > source.limits[1]))
        if len(where := np.flatnonzero(outside)):
            raise BadRequest(
                f"{len(where)} scores of {table.name} lie outside {source.limits[0]:g} to {source.limits[1]:g}, which "
                f"the plan calls the limits; the first is {scores[where[0]]:g} in row {where[0] + 2}"
            )
    refuse_sentinels(scores, source.limits, table.name, "presentations", "such a row then counts as no response")
    if source.unit == "find":
        refuse_mixed_units(scores, real & scored, groups, table.name, "presentations")
    upward = source.bona_fide_from is not None
    cut = source.bona_fide_from if source.bona_fide_from is not None else source.attack_from
    assert cut is not None
    high = scores >= cut
    decisions = np.where(scored, np.where(high == upward, _BONA_FIDE, _ATTACK), NO_RESPONSE).astype(np.int8)
    findings = []
    if not scores[scored].min() < cut <= scores[scored].max():
        findings.append(
            f"the cut-off {cut:g} tells no presentation from any other: all scores lie between "
            f"{scores[scored].min():g} and {scores[scored].max():g}"
        )
    if (scored & real).any() and (scored & ~real).any():
        tendency = direction(scores[scored], real[scored])
        if tendency.certain and tendency.larger_is_more_alike != upward:
            findings.append(
                "the scores run against the plan: bona fide presentations mostly lie on the side of the cut-off that "
                "counts as attacks"
            )
    return decisions, findings


class PresentationSource(Source[PresentationTable]):
    """Results of presentation attack detection."""

    measures: ClassVar[tuple[Measure, ...]] = ("bpcer", "apcer")

    def check(self) -> tuple[str, ...]:
        """What must be known about the data."""
        return self._read().findings

    def load(self, equipment: Equipment) -> Loaded:
        """The data with its analysis."""
        return Loaded(PresentationAudit(self._read()), self.hashes())

    def _read(self) -> Presentations:
        return read_presentations(self._described, self._folder, self._plan.groups, self._plan.contradictions)
