"""The parts of reports on presentation attack detection, with their pictures."""

from __future__ import annotations

from countenance.audit.findings.presentations import bounded, presentation_lines
from countenance.audit.findings.questions import Question
from countenance.audit.findings.words import percent
from countenance.audit.formats.results import PresentationAnalysis, PresentationGroup, PresentationResults
from countenance.audit.report.figures import Figure, Grid, Section, forest


def presentation_sections(results: PresentationResults, lead: Question | None = None) -> list[Section]:
    """The parts of the report. lead: the question whose picture the page begins with."""
    everybody = results.everybody
    attacks = forest(
        "Attacks accepted, by species (APCER)",
        [(line.species, line.apcer) for line in everybody.species],
        "Share of attacks of one species called bona fide, of those that got a response.",
    )
    sections = [
        Section(
            "Attacks and bona fide presentations",
            (*presentation_lines(everybody), f"A presentation is an attack or bona fide {_decided(results.decided)}."),
            () if attacks is None else (attacks,),
            (("By species of attack instrument", _species(everybody)),),
        )
    ]
    return sections + [_by(analysis, results, lead) for analysis in results.analyses]


def _decided(how: str) -> str:
    return how if how.startswith("as ") else f"by its score: {how}"


def _by(analysis: PresentationAnalysis, results: PresentationResults, lead: Question | None) -> Section:
    overall = results.everybody.bpcer.estimate
    above = lead is not None and (lead.measure, lead.factor) == ("bpcer", analysis.name)
    figure: Figure | None = None
    if not above:  # that one is the first picture of the page
        figure = forest(
            f"Bona fide presentations called attacks (BPCER), by {analysis.name}",
            [(group.group, group.bpcer) for group in analysis.groups],
            "Share of bona fide presentations called attacks, of those that got a response.",
            None if overall is None else ("everybody", overall),
        )
    return Section(
        f"By {analysis.name}",
        (),
        () if figure is None else (figure,),
        (("All rates", _rates(analysis)), ("The highest APCER of each group", _highest(analysis))),
    )


def _species(group: PresentationGroup) -> Grid:
    return Grid(
        ("type", "species", "called bona fide (APCER)", "no response (APNRR)", "series"),
        tuple(
            (line.attack_type, line.species, bounded(line.apcer), bounded(line.apnrr), _series(line.series))
            for line in sorted(group.species, key=lambda x: (not x.apcer.known, -(x.apcer.estimate or 0.0)))
        ),
    )


def _series(series: int | None) -> str:
    return "withheld" if series is None else f"{series:,}" if series else "not named"


def _rates(analysis: PresentationAnalysis) -> Grid:
    rows = []
    for group in analysis.groups:
        rows.append((group.group, "bona fide", bounded(group.bpcer), bounded(group.bpnrr)))
        rows += [(group.group, line.species, bounded(line.apcer), bounded(line.apnrr)) for line in group.species]
    return Grid(("group", "presentations", "called wrongly (BPCER, APCER)", "no response (BPNRR, APNRR)"), tuple(rows))


def _highest(analysis: PresentationAnalysis) -> Grid:
    rows = []
    for group in analysis.groups:
        if not group.highest:
            rows.append((group.group, "all", "", "insufficient evidence", "", ""))
        rows += [
            (group.group, one.attack_type or "all", one.species, percent(one.apcer),
             f"{percent(one.bounds.low)} to {percent(one.bounds.high)}", str(one.withheld or ""))
            for one in group.highest
        ]  # fmt: skip
    heads = ("group", "attacks", "species", "highest APCER", "95 % interval of the highest", "species withheld")
    return Grid(heads, tuple(rows))
