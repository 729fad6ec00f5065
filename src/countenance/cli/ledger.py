"""`countenance ledger`: show, verify, prove and export the record, and put right what only an operator can."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from sqlalchemy import Engine

from countenance import settings
from countenance.cli.installation import installation
from countenance.database import open_database
from countenance.errors import BadRequest
from countenance.home import private_home
from countenance.ledger import (
    Ledger,
    NoteKey,
    Records,
    Safekeeping,
    SignedCheckpoint,
    StoredEntry,
    disclose,
    export,
    prove_growth,
    prove_inclusion,
    verifier,
)
from countenance.progress import track
from countenance.settings import Settings
from countenance.signing import Signer

ledger = click.Group("ledger", help="Show, verify, prove and export the record.")


@ledger.command("show")
@click.argument("index", type=int, required=False)
@click.option("--last", default=20, show_default=True, help="How many entries, without INDEX.")
@click.option("--kind", help="Only entries of this kind.")
@click.option("--open", "only_open", is_flag=True, help="Decisions that no result has followed.")
@click.option("--private", is_flag=True, help="With INDEX: the private values that are not erased, too.")
def show(index: int | None, last: int, kind: str | None, only_open: bool, private: bool) -> None:
    """Print entry INDEX with its receipt, or the newest entries, one JSON object a line."""
    with _database(settings.load()) as database:
        records = Records(database)
        if index is not None:
            _show_entry(records, index, private)
            return
        from countenance.verification import newest_entries

        for entry in records.open_decisions() if only_open else newest_entries(records, last, kind):
            click.echo(entry.text)


def _show_entry(records: Records, index: int, private: bool) -> None:
    entry = records.entry(index)
    click.echo(json.dumps(dict(entry.fields), indent=2, sort_keys=True, ensure_ascii=False))
    click.echo(f"receipt: {records.receipt(index).header()}")
    if private:
        kept = records.openings(index)
        for name in entry.commitments:
            value = json.dumps(kept[name], ensure_ascii=False) if name in kept else "(erased)"
            click.echo(f"private {name}: {value}")


@ledger.command("verify")
@click.argument("path", type=click.Path(exists=True, path_type=Path), required=False)
@click.option(
    "--key", multiple=True, help="A key of the ledger (name+id+base64), from a source that you trust (repeat)."
)
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint file from earlier (repeat).",
)
@click.option("--receipt", multiple=True, help="A receipt that was given out (repeat).")
@click.option(
    "--openings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With a proof at PATH: private values that were disclosed.",
)
@click.pass_context
def verify(
    context: click.Context,
    path: Path | None,
    key: tuple[str, ...],
    since: tuple[Path, ...],
    receipt: tuple[str, ...],
    openings: Path | None,
) -> None:
    """Verify the ledger of this installation, or an exported folder or a proof at PATH.

    Names the first entry that was changed, removed, moved or added, every row that differs from what the entries
    recorded, and every opening that is not that of its commitment; then exits with status 1.
    """
    damaged: tuple[int, ...] = ()
    different: tuple[str, ...] = ()
    try:
        trusted = [verifier.read_key(text) for text in key]
        checkpoints = [verifier.read_checkpoint(file.read_bytes()) for file in since]
        receipts = [verifier.read_receipt(text) for text in receipt]
        if path is not None:
            disclosed = verifier.read_openings(openings.read_bytes()) if openings else []
            report = verifier.verify(path, trusted, checkpoints, receipts, disclosed)
        else:
            from countenance.verification import verify_installation

            own = settings.load()
            with _database(own) as database:
                checked = verify_installation(own, database, trusted, checkpoints, receipts, _watch)
            report, damaged, different = checked.report, checked.damaged, checked.different
    except verifier.Unreadable as error:
        raise BadRequest(f"cannot check: {error}") from error
    click.echo(verifier.say(report), nl=False)
    if damaged:
        from countenance.verification import damage

        for row in damaged:
            click.echo(damage(row))
    for each in different:
        click.echo(f"ALTERED: {each}")
    if report.findings or damaged or different:
        context.exit(1)


@ledger.command("prove")
@click.argument("index", type=int, required=False)
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Prove that the ledger continues the one of this checkpoint file.",
)
@click.option("--output", "-o", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Default: stdout.")
@click.option(
    "--openings",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Disclose the private values of entry INDEX into this file.",
)
def prove(index: int | None, since: Path | None, output: Path | None, openings: Path | None) -> None:
    """Write a proof that entry INDEX is recorded, or with --since that the ledger only grew. `verify` checks either."""
    if (index is None) == (since is None) or (openings is not None and index is None):
        raise BadRequest("name an entry by its INDEX, or an older checkpoint with --since, and not both")
    with ledger_alone() as log:
        checkpoint = log.checkpoint()
        if since is not None:
            proof = prove_growth(log, SignedCheckpoint.parse(since.read_bytes()), checkpoint)
        else:
            assert index is not None
            proof = prove_inclusion(log, index, checkpoint)
            if openings is not None:
                openings.write_text(disclose(log, index), encoding="utf-8", newline="\n")
    if output is None:
        click.echo(proof, nl=False)
    else:
        output.write_text(proof, encoding="utf-8", newline="\n")


@ledger.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export_(folder: Path) -> None:
    """Write the ledger into FOLDER for verification elsewhere; an earlier or interrupted export is continued.

    An export holds commitments only, nothing that is private.
    """
    with ledger_alone() as log:
        checkpoint = Safekeeping(log).give_checkpoint()
        new = export(log, checkpoint, folder, _watch)
    click.echo(f"{folder}: {checkpoint.size} entries, {new} of them new; check it with `countenance ledger verify`")


@ledger.command("checkpoint")
def checkpoint() -> None:
    """Print a signed checkpoint of all that is recorded now, for others to keep."""
    with ledger_alone() as log:
        click.echo(str(Safekeeping(log).give_checkpoint()), nl=False)


@ledger.command("key")
def key() -> None:
    """Print the public key that signs the ledger now, for others to keep."""
    with ledger_alone() as log:
        click.echo(str(log.verifier_key))


@ledger.command("clock")
@click.option("--reason", required=True, help="Why the clock was put back; it is recorded.")
def clock(reason: str) -> None:
    """Go on after the clock of this machine was put back.

    While the clock is behind the last entry nothing is recorded and nothing is answered. Set the clock right first;
    then this records the step, so that the gap can be seen.
    """
    with ledger_alone() as log:
        receipt = log.accept_clock(reason)
    click.echo(f"entry {receipt.index} records the step; receipt {receipt.header()}")


@ledger.command("accept")
@click.option("--reason", required=True, help="Why the rows are right as they are; it is recorded.")
def accept(reason: str) -> None:
    """Bind all rows as they are in the database now, after `verify` found that some differ from the record.

    For a database that was mended by hand. What the ledger said before stays in it, and so does the reason.
    """
    with installation() as app:
        ended = app.accept_state(reason)
    click.echo(f"{ended} differences ended; all rows are bound as they are")


@ledger.command("rotate")
def rotate() -> None:
    """Let a new key sign from now on: the last entry under the old key names it. Restart a running server after it."""
    own = settings.load()
    coming = own.keys / "ledger.next"
    with _database(own) as database:
        newest = Records(database).last_checkpoint()
        successor = Signer.from_file(coming)
        if newest is None or not newest.signed_by(NoteKey(own.origin, successor.public)):
            with closing(Ledger(database, _signer(own), own.origin, _now)) as old:
                old.hand_over(successor)
    coming.replace(_key_file(own))
    click.echo(str(NoteKey(own.origin, successor.public)))


def _now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def _database(own: Settings) -> Iterator[Engine]:
    private_home(own.home)
    database = open_database(own.place)
    try:
        yield database
    finally:
        database.dispose()


@contextmanager
def ledger_alone() -> Iterator[Ledger]:
    """The ledger of this installation alone; no models are loaded."""
    own = settings.load()
    with _database(own) as database, closing(Ledger(database, _signer(own), own.origin, _now)) as log:
        yield log


def _signer(own: Settings) -> Signer:
    return Signer.from_file(_key_file(own))


def _key_file(own: Settings) -> Path:
    return own.keys / "ledger.key"


def _watch(rows: Iterable[StoredEntry], total: int) -> Iterator[StoredEntry]:
    return track(rows, "entries", total, "entries")
