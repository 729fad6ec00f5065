"""`countenance audit pad-evidence`: issue and verify evidence of presentation attack detection."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from countenance.audit.bundle import read_bundle, verify_bundle
from countenance.audit.evidence import PadEvidence, issue_pad_evidence, pad_agrees_with, read_pad_evidence
from countenance.audit.findings.presentations import presentation_lines
from countenance.audit.findings.words import percent
from countenance.cli.audit.evidence import end_with, vouched_lines
from countenance.cli.audit.options import ANY, FILE, key_option, now, signer
from countenance.errors import NotFound


@click.group()
def pad_evidence() -> None:
    """Signed audits of presentation attack detection, by which an operator can accept an outside check."""


@pad_evidence.command()
@click.argument("bundles", type=ANY, nargs=-1, required=True)
@click.option("-o", "--out", type=FILE, required=True, help="The evidence file to write.")
@click.option("--days", default=365, show_default=True, help="Days until it expires.")
@click.option("--operational", is_flag=True, help="Vouch that it was measured in the conditions of use.")
@click.option("--independent", is_flag=True, help="Vouch that you are neither the system's maker nor its operator.")
@key_option
def issue(
    bundles: tuple[Path, ...], out: Path, days: int, operational: bool, independent: bool, key: Path | None
) -> None:
    """Issue audits of one system's presentation attack detection as evidence, by which a check can be accepted."""
    issued = now()
    content = issue_pad_evidence(
        [verify_bundle(bundle) for bundle in bundles], issued, issued + timedelta(days=days), signer(key),
        operational=operational, independent=independent,
    )  # fmt: skip
    out.write_bytes(content)
    statement = read_pad_evidence(content)
    click.echo(f"evidence {out}, until {statement.expires_at}")
    _tell(statement)


@pad_evidence.command()
@click.argument("file", type=FILE)
@click.option("--bundle", type=ANY, help="The bundle that it should rest on.")
@click.option("--issuer", metavar="HEX", help="The public key that must have issued it.")
def verify(file: Path, bundle: Path | None, issuer: str | None) -> None:
    """Check a file of such evidence off line: signature, dates, and the bundle it rests on."""
    if not file.is_file():
        raise NotFound(f"there is no evidence {file.name}")
    evidence = read_pad_evidence(file.read_bytes())
    problems = list(pad_agrees_with(evidence, read_bundle(bundle))) if bundle is not None else []
    problems += evidence.doubts(now(), issuer)
    for line in vouched_lines(evidence, issuer):
        click.echo(line)
    _tell(evidence)
    end_with(problems)


def _tell(evidence: PadEvidence) -> None:
    click.echo(f"system       {evidence.system.name}, version {evidence.system.version}, of {evidence.system.provider}")
    click.echo(f"worst        APCER at most {percent(evidence.highest_apcer)}; BPCER of the group stopped most at most "
               f"{percent(evidence.highest_bpcer)}")  # fmt: skip
    for audit in evidence.audits:
        click.echo(f"audit        {audit.title}: bundle {audit.bundle}, {audit.people:,} people")
        for line in presentation_lines(audit.results.everybody):
            click.echo(f"             {line}")
        for line in (*audit.limits, *audit.untold):
            click.echo(f"cannot show  {line}")
