"""How a text file of columns is written: its encoding, its delimiter and its header, found by looking at it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from countenance.errors import BadRequest

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_LOOKED_AT = 2**16
_PIECE = 2**22
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {"utf-8": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "utf-32": "UTF-32",
          "cp1252": "Windows-1252 (Latin-1)"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """How a file is written.

    encoding: for `open`. columns: names of all columns, each once: a second "priors" is "priors (2)", a column without
    a name is "column 3". skipped: lines before the header. findings: what is unusual about it, for the report.
    """

    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    skipped: int
    findings: tuple[str, ...]


def look_at(path: Path, wanted: Sequence[str] = ()) -> Written:
    """Find out how the file is written. wanted: columns that should be there, which decide between delimiters.

    BadRequest: an empty file, bytes that are no text, or letters of an encoding that nothing in the file names.
    """
    encoding = encoding_of(path)
    with path.open(encoding=encoding) as file:  # whatever ends a line: CR alone does in files of old Excels for Mac
        start = file.read(_LOOKED_AT)
    start = start.removeprefix("\ufeff")
    skipped = 0
    separator = re.match(r"sep=(.)\n", start, re.IGNORECASE)
    if separator:  # Excel's own way to name the delimiter
        start, skipped = start[separator.end() :], 1
    if not start.strip():
        raise BadRequest(f"{path.name} is empty")
    delimiter = separator[1] if separator else _delimiter(start, path.suffix.lower(), wanted)
    header = next(csv.reader(io.StringIO(start), delimiter=delimiter))
    findings = []
    if encoding != "utf-8":
        findings.append(f"{path.name} is read as {_NAMES[encoding]}: it is not UTF-8")
    if delimiter != ("\t" if path.suffix.lower() == ".tsv" else ","):
        findings.append(f"the columns of {path.name} are read as divided by {DELIMITERS.get(delimiter, delimiter)}")
    return Written(encoding, delimiter, tuple(_once(header)), skipped, tuple(findings))


def encoding_of(path: Path) -> str:
    """UTF-8 where the whole file is; else what its first bytes say; else Windows-1252, where that makes sense."""
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding if _decodes(path, encoding) else _not_text(path)
    if b"\0" in start:
        even, odd = start[::2].count(0), start[1::2].count(0)
        encoding = "utf-16-le" if odd > even else "utf-16-be"
        mostly = max(even, odd) * 4 > len(start) and min(even, odd) == 0
        return encoding if mostly and _decodes(path, encoding) else _not_text(path)
    if _decodes(path, "utf-8"):
        return "utf-8"
    if _decodes(path, "cp1252") and _western(path):
        return "cp1252"
    raise BadRequest(
        f"{path.name} is neither UTF-8 nor in Western letters (Windows-1252), and does not say what it is: groups "
        "would get wrong names. Write it as CSV in UTF-8"
    )


def _western(path: Path) -> bool:
    """Whether letters beyond ASCII stand alone or in pairs, as in Western languages.

    Other alphabets have runs of them. So has UTF-8 with a broken letter somewhere, whose other letters are whole.
    """
    alone = together = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            for run in re.findall(rb"[\x80-\xff]+", piece):
                if len(run) > 2 or _is_utf8(run):
                    together += len(run)
                else:
                    alone += len(run)
    return alone >= together


def _is_utf8(letters: bytes) -> bool:
    try:
        letters.decode()
    except UnicodeDecodeError:
        return False
    return True


def _not_text(path: Path) -> str:
    raise BadRequest(f"{path.name} is no text file: write it as CSV in UTF-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while piece := file.read(_PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _delimiter(start: str, ending: str, wanted: Sequence[str]) -> str:
    """The one whose header has the most of the wanted columns, then the one that gives every row the same width."""
    usual = "\t" if ending == ".tsv" else ","
    complete = start if len(start) < _LOOKED_AT else start[: start.rfind("\n") + 1] or start
    scores = {}
    for delimiter in DELIMITERS:
        rows = [row for row in csv.reader(io.StringIO(complete), delimiter=delimiter) if row][:50]
        present = sum(name in _once(rows[0]) for name in wanted)
        even = all(len(row) == len(rows[0]) for row in rows)
        scores[delimiter] = (present, len(rows[0]) > 1 and even, len(rows[0]), delimiter == usual)
    return max(scores, key=lambda delimiter: scores[delimiter])


def _once(header: Sequence[str]) -> list[str]:
    """The names without blanks around them, each made different from those before it."""
    names: list[str] = []
    for at, raw in enumerate(header):
        name = raw.strip() or f"column {at + 1}"
        again, times = name, 1
        while again in names:
            times += 1
            again = f"{name} ({times})"
        names.append(again)
    return names


def first_of(name: str) -> str:
    """The name that a repeated column had in the file: "priors" for "priors (2)"."""
    return re.sub(r" \(\d+\)$", "", name)
