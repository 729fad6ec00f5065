"""What outsiders are given: a folder that `verifier.py` checks off line, proofs of single entries and of growth."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from countenance.errors import Conflict, StoreError
from countenance.ledger import verifier
from countenance.ledger.checkpoint import SignedCheckpoint
from countenance.ledger.records import Records, StoredEntry

Watch = Callable[[Iterable[StoredEntry], int], Iterable[StoredEntry]]
"""(entries, how many) -> the same entries; shows progress on the way."""


def unwatched(rows: Iterable[StoredEntry], _total: int) -> Iterable[StoredEntry]:
    """Shows no progress."""
    return rows


def line_of(row: StoredEntry) -> bytes:
    """An entry and its receipt's signature as one line of JSON, which contains the entry's bytes unchanged."""
    signature = base64.b64encode(row.signature).decode()
    return f'{{"entry":{row.text},"signature":"{signature}"}}\n'.encode()


def export(records: Records, checkpoint: SignedCheckpoint, folder: Path, watch: Watch = unwatched) -> int:
    """Write the entries that `checkpoint` covers, and all checkpoints so far, into `folder`; returns how many were new.

    A folder that holds an earlier export, whole or interrupted, is continued: its last entry must be the ledger's, else
    `Conflict`. Private values stay here: an export holds commitments and no openings.
    """
    key = records.key
    if key is None:
        raise StoreError("the ledger is empty: there is nothing to export")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / verifier.ENTRIES).open("ab+") as file:
        there = _continued(records, file.fileno(), checkpoint.size)
        file.seek(0, os.SEEK_END)
        for row in watch(records.stored(there, checkpoint.size), checkpoint.size - there):
            file.write(line_of(row))
        file.flush()
        os.fsync(file.fileno())
    known = [note for note in records.notes() if SignedCheckpoint.parse(note).size <= checkpoint.size]
    _replace(folder / verifier.CHECKPOINTS, "".join(json.dumps(note) + "\n" for note in known))
    _replace(folder / verifier.KEY, f"{key}\n")
    return checkpoint.size - there


def prove_inclusion(records: Records, index: int, checkpoint: SignedCheckpoint) -> str:
    """A C2SP tlog-proof that carries entry `index` as its extra data; raises as `Records.inclusion`."""
    hashes = records.inclusion(index, checkpoint)
    entry = base64.b64encode(records.entry(index).text.encode()).decode()
    return f"c2sp.org/tlog-proof@v1\nextra {entry}\nindex {index}\n{_lines(hashes)}\n{checkpoint}"


def disclose(records: Records, index: int) -> str:
    """The private values of entry `index` that are not erased, with their salts, as lines of JSON.

    Whoever receives them can check them against the entry's commitments, so invented values would be noticed.
    """
    return "".join(
        json.dumps({"name": opening.name, "salt": opening.salt.hex(), "value": opening.value}) + "\n"
        for opening in records.stored_openings(index)
    )


def prove_growth(records: Records, old: SignedCheckpoint, new: SignedCheckpoint) -> str:
    """A proof that the ledger of `new` continues that of `old`, in the format of C2SP tlog-witness's add-checkpoint.
    Raises as `Records.consistency`.
    """
    return f"old {old.size}\n{_lines(records.consistency(old, new))}\n{new}"


def _lines(hashes: Iterable[bytes]) -> str:
    return "".join(base64.b64encode(value).decode() + "\n" for value in hashes)


def _continued(records: Records, handle: int, size: int) -> int:
    """How many whole lines of this ledger the file holds; a partly written line is cut off."""
    count, end, last = 0, 0, b""
    for line in _whole_lines(handle):
        count, end, last = count + 1, end + len(line), line
    if count > size:
        raise Conflict(f"the folder holds {count} entries already, the checkpoint speaks for {size}")
    if count and last != line_of(next(iter(records.stored(count - 1, count)))):
        raise Conflict(f"entry {count - 1} in the folder is not the ledger's: export into another folder")
    os.ftruncate(handle, end)
    return count


def _whole_lines(handle: int) -> Iterator[bytes]:
    with os.fdopen(os.dup(handle), "rb") as file:
        file.seek(0)
        for line in file:
            if line.endswith(b"\n"):
                yield line


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
