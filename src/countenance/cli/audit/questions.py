"""`countenance audit planner`, `advise` and `explain-search`: questions before and after an audit.

Each command imports what it needs when it runs.
"""

from __future__ import annotations

import math
from pathlib import Path

import click

from countenance.cli.audit.options import ANY, FILE, rate_line
from countenance.errors import BadRequest


@click.command()
@click.option("--fmr", type=float, help="False match rate of the better group.")
@click.option("--ratio", type=float, help="How many times worse the other group is: how many people show that?")
@click.option("--margin", type=float, help="A factor within which groups count as equal: how many people show that?")
@click.option("--subjects", type=int, help="People per group: which ratio can they show?")
@click.option("--fnmr", type=float, help="Miss rate of the better group.")
@click.option("--worse-fnmr", type=float, help="Miss rate of the worse group: how many attempts show the difference?")
@click.option("--attempts", type=int, help="Attempts per group: which miss rate can they tell from --fnmr?")
@click.option("--power", default=0.8, show_default=True, help="Chance of showing a difference that is there.")
@click.option("--alpha", default=0.05, show_default=True, help="Chance of showing one that is not.")
@click.option(
    "--spread", default=1.0, show_default=True, help="Relative variance of people's personal FMR (0 alike, 4 strong)."
)
@click.option("--tests", default=1, show_default=True, help="Comparisons in the family.")
def planner(
    fmr: float | None,
    ratio: float | None,
    margin: float | None,
    subjects: int | None,
    fnmr: float | None,
    worse_fnmr: float | None,
    attempts: int | None,
    power: float,
    alpha: float,
    spread: float,
    tests: int,
) -> None:
    """How many people a question needs, and what the people at hand can answer."""
    from countenance.audit.findings.words import percent
    from countenance.metrics import (
        Design,
        attempts_for_fnmr,
        fnmr_for_attempts,
        ratio_for_subjects,
        smallest_fmr,
        subjects_for_equivalence,
        subjects_for_ratio,
    )

    lines = []
    if fmr is not None:
        design = Design(fmr, power, alpha, spread, tests)
        if ratio is not None:
            needed = subjects_for_ratio(ratio, design)
            lines.append(f"{needed:,} people per group show a ratio of {ratio:g} at FMR {fmr:g} with power {power:g}")
        if margin is not None:
            needed = subjects_for_equivalence(margin, design)
            lines.append(
                f"{needed:,} people per group show that equal FMRs of {fmr:g} are within a factor of {margin:g}"
            )
        if subjects is not None:
            result = ratio_for_subjects(subjects, subjects, design)
            can = f"a ratio of {result:.3g} or more" if math.isfinite(result) else "no ratio at all"
            lines.append(f"{subjects:,} people per group can show {can} at FMR {fmr:g}")
    if subjects is not None:
        lines.append(
            f"{subjects:,} people give 30 false matches on average at FMR {smallest_fmr(subjects):.2g} and above"
        )
    if fnmr is not None and worse_fnmr is not None:
        needed = attempts_for_fnmr(fnmr, worse_fnmr, power, alpha, tests)
        lines.append(f"{needed:,} attempts per group tell a miss rate of {percent(worse_fnmr)} from {percent(fnmr)}")
    if fnmr is not None and attempts is not None:
        result = fnmr_for_attempts(fnmr, attempts, power, alpha, tests)
        can = f"tell a miss rate of {percent(result)} or more from" if math.isfinite(result) else "tell nothing from"
        lines.append(f"{attempts:,} attempts per group {can} {percent(fnmr)}")
    if not lines:
        raise click.UsageError(
            "ask something: --fmr with --ratio, --margin or --subjects; --fnmr with --worse-fnmr or --attempts"
        )
    for line in lines:
        click.echo(line)


@click.command()
@click.argument("bundle", type=ANY)
@click.option("--gallery", type=int, required=True, help="People in the gallery.")
@click.option("--fpir", type=float, required=True, help="Share of searches that may give a false candidate.")
@click.option("--by", "analysis", help="Analysis whose groups are looked at; default: the first that has curves.")
@click.option("--mix", multiple=True, metavar="GROUP=SHARE", help="The gallery's mixture; default: that of the data.")
def advise(bundle: Path, gallery: int, fpir: float, analysis: str | None, mix: tuple[str, ...]) -> None:
    """The threshold that holds for the group served worst, and what it costs in misses, by group."""
    from countenance.audit.bundle import verify_bundle
    from countenance.audit.findings.advice import advice_of, mix_of
    from countenance.audit.findings.words import percent

    advised = advice_of(verify_bundle(bundle), gallery, fpir, analysis, mix_of(mix))
    advice = advised.advice
    if math.isnan(advice.threshold):
        click.echo(f"no threshold of this audit holds: {advice.reason}")
    else:
        click.echo(f"threshold {advised.shown:.6g} for FPIR {percent(fpir)} in a gallery of {gallery:,}")
        for line in advice.groups:
            click.echo(
                f"  {line.group}: FPIR {percent(line.fpir)}, at most {percent(line.fpir_upper)}; "
                f"misses {rate_line(line.fnmr)}"
            )
    if not math.isnan(advice.global_threshold):
        click.echo(f"looking only at everybody together would have chosen {advised.shown_global:.6g}")
    for finding in advice.findings:
        click.echo(f"note: {finding.text}")


@click.command("explain-search")
@click.option("--gallery", type=int, required=True, help="Pictures in the gallery.")
@click.option("--bundle", type=ANY, help="An audit that measured the rates.")
@click.option("--group", help="A group of that audit, as factor=group; default: the one most often falsely matched.")
@click.option("--fmr", type=float, help="Without a bundle: the false match rate of one comparison.")
@click.option("--fnmr", type=float, help="Without a bundle: the miss rate.")
@click.option("--probes", type=int, help="A published test instead: people searched for …")
@click.option("--matched", type=int, help="… and how many of them were falsely matched.")
@click.option("--prior", type=float, help="Share of searches whose person is in the gallery.")
@click.option("--html", type=FILE, help="Write the one-page leaflet here.")
def explain_search(
    gallery: int,
    bundle: Path | None,
    group: str | None,
    fmr: float | None,
    fnmr: float | None,
    probes: int | None,
    matched: int | None,
    prior: float | None,
    html: Path | None,
) -> None:
    """What one search result means, in plain words; with --html as a leaflet to hand over."""
    from countenance.audit.bundle import verify_bundle
    from countenance.audit.findings.search_facts import SearchFacts, facts_of_bundle, facts_of_test

    if bundle is not None:
        facts = facts_of_bundle(verify_bundle(bundle), gallery, group, prior)
    elif probes is not None and matched is not None:
        facts = facts_of_test(probes, matched, gallery, prior)
    elif fmr is not None:
        facts = SearchFacts(
            gallery, fmr, fmr, fmr, fnmr, prior, "as stated", "rates stated by whoever made this leaflet"
        )
    else:
        raise BadRequest("say where the rates come from: --bundle, --fmr, or --probes with --matched")
    for line in facts.sentences():
        click.echo(line)
    click.echo(f"Source: {facts.source}.")
    if html is not None:
        from countenance.audit.report.page import leaflet_page

        html.write_text(leaflet_page(facts))
        click.echo(html)
