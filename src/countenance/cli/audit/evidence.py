"""`countenance audit evidence`: issue and verify evidence about one model at one threshold."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click

from countenance.audit.bundle import read_bundle, verify_bundle
from countenance.audit.evidence import agrees_with, issue_evidence, read_evidence, subject_of
from countenance.audit.evidence.statement import Vouched
from countenance.audit.findings.words import percent
from countenance.cli.audit.options import ANY, FILE, key_option, now, signer
from countenance.errors import NotFound


@click.group()
def evidence() -> None:
    """Signed audits that policy can ask for before a model may identify anybody."""


@evidence.command()
@click.argument("bundles", type=ANY, nargs=-1, required=True)
@click.option("-o", "--out", type=FILE, required=True, help="The evidence file to write.")
@click.option("--calibration", default="", help="Identity (sha256) of the calibration that the server uses.")
@click.option("--normaliser", default="raw", show_default=True, help="Identity of the score normaliser.")
@click.option("--threshold-fmr", type=float, required=True, help="FMR that the bundle's threshold stands for.")
@click.option("--days", default=365, show_default=True, help="Days until it expires.")
@click.option("--operational", is_flag=True, help="Vouch that it was measured in the conditions of use.")
@click.option("--independent", is_flag=True, help="Vouch that you are neither the model's maker nor its operator.")
@key_option
def issue(
    bundles: tuple[Path, ...],
    out: Path,
    calibration: str,
    normaliser: str,
    threshold_fmr: float,
    days: int,
    operational: bool,
    independent: bool,
    key: Path | None,
) -> None:
    """Issue bundles of one model at one threshold as evidence."""
    read = [verify_bundle(bundle) for bundle in bundles]
    subject = subject_of(read[0], normaliser, calibration, threshold_fmr)
    issued = now()
    expires = issued + timedelta(days=days)
    content = issue_evidence(
        read, subject, issued, expires, signer(key), operational=operational, independent=independent
    )
    out.write_bytes(content)
    statement = read_evidence(content)
    click.echo(f"evidence {out}, until {statement.expires_at}, covers {', '.join(statement.covered)}")


@evidence.command()
@click.argument("file", type=FILE)
@click.option("--bundle", type=ANY, help="The bundle that it should rest on.")
@click.option("--issuer", metavar="HEX", help="The public key that must have issued it.")
def verify(file: Path, bundle: Path | None, issuer: str | None) -> None:
    """Check an evidence file off line: signature, dates, and the bundle it rests on."""
    if not file.is_file():
        raise NotFound(f"there is no evidence {file.name}")
    read = read_evidence(file.read_bytes())
    problems = list(agrees_with(read, read_bundle(bundle))) if bundle is not None else []
    problems += read.doubts(now(), issuer)
    subject = read.subject
    click.echo(f"model        {subject.model} ({subject.model_version})")
    click.echo(f"compared     normaliser {subject.normaliser}, calibration {subject.calibration or 'none'}")
    click.echo(f"threshold    FMR {subject.threshold_fmr:g}, score {subject.threshold_score:.6g}")
    for line in vouched_lines(read, issuer):
        click.echo(line)
    for audit in read.audits:
        click.echo(f"audit        {audit.title}: bundle {audit.bundle}")
    click.echo(f"worst group  FMR at most {percent(read.highest_fmr)}, TPR {percent(read.lowest_tpr)}")
    click.echo(f"covers       {', '.join(read.covered) or 'no group'}")
    for limit in read.limits:
        click.echo(f"cannot show  {limit}")
    end_with(problems)


def vouched_lines(statement: Vouched, issuer: str | None) -> tuple[str, str]:
    """The dates and the issuer of a statement, as lines for a terminal."""
    known = "" if issuer else " (whose key this is must be known from elsewhere)"
    return (
        f"in date      {statement.issued_at} until {statement.expires_at}",
        f"issuer       {statement.issuer}{known}",
    )


def end_with(problems: Sequence[str]) -> None:
    """Say each problem; exit with status 1 where there is one."""
    for problem in problems:
        click.echo(f"wrong: {problem}")
    if problems:
        sys.exit(1)
