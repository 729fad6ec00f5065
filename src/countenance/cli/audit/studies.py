"""`countenance audit compas`, `gender-shades` and `own-evidence`: audits that come with the project."""

from __future__ import annotations

from pathlib import Path

import click

from countenance.audit.bundle import bundle_files, write_bundle
from countenance.audit.environment import environment
from countenance.audit.moments import stamp
from countenance.audit.plan import Plan
from countenance.audit.results import Results
from countenance.audit.running import Loaded, run_audit
from countenance.audit.studies.compas import compas_study
from countenance.audit.studies.gender_shades import gender_shades_study
from countenance.audit.studies.published import published_compas, published_gender_shades
from countenance.audit.words import interval, of, percent
from countenance.cli.audit.options import ANY, FILE, key_option, now, signer

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="COUNTENANCE_DATA",
    default="../shared/data",
    show_default=True,
    help="Folder of evaluation data; also COUNTENANCE_DATA.",
)
out_option = click.option("-o", "--out", type=ANY, help="Write a signed bundle here, a folder or a .zip.")


@click.command()
@click.argument("file", type=FILE, required=False)
@data_option
@out_option
@key_option
def compas(file: Path | None, data: Path, out: Path | None, key: Path | None) -> None:
    """Carry out ProPublica's study of COMPAS again from its file (default: the one in the data folder)."""
    found = file if file is not None else data / "compas" / "compas-scores-two-years.csv"
    plan, loaded = compas_study(found, now())
    results = _run(plan, loaded, out, key)
    assert results.risks is not None
    published = published_compas()
    click.echo(results.headline)
    for group in results.risks.analyses[0].groups:
        click.echo(f"{group.group}: FPR {percent(group.fpr.estimate)} ({of(group.fpr)}; {interval(group.fpr)}), "
                   f"FNR {percent(group.fnr.estimate)} ({of(group.fnr)}; {interval(group.fnr)})")  # fmt: skip
        if group.group in published.groups:
            was = published.groups[group.group]
            click.echo(f"  published: FPR {was.fpr_pct} %, FNR {was.fnr_pct} % of {was.n:,}")
        if (i := group.identity) is not None:
            click.echo(
                f"  p/(1-p) · (1-PPV)/PPV · (1-FNR) = {i.prevalence:.4f}/{1 - i.prevalence:.4f} · "
                f"{1 - i.ppv:.4f}/{i.ppv:.4f} · {1 - i.fnr:.4f} = {i.implied:.4f} = FPR"
            )
    click.echo("With unequal shares of outcomes no score can have equal FPR, equal FNR and equal PPV at once.")
    click.echo(f"Source: {published.study}; {published.status}.")


@click.command("gender-shades")
@out_option
@key_option
def gender_shades(out: Path | None, key: Path | None) -> None:
    """Compute Gender Shades' twelve cells again from their published rates, with intervals. --out: a bundle each."""
    published = published_gender_shades()
    for system in published.error_pct:
        plan, loaded = gender_shades_study(system, now())
        target = None
        if out is not None:
            target = out.with_name(f"{out.stem}-{system.replace('+', 'p').lower()}{out.suffix}")
        results = _run(plan, loaded, target, key)
        assert results.outcomes is not None
        click.echo(f"{system}: {results.headline}")
        cells = {group.group: group for group in results.outcomes.analyses[-1].groups}
        for cell, pct in zip(published.cells, published.error_pct[system], strict=True):
            error = cells[cell].error
            click.echo(f"  {cell}: {percent(error.estimate)} [{interval(error)}] {of(error)}; published {pct} %")
    click.echo(f"Source: {published.study}; {published.status}.")


@click.command("own-evidence")
def own_evidence() -> None:
    """x"""


def _run(plan: Plan, loaded: Loaded, out: Path | None, key: Path | None) -> Results:
    results = run_audit(plan, plan, loaded, now)
    if out is not None:
        files = bundle_files(plan, results, environment(loaded.models), stamp(now()), signer(key))
        write_bundle(out, files)
        click.echo(f"bundle {out}")
    return results
