"""Presentation attack detection by group: from what was decided about each presentation to results."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from countenance.audit.analysis.disclosure import all_publishable, left_out
from countenance.audit.analysis.secondary import protect_presentations
from countenance.audit.formats.plan import Plan
from countenance.audit.formats.results import (
    Analysed,
    Data,
    HighestApcer,
    PresentationAnalysis,
    PresentationGroup,
    PresentationResults,
    SpeciesLine,
    bounds,
    rate_of,
    share,
)
from countenance.audit.labelled.people import LabelledPeople
from countenance.audit.labelled.tables import Codes
from countenance.errors import BadRequest
from countenance.metrics import PresentationGroupRates, PresentationRates, assess_presentations, highest_rate

NO_RESPONSE = -1
"""What was decided where there was no response; else 0 is bona fide and 1 an attack."""


@dataclass(frozen=True, slots=True, eq=False)
class Presentations:
    """Presentations, all (rows,). subjects: rows of `people`. types, species: of attacks, text. said: int8, see
    `NO_RESPONSE`. series: text, "" where none is named; None without them. clustered: whether rows name their subjects.
    """

    people: LabelledPeople
    subjects: Codes
    types: NDArray[np.str_]
    species: NDArray[np.str_]
    bona_fide: NDArray[np.bool_]
    said: NDArray[np.int8]
    series: NDArray[np.str_] | None
    clustered: bool
    decided: str
    findings: tuple[str, ...]

    def of(self, rows: NDArray[np.bool_]) -> Presentations:
        """Some of the rows."""
        return replace(
            self,
            subjects=self.subjects[rows],
            types=self.types[rows],
            species=self.species[rows],
            bona_fide=self.bona_fide[rows],
            said=self.said[rows],
            series=None if self.series is None else self.series[rows],
        )

    def without(self, people: Codes) -> Presentations:
        """The rows of everybody but `people`."""
        return self.of(~np.isin(self.subjects, people))

    def rates(self, group: NDArray[np.str_], groups: tuple[str, ...] | None = None) -> PresentationRates:
        """Rates by group. group: (rows,)."""
        return assess_presentations(
            self.species,
            self.bona_fide,
            self.said == 1,
            self.said != NO_RESPONSE,
            group,
            groups=groups,
            people=self.subjects if self.clustered else None,
            series=self.series,
        )


def analyse_presentations(
    plan: Plan, data: Presentations, planned: Mapping[str, bool], gone: Mapping[str, frozenset[str]]
) -> PresentationResults:
    """Rates for everybody and by every grouping of `plan`. BadRequest: a grouping of which nothing may be published."""
    people = data.people.expecting(plan.groups.expected)
    present = np.unique(data.subjects).astype(np.int32)
    raw = {name: people.grouping(name) for name in plan.groups.analyses}
    published = all_publishable(list(raw.values()), present, plan.small_cell, gone)
    attacks = ~data.bona_fide
    types = dict(zip(data.species[attacks].tolist(), data.types[attacks].tolist(), strict=True))
    analyses = []
    for name, cells in published.items():
        if not any(cells.people):
            raise BadRequest(
                f"every group of {name} has fewer than {plan.small_cell} people, so nothing may be published of it: "
                "leave it out of the plan, or set small_cell lower where that harms nobody"
            )
        group = cells.grouping.codes[data.subjects]
        rates = data.of(group >= 0).rates(np.array(cells.grouping.groups)[group[group >= 0]], cells.grouping.groups)
        lines = tuple(_group(line, types, plan.small_cell) for line in rates.groups)
        analyses.append(PresentationAnalysis(name, lines, cells.empty, cells.merged, planned[name]))
    everybody = data.rates(np.full(len(data.said), "all")).everybody
    results = PresentationResults(data.decided, _group(everybody, types, plan.small_cell), tuple(analyses))
    groupings = {name: cells.grouping for name, cells in published.items()}
    kinds = np.where(data.bona_fide, "", data.species)
    results = protect_presentations(results, groupings, raw, data.subjects, kinds, data.said, plan.small_cell)
    return replace(
        results,
        everybody=_with_highest(results.everybody),
        analyses=tuple(replace(a, groups=tuple(map(_with_highest, a.groups))) for a in results.analyses),
    )


def _group(line: PresentationGroupRates, types: Mapping[str, str], small_cell: int) -> PresentationGroup:
    species = tuple(
        SpeciesLine(
            types[one.species], one.species, share(one.apcer, small_cell), share(one.apnrr, small_cell), one.series
        )
        for one in line.species
    )
    rows = None if 0 < line.presentations < small_cell else line.presentations
    return PresentationGroup(
        line.group, rows, share(line.bpcer, small_cell), share(line.bpnrr, small_cell), species, ()
    )


def _with_highest(group: PresentationGroup) -> PresentationGroup:
    """The group with its highest APCER, over all species and by type of attack."""
    by_type: dict[str, list[SpeciesLine]] = {}
    for line in group.species:
        by_type.setdefault(line.attack_type, []).append(line)
    several = by_type if 1 < len(by_type) < len(group.species) else {}
    highest = [_highest("", group.species), *(_highest(name, lines) for name, lines in several.items())]
    return dataclasses.replace(group, highest=tuple(one for one in highest if one is not None))


def _highest(attack_type: str, lines: Sequence[SpeciesLine]) -> HighestApcer | None:
    highest = highest_rate([rate_of(line.apcer) for line in lines])
    if highest is None:
        return None
    return HighestApcer(
        attack_type,
        lines[highest.at].species,
        highest.rate.estimate,
        bounds(highest.interval),
        sum(line.apcer.known for line in lines),
        sum(line.apcer.method == "withheld" for line in lines),
    )


@dataclass(frozen=True, slots=True, eq=False)
class PresentationAudit:
    """Results of presentation attack detection."""

    data: Presentations

    def summary(self, inputs: Mapping[str, str]) -> Data:
        """How much data there is."""
        return Data(self.data.people.count, len(self.data.said), "presentations", 0, dict(inputs))

    def analyse(self, plan: Plan, planned: Mapping[str, bool]) -> Analysed:
        """The part of the results that `plan` asks for."""
        present = np.unique(self.data.subjects).astype(np.int32)
        groupings = [self.data.people.grouping(name) for name in plan.groups.analyses]
        out = left_out(groupings, present, plan.small_cell)
        results = analyse_presentations(plan, self.data.without(out.people), planned, out.groups)
        return Analysed(
            presentations=results, left_out=(len(out.people), int(np.isin(self.data.subjects, out.people).sum()))
        )
