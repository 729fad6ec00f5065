"""`countenance backup`: the installation into one sealed file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from countenance import settings
from countenance.cli.passphrases import passphrase_from, passphrase_option
from countenance.errors import CountenanceError


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@passphrase_option
def backup(file: Path, passphrase_file: Path | None) -> None:
    """Write database, keys and calibration to FILE, sealed with a passphrase; a server may go on serving.

    FILE may not exist yet. It is of one moment, and was read again after it was written. Without the passphrase nobody
    can open it; models are not in it, since they are fetched by hash. The ledger says afterwards that it was made.
    """
    from countenance.backup import back_up
    from countenance.cli.ledger import ledger_alone
    from countenance.ledger import Safekeeping

    own = settings.load()
    contents = back_up(own, file, passphrase_from(passphrase_file, new=True), datetime.now(UTC))
    last = f", the last of {contents.last_entry_at}" if contents.last_entry_at else ""
    click.echo(f"{file}: {own.home} at {contents.made_at}, {contents.entries} ledger entries{last}")
    try:
        with ledger_alone() as log:
            Safekeeping(log).enter_backup(contents.entries)
    except CountenanceError as error:
        click.echo(f"the backup is whole, but the ledger does not say that it was made: {error}", err=True)
    click.echo("keep beside it, elsewhere: `countenance ledger checkpoint`, which tells later what a backup lacks")
