"""`countenance restore`: a backup into a data folder without an installation."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from countenance import settings
from countenance.cli.passphrases import passphrase_from, passphrase_option
from countenance.errors import BadRequest
from countenance.ledger import verifier


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@passphrase_option
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint file from elsewhere: tells which entries are newer than the backup (repeat).",
)
@click.option(
    "--erasures",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A newer `ledger export` of the same installation: what was erased or ended by then is again.",
)
@click.option("--despite", metavar="REASON", help="Restore although rows differ from the ledger; on record.")
def restore(
    file: Path, passphrase_file: Path | None, since: tuple[Path, ...], erasures: Path | None, despite: str | None
) -> None:
    """Put the backup FILE in place, once its ledger and every row that it bound are verified.

    Nothing is put over an installation that is there. The ledger records that it was restored. What was erased after
    the backup was made is there again, unless --erasures tells what that was.
    """
    from countenance.backup import restore as put_back
    from countenance.backup import sentences
    from countenance.database import shown

    own = settings.load()
    try:
        checkpoints = [verifier.read_checkpoint(each.read_bytes()) for each in since]
    except verifier.Unreadable as error:
        raise BadRequest(f"a file of --since is no checkpoint: {error}") from error
    passphrase = passphrase_from(passphrase_file, new=False)
    done = put_back(own, file, passphrase, lambda: datetime.now(UTC), checkpoints, despite, erasures)
    contents = done.contents
    click.echo(done.verification.report.sentence())
    for each in done.verification.wrong:
        click.echo(f"DIFFERENT: {each}")
    for each in done.newer:
        click.echo(f"LOST: {each}")
    if not since:
        click.echo(
            "whether entries are newer than this backup is not known: a checkpoint from elsewhere tells (--since)"
        )
    where = own.home if own.database is None else f"{own.home} and {shown(own.database)}"
    click.echo(f"restored into {where}: the backup of {contents.made_at}, {contents.entries} ledger entries")
    if done.again is None:
        click.echo("what was erased after that is there again: erase it again, or restore with --erasures")
    else:
        for each in sentences(done.again):
            click.echo(each)
    click.echo("see that no other server runs on a copy")
    if contents.origin and contents.origin != own.origin:
        click.echo(
            f"set COUNTENANCE_ORIGIN={contents.origin}: the ledger is of that name, and nothing serves without it"
        )
