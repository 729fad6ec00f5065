"""A table of pictures, their ids and users: as spreadsheets write it, or refused by its row before anything begins."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path

from countenance.cli.enrol.names import checked_id, checked_user, printed
from countenance.errors import BadRequest

_COLUMNS = ("path", "id", "user")
_DELIMITERS = ",;\t"
_SEPARATOR = "sep="  # a first line that Excel reads and writes


def manifest_rows(manifest: Path) -> Iterator[tuple[str, str, str, str | None]]:
    """Where each row of a table stands, in words, its path, its id, and its user if it has one.

    `BadRequest`: a column that is missing, unknown or there twice; an id or user that cannot be one; a path twice.
    """
    seen = set[str]()
    for number, row in _rows(manifest):
        where = f"{manifest.name}, row {number}"
        name, identity, user = (row.get(column, "").strip() for column in _COLUMNS)
        if not name or "\0" in name:
            raise BadRequest(f"{where}: a path lies below the folder, got {name!r}")
        if name in seen:
            raise BadRequest(f"{where}: {printed(name)} stands in a row before")
        seen.add(name)
        yield where, name, checked_id(identity, where), checked_user(user, where) if user else None


def _rows(manifest: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row with its number, as spreadsheets count: the header is row 1."""
    lines = _text(manifest).splitlines(keepends=True)
    before = 1 if lines and lines[0].strip().casefold().startswith(_SEPARATOR) else 0
    lines = lines[before:]
    first = lines[0] if lines else ""
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        table = csv.DictReader(io.StringIO("".join(lines), newline=""), restval="", delimiter=delimiter, strict=True)
        table.fieldnames = [name.strip().casefold() for name in table.fieldnames or ()]
        _check_columns(manifest, table.fieldnames)
        for row in table:
            where = table.line_num + before
            if any(row.pop(None, ())) or row.pop("", ""):
                raise BadRequest(f"{manifest.name}, row {where}: more cells than columns")
            yield where, row
    except csv.Error as error:
        raise BadRequest(f"{manifest.name} cannot be read as a table: {error}") from error


def _check_columns(manifest: Path, columns: list[str]) -> None:
    named = [name for name in columns if name]  # spreadsheets leave columns behind that have neither name nor cells
    if not {"path", "id"} <= set(named) or set(named) - set(_COLUMNS) or len(set(named)) < len(named):
        raise BadRequest(
            f"{manifest.name} has the columns path, id and, if wanted, user, each once; "
            f"got {', '.join(repr(name) for name in columns[:10]) or 'none'}"
        )


def _text(manifest: Path) -> str:
    """UTF-8, or UTF-16 where the file begins as such."""
    content = manifest.read_bytes()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise BadRequest(
            f"{manifest.name} is not a CSV file in UTF-8 or UTF-16, from row {row} on: save it as UTF-8"
        ) from error
