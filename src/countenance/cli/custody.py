"""`countenance custody`: review held results, record authorisations, end terms, count for reports."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, date, datetime

import click

from countenance.cli.installation import installation
from countenance.custody import AuthorisationOutcome, Hold

custody = click.Group("custody", help="Results that wait for people, terms that end, reports that laws want.")
_who = click.option("--as", "name", help="Who speaks. Default: your login name.")


@custody.command("list")
def list_() -> None:
    """Every result in custody, oldest first."""
    with installation(reads=True) as app:
        for hold in app.custodian.holds():
            click.echo(_line(hold))


@custody.command("show")
@click.argument("hold_id")
@_who
def show(hold_id: str, name: str | None) -> None:
    """One held result, with what it says, for its reviewers; that you looked is recorded."""
    with installation(reads=True) as app:
        click.echo(_line(app.custodian.show(hold_id)))
        click.echo(json.dumps(app.custodian.contents_for(hold_id, name or getpass.getuser()), indent=2))


@custody.command("review")
@click.argument("hold_id")
@click.option("--agree/--disagree", "agrees", required=True, help="Whether you verified it, on your own.")
@_who
def review(hold_id: str, agrees: bool, name: str | None) -> None:
    """Say whether a held result is right; not for whoever asked for it."""
    with installation() as app:
        click.echo(_line(app.custodian.review(hold_id, name or getpass.getuser(), agrees=agrees)))


@custody.command("authorise")
@click.argument("hold_id")
@click.option("--outcome", type=click.Choice([*AuthorisationOutcome]), required=True)
@_who
def authorise(hold_id: str, outcome: str, name: str | None) -> None:
    """Record that authorisation was asked for, granted or refused; a refusal destroys the result."""
    with installation() as app:
        by = name or getpass.getuser()
        click.echo(_line(app.custodian.authorise(hold_id, by, AuthorisationOutcome(outcome))))


@custody.command("sweep")
def sweep() -> None:
    """Erase every face whose term has ended; the server does so every minute."""
    with installation() as app:
        click.echo(f"{app.custodian.sweep()} faces erased")


@custody.command("report")
@click.option("--from", "first", required=True, help="First day, such as 2026-01-01 (UTC).")
@click.option("--to", "last", help="Last day, included. Default: today.")
def report(first: str, last: str | None) -> None:
    """Count decisions, refusals by clause and the counters that laws want, from the ledger."""
    try:
        days = date.fromisoformat(first), date.fromisoformat(last) if last else datetime.now(UTC).date()
    except ValueError as error:
        raise click.BadParameter("a day is written 2026-01-31") from error
    with installation(reads=True) as app:
        totals = app.custodian.report(*days)
        counts = {
            "from": totals.first.isoformat(),
            "to": totals.last.isoformat(),
            "decisions": totals.decisions,
            "refusals_by_clause": totals.refusals_by_clause,
            "counters": totals.counters,
        }
        click.echo(json.dumps(counts, indent=2))


def _line(hold: Hold) -> str:
    due = f", authorisation due {hold.authorise_by:%Y-%m-%d %H:%M} UTC" if hold.authorise_by else ""
    return (
        f"{hold.hold_id}  {hold.state(datetime.now(UTC)):<9}  entry {hold.decision}  {hold.mandate_id}  "
        f"{len(hold.agreed)} of {hold.reviewers} agree, {len(hold.disagreed)} disagree{due}"
    )
