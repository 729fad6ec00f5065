"""`countenance liveness`: outside checks of liveness, whose signed results are taken over."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

import click

from countenance.cli.installation import installation
from countenance.cli.moments import until
from countenance.errors import NotFound
from countenance.mandates import OutsideCheck

liveness = click.Group("liveness", help="Outside checks of liveness: on which evidence, approved by whom, until when.")


@liveness.command("request")
@click.argument("name")
@click.option("--public-key", required=True, metavar="HEX", help="The Ed25519 key that signs its results.")
@click.option(
    "--evidence", type=click.Path(dir_okay=False, path_type=Path),
    help="Its PAD evidence, by an issuer whose key lies in COUNTENANCE_EVIDENCE.",
)  # fmt: skip
@click.option("--without-evidence", metavar="REASON", help="Accept it without evidence, with this reason on record.")
@click.option("--expires", required=True, help="30d, 12h or an ISO date; no later than the evidence.")
@click.option("--requested-by", required=True, help="Who asks.")
def request(
    name: str, public_key: str, evidence: Path | None, without_evidence: str | None, expires: str, requested_by: str
) -> None:
    """Ask for the outside check NAME; nothing of it is taken until somebody else approves it."""
    if evidence is not None and not evidence.is_file():
        raise NotFound(f"there is no evidence {evidence.name}")
    with installation() as app:
        check = app.outside_checks.request(
            name,
            public_key,
            evidence=None if evidence is None else evidence.read_bytes(),
            without_evidence=without_evidence,
            requested_by=requested_by,
            expires_at=until(expires),
        )
        _print(check)


@liveness.command("approve")
@click.argument("check_id")
@click.option("--approved-by", help="Who approves; not who asks. Default: your login name.")
def approve(check_id: str, approved_by: str | None) -> None:
    """Put a check in force; one is in force at a time."""
    with installation() as app:
        _print(app.outside_checks.approve(check_id, approved_by=approved_by or getpass.getuser()))


@liveness.command("end")
@click.argument("check_id")
@click.option("--why", default="ended by the operator", show_default=True, help="Why it ends.")
def end(check_id: str, why: str) -> None:
    """End a check at once, or refuse one that was asked for."""
    with installation() as app:
        _print(app.outside_checks.end(check_id, why))


@liveness.command("list")
def list_() -> None:
    """Every check, oldest first."""
    with installation(reads=True) as app:
        for each in app.outside_checks.all():
            _print(each)


def _print(check: OutsideCheck) -> None:
    evidence = f"evidence {check.evidence[:16]}…" if check.evidence else f"without evidence: {check.without_evidence}"
    state, until_ = check.state(datetime.now(UTC)), f"{check.expires_at:%Y-%m-%d %H:%M}"
    click.echo(f"{check.check_id}  {state:<9}  until {until_}  {check.name}, key {check.public_key[:16]}…, {evidence}")
