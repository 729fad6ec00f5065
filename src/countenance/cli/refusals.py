"""`countenance refusals`: what was refused, by mandate and clause."""

from __future__ import annotations

from datetime import UTC

import click

from countenance.cli.installation import installation
from countenance.cli.moments import ago


@click.command("refusals")
@click.option("--since", default="7d", show_default=True, help="7d, 12h or an ISO date.")
def refusals(since: str) -> None:
    """Count refused operations, the most frequent first.

    Programs written for AWS often catch every error, and then show a refusal as "nobody was found".
    """
    start = ago(since)
    with installation(reads=True) as app:
        counted = app.ledger.refusals(start)
        holders = {each.mandate_id: each.holder.name for each in app.mandates.list()} if counted else {}
    if not counted:
        click.echo(f"nothing was refused since {start:%Y-%m-%d %H:%M} UTC")
    for each in counted:
        cause = ", ".join(each.clauses) or each.refused_for
        last = each.last.astimezone(UTC)
        click.echo(
            f"{each.count:>7} x  {each.mandate_id}  {each.operation:<18} {cause}  last {last:%Y-%m-%d %H:%M} UTC  "
            f"{holders.get(each.mandate_id, '')}"
        )
