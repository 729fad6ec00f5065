"""What was erased and revoked after a backup was made, from a newer export of its ledger; and doing it again.

Entries say which rows ceased to stand, by commitments that the installation's key makes: a restored row with such a
commitment was erased. So an export, which holds nothing private, tells a backup what it must not bring back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from countenance.app import Countenance
from countenance.database import reading
from countenance.errors import BadRequest
from countenance.gallery import gallery_rows
from countenance.ledger import Records, verifier
from countenance.mandates import MandateState
from countenance.settings import PROFILES, Settings
from countenance.signing import JSON

_RESTORED = "this was ended after the backup was made"


@dataclass(frozen=True, slots=True)
class LaterErasures:
    """What later entries erased and ended.

    size: entries of the export. gone: commitments by table. dropped: tables. openings: (entry, name) of private values.
    mandates, operators, moratoria, audits: ids that were ended, revoked, set and erased.
    """

    size: int
    gone: Mapping[str, frozenset[str]]
    dropped: frozenset[str]
    openings: tuple[tuple[int, str], ...]
    mandates: tuple[str, ...]
    operators: tuple[str, ...]
    moratoria: tuple[str, ...]
    audits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErasedAgain:
    """How many of each were erased or ended again. moratoria: ids that have to be set again, by their setters."""

    size: int
    faces: int
    galleries: int
    openings: int
    mandates: int
    operators: int
    moratoria: tuple[str, ...]
    audits: int = 0


def read_later(folder: Path, records: Records, size: int, keys: Sequence[verifier.Key]) -> LaterErasures:
    """Read the export in `folder`, which must continue the first `size` entries of `records`.

    keys: that ledger's. `BadRequest` where the export was altered, is of another ledger or of another continuation of
    this one, or is older.
    """
    every = [verifier.read_checkpoint(note.encode()) for note in records.notes()]
    notes = [each for each in every if each.size <= size]  # restoring made one of its own
    try:
        report = verifier.verify_folder(folder, keys, notes, [])
    except verifier.Unreadable as error:
        raise BadRequest(f"{folder.name} is no export of a ledger: {error}") from error
    if report.findings:
        raise BadRequest(f"the export {folder.name} does not continue this ledger: {report.findings[0].text}")
    if report.size < size:
        raise BadRequest(f"the export {folder.name} has {report.size} entries, the backup {size}: it is older")
    signed = max((note.size for note in notes), default=0)
    with (folder / verifier.ENTRIES).open("rb") as lines:
        own = {row.sequence: json.loads(row.text) for row in records.stored(signed, size)}
        later: list[dict[str, Any]] = []
        for sequence, line in enumerate(lines):
            if sequence < signed:
                continue
            entry = json.loads(line)["entry"]
            if sequence >= size:
                later.append(entry)
            elif entry != own[sequence]:
                raise BadRequest(f"the export {folder.name} is of another ledger from entry {sequence} on")
    return _gathered(report.size, later)


def _gathered(size: int, later: Iterable[Mapping[str, Any]]) -> LaterErasures:
    gone: dict[str, set[str]] = {}
    dropped: set[str] = set()
    openings: list[tuple[int, str]] = []
    changed: dict[str, list[str]] = {"mandate": [], "operator": [], "moratorium": [], "audit": []}
    verbs = {"mandate": "ended", "operator": "revoked", "moratorium": "set", "audit": "erased"}
    for entry in later:
        kind = str(entry.get("kind"))
        if kind == "state":
            dropped |= set(entry.get("dropped", ()))
            for table, commitments in entry.get("released", {}).items():
                gone.setdefault(table, set()).update(commitments)
            for table, commitments in entry.get("bound", {}).items():
                gone.get(table, set()).difference_update(commitments)
        elif kind == "erasure":
            openings += [(int(sequence), str(name)) for sequence, name in entry["erased"]]
        elif kind in verbs and entry.get("change") == verbs[kind]:
            changed[kind].append(str(entry[kind]))
    return LaterErasures(
        size,
        {table: frozenset(some) for table, some in gone.items()},
        frozenset(dropped),
        tuple(openings),
        *(tuple(changed[kind]) for kind in verbs),
    )


def erase_again(own: Settings, later: LaterErasures) -> ErasedAgain:
    """Erase and end in the installation `own` what `later` says; every step is an entry of its ledger."""
    app = Countenance.open(replace(own, profile=PROFILES[0]))  # galleries are there whatever is recognised
    try:
        app.ledger.append({"kind": "alarm", "what": "erases again what was erased", "entries": later.size}).wait()
        galleries = faces = 0
        for gallery, gone, ids in _galleries(app, later):
            if gone:
                app.gallery.delete(gallery)
                galleries += 1
            elif ids:
                faces += len(app.gallery.erase(gallery, ids).deleted)
        return ErasedAgain(
            later.size, faces, galleries, _openings(app, later), _mandates(app, later), _operators(app, later),
            later.moratoria, _audits(app, later),
        )  # fmt: skip
    finally:
        app.close()


def _galleries(app: Countenance, later: LaterErasures) -> list[tuple[str, bool, list[str]]]:
    """Every gallery that lost something: its id, whether it is gone itself, and which faces are."""
    named: dict[str, tuple[str, bool]] = {}
    lost: dict[str, list[str]] = {}
    with reading(app.database) as connection:
        for row, _ in gallery_rows(connection):
            erased = app.bindings.commitment(row) in later.gone.get(row.table, ())
            if row.table == "galleries":
                named[f"faces {row.values[0]!s}"] = str(row.values[1]), erased
            elif row.table.startswith("faces ") and (erased or row.table in later.dropped):
                lost.setdefault(row.table, []).append(str(row.values[0]))
    return [(gallery, gone, lost.get(table, [])) for table, (gallery, gone) in named.items() if gone or table in lost]


def _openings(app: Countenance, later: LaterErasures) -> int:
    """Private values that are there still: most went with the faces that they name."""
    there: dict[int, Mapping[str, JSON]] = {}
    erased = 0
    size = app.ledger.size
    for sequence, name in later.openings:
        if sequence >= size:
            continue
        if sequence not in there:
            there[sequence] = app.ledger.openings(sequence)
        if name in there[sequence]:
            erased += app.ledger.erase_openings(sequence, name)
    return erased


def _mandates(app: Countenance, later: LaterErasures) -> int:
    standing = {each.mandate_id: each for each in app.register.list()}
    over = (MandateState.REVOKED, MandateState.REFUSED)
    wanted = [
        each for each in later.mandates if each in standing and standing[each].state(app.mandates.now()) not in over
    ]
    for mandate_id in wanted:
        app.mandates.end(mandate_id, _RESTORED)
    return len(wanted)


def _operators(app: Countenance, later: LaterErasures) -> int:
    wanted = [each for each in app.operators.all() if each.operator_id in later.operators and each.revoked_at is None]
    for operator in wanted:
        app.operators.revoke(operator.name)
    return len(wanted)


def _audits(app: Countenance, later: LaterErasures) -> int:
    there = {each.audit_id for each in app.audits.all()} & set(later.audits)
    for audit_id in sorted(there):
        app.audits.erase(audit_id, None)
    return len(there)


def sentences(done: ErasedAgain) -> Iterator[str]:
    """What was done again, for people."""
    yield (
        f"erased again: {done.faces} faces, {done.galleries} galleries, {done.openings} private values, "
        f"{done.audits} audits; ended again: {done.mandates} mandates, {done.operators} operators "
        f"(by an export of {done.size} entries)"
    )
    for each in done.moratoria:
        yield f"set the moratorium {each} again: it was set after the backup, and only its setters can"
