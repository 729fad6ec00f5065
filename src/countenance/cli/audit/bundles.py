"""`countenance audit verify`, `report` and `diff`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from countenance.audit.bundle.bundle import read_bundle, verify_bundle
from countenance.audit.bundle.counts import counts_csv
from countenance.audit.findings.differences import AuditDifference, compare_bundles
from countenance.audit.findings.search_facts import facts_of_bundle
from countenance.audit.findings.words import between, percent, times
from countenance.audit.formats.codec import to_json
from countenance.audit.report.page import card_page, leaflet_page, report_page
from countenance.cli.audit.options import ANY
from countenance.errors import BadRequest
from countenance.signing import canonical


@click.command()
@click.argument("bundle", type=ANY)
@click.option("--signer", metavar="HEX", help="The public key that must have signed it.")
def verify(bundle: Path, signer: str | None) -> None:
    """Check a bundle off line: signature, every file, the plan's hash, and that rates follow from their counts."""
    found = read_bundle(bundle, signer)
    for problem in found.problems:
        click.echo(f"wrong: {problem}")
    click.echo(f"bundle     {found.hash}")
    click.echo(f"plan       {found.plan.hash}, made {found.plan.created}")
    click.echo(f"signed by  {found.signer}{'' if signer else ' (whose key this is must be known from elsewhere)'}")
    click.echo(f"status     {'preregistered' if found.results.preregistered else 'exploratory'}")
    if found.problems:
        click.echo("not what was signed")
        sys.exit(1)
    click.echo("ok: it is what was signed, and its rates follow from its counts")


@click.command()
@click.argument("bundle", type=ANY)
@click.option(
    "-o", "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder for the pages."
)
@click.option("--before", type=ANY, help="Bundle of an earlier audit: the report shows every group before and after.")
def report(bundle: Path, out: Path, before: Path | None) -> None:
    """Write report.html (one page, no network), counts.csv, results.json; for faces a model card and a leaflet, too."""
    found = read_bundle(bundle)
    earlier = None if before is None else verify_bundle(before)
    out.mkdir(parents=True, exist_ok=True)
    pages = {
        "report.html": report_page(found, earlier).encode(),
        "counts.csv": counts_csv(found.results),
        "results.json": canonical(to_json(found.results)),
    }
    if found.results.faces is not None:
        pages["card.html"] = card_page(found).encode()
        try:
            sizes = found.plan.gallery.sizes
            size = next((n for n in sizes if n >= 10_000), sizes[-1])
            pages["leaflet.html"] = leaflet_page(facts_of_bundle(found, size, None, found.plan.gallery.prior)).encode()
        except BadRequest as error:  # no false match rate: nothing to say about searches
            click.echo(f"no leaflet: {error}", err=True)
    for name, content in pages.items():
        (out / name).write_bytes(content)
        click.echo(out / name)


@click.command()
@click.argument("old", type=ANY)
@click.argument("new", type=ANY)
@click.option("--alpha", default=0.05, show_default=True, help="Chance of a false alarm over all cells.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(old: Path, new: Path, alpha: float, as_json: bool) -> None:
    """Compare two bundles cell by cell: what became better or worse between two versions of a system.

    Where both are about the same people the test is paired and clustered by them.
    """
    found = compare_bundles(verify_bundle(old), verify_bundle(new), alpha)
    if as_json:
        click.echo(json.dumps(to_json(found), indent=2))
        return
    _print(found)


def _print(found: AuditDifference) -> None:
    click.echo(
        f"{found.old_system.name} {found.old_system.version} -> {found.new_system.name} {found.new_system.version}"
    )
    for note in found.notes:
        click.echo(f"note: {note}")
    rows = [("by", "measure", "group", "before", "after", "ratio", "95 % interval", "corrected p", "verdict")]
    rows += [
        (
            change.analysis or "everybody",
            change.measure,
            change.group,
            percent(change.before.estimate),
            percent(change.after.estimate),
            times(change.ratio) if change.ratio is not None else "-",
            between(change.bounds) if change.p is not None else "-",
            f"{change.p_corrected:.2g}" if change.p_corrected is not None else "-",
            change.verdict + (" (paired)" if change.paired else ""),
        )
        for change in found.changes
        if change.before.known and change.after.known
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if left := len(found.changes) + 1 - len(rows):
        click.echo(f"{left} more cells have no rate in one of the two, or in both: --json lists them")
