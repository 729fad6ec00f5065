"""A described service asked about every labelled picture: a table of what it said, for an audit of outcomes."""

from __future__ import annotations

import csv
import hashlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from countenance.audit.sources.live.adapter.description import AdapterFile
from countenance.audit.sources.live.adapter.service import DescribedService
from countenance.audit.sources.live.cassette import Cassette, Header, RecordedQuestion, RecordedReply
from countenance.audit.sources.live.cost import Estimate
from countenance.audit.sources.live.live_source import Pacer
from countenance.errors import BadRequest, NotFound
from countenance.progress import track

FACE = "face"
"""The class of a picture with a face, where faces are looked for."""
Sought = Literal["detect", "classify"]


@dataclass(frozen=True, slots=True)
class PictureTable:
    """Labelled pictures. columns, rows: the label table, row by row. paths, hashes: of each row's picture."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]
    paths: tuple[Path, ...]
    hashes: tuple[str, ...]


def read_pictures(labels: Path, folder: Path, column: str) -> PictureTable:
    """Read a CSV of labels, and hash the pictures that its `column` names, relative to `folder`.

    NotFound: no such table, or pictures are not there. BadRequest: no such column, a row without a file or with more
    cells than columns, a path out of the folder, a column that the answers would go into.
    """
    if not labels.is_file():
        raise NotFound(f"there is no table {labels.name}")
    try:
        text = labels.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadRequest(f"{labels.name} is not UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = tuple(reader.fieldnames or ())
        rows = tuple(dict(row) for row in reader)
    except csv.Error as error:
        raise BadRequest(f"{labels.name} is no CSV: {error}") from error
    if column not in columns:
        raise BadRequest(f"{labels.name} has no column {column!r}; it has {', '.join(columns) or 'none'}")
    for taken in ("predicted", "faces"):
        if taken in columns:
            raise BadRequest(f"{labels.name} has a column {taken!r} already, which the answers go into")
    root = folder.resolve()
    paths = []
    for at, row in enumerate(rows, 2):
        if None in row or None in row.values():
            raise BadRequest(f"row {at} of {labels.name} has not as many cells as there are columns")
        if not row[column].strip():
            raise BadRequest(f"row {at} of {labels.name} names no file")
        paths.append(root / row[column].strip())
    outside = sum(not path.resolve().is_relative_to(root) for path in paths)
    if outside:
        raise BadRequest(f"{outside} files of {labels.name} lie outside the image folder")
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise NotFound(f"{len(missing)} of {len(paths)} images are not there, the first {missing[0].name}")
    if not paths:
        raise BadRequest(f"{labels.name} has no rows")
    hashes = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in paths)
    return PictureTable(columns, rows, tuple(paths), hashes)


def ask_about(
    table: PictureTable,
    what: Sought,
    file: AdapterFile,
    service: DescribedService | None,
    tape: Path,
    agree: Callable[[Estimate], None],
    pacer: Pacer | None = None,
) -> list[RecordedReply]:
    """One reply a row. service None: replay. tape: where answers are kept, as in a live audit. agree: told the cost.

    An interrupt loses nothing: run it again with the same cassette.
    """
    if service is None:
        cassette = Cassette(tape, None)
    else:
        cassette = Cassette(tape, Header(f"{service.client} {what}", service.models, service.settings))
        calls = sum(cassette.known(RecordedQuestion(what, (one,))) is None for one in set(table.hashes))
        adapter = file.adapter
        seconds, cost = calls / adapter.calls_per_second, calls * adapter.price.per_call
        agree(Estimate(calls, 0, seconds, cost, adapter.price, False, service.described.asked))
    waiting = pacer or Pacer(file.adapter.calls_per_second, time.monotonic, time.sleep)

    def reply(at: int) -> RecordedReply:
        def call() -> RecordedReply:
            assert service is not None
            waiting.wait()
            image = table.paths[at].read_bytes()
            return service.detect(image) if what == "detect" else service.classify(image)

        return cassette.ask(RecordedQuestion(what, (table.hashes[at],)), call)

    return [reply(at) for at in track(range(len(table.rows)), "images", len(table.rows), "images")]


def answers_csv(table: PictureTable, what: Sought, replies: list[RecordedReply]) -> str:
    """The label table with what was said: `predicted` (empty: no answer) and `faces`. Where faces are looked for and
    the table has no column `truth`, every picture is taken to hold one."""
    out = io.StringIO(newline="")
    truth = ("truth",) if what == "detect" and "truth" not in table.columns else ()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*table.columns, *truth, "predicted", "faces"])
    for row, reply in zip(table.rows, replies, strict=True):
        answer = reply.label if what == "classify" else FACE
        predicted = answer if reply.state == "answered" else ""
        writer.writerow([*(row[name] for name in table.columns), *(FACE for _ in truth), predicted, reply.faces])
    return out.getvalue()
