"""`countenance database`: where everything is kept."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from countenance import settings


@click.group("database")
def database() -> None:
    """Where everything is kept: a SQLite file, or PostgreSQL."""


@database.command("move")
def move() -> None:
    """Copy this installation from its SQLite file into the database that COUNTENANCE_DATABASE names.

    Stop the server first. The database must be empty, or hold what an interrupted move left: that goes on where it
    stopped. Every row is compared, and the ledger and all that it bound are verified, before a server can open it. The
    file stays, and no server opens it again.
    """

    from countenance.moving import move as copy

    def copied(table: str, rows: int) -> None:
        click.echo(f"{table}: {rows} rows", err=True)

    moved = copy(settings.load(), lambda: datetime.now(UTC), copied)
    click.echo(moved.report)
    click.echo(f"moved: {sum(moved.rows.values())} rows of {len(moved.rows)} tables, each as it was")
    click.echo("the SQLite file still holds all that there was: destroy it once the new database has backups")
