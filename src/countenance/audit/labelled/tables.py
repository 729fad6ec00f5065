"""Columns of CSV and Parquet files with millions of rows, and errors that name the column.

How a text file is written (its encoding, its delimiter, its header) is found by looking at it. So is what may not mean
what it says: scores that stand for none, units mixed, rows that are there more than once. Whoever made the plan knows
what they mean, so the messages name the plan's key.
"""

from __future__ import annotations

import codecs
import csv
import functools
import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from unicodedata import category, normalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from countenance.errors import BadRequest, NotFound

Numbers = NDArray[np.float64]
Codes = NDArray[np.int32]
"""Positions in a list of names, shape (n,), int32; -1 where nothing was told."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """Some columns of a file. name: how messages call it. findings: what was unusual about the file."""

    name: str
    data: Any
    findings: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows."""
        return int(self.data.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(self.data.column_names)

    def column(self, name: str) -> Any:
        """The column as a pyarrow ChunkedArray; a missing one is a `BadRequest` that lists those there are."""
        if name not in self.columns:
            raise BadRequest(f"{self.name} has no column {name!r}; it has {', '.join(self.columns)}")
        return self.data.column(name)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """The column as float64, shape (rows,), NaN where the cell is empty or says NA.

        Text or infinity is a `BadRequest` that names the row, counted as spreadsheets do: the header is row 1.
        """
        column = self.column(name)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            numbers = _read_numbers(column.to_pylist(), name, self.name, range(2, self.rows + 2))
        else:
            try:
                values = pc.cast(column, pa.float64())
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise BadRequest(f"column {name!r} of {self.name} holds something that is no number") from error
            numbers = np.asarray(pc.fill_null(values, float("nan")).to_numpy(), np.float64)
        if len(where := np.flatnonzero(np.isinf(numbers))):
            raise BadRequest(
                f"column {name!r} of {self.name} holds {len(where)} infinite numbers, the first in row {where[0] + 2}"
            )
        return numbers

    def texts(self, *names: str) -> tuple[list[Codes], tuple[str, ...]]:
        """Several columns as codes into one sorted list of names, and that list. Empty cells are -1.

        Letters that Unicode writes in two ways are one: "é" is not told from "e" with an accent after it.
        """
        try:
            chunks = [chunk for name in names for chunk in _dictionary(self.column(name)).chunks]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BadRequest(f"{listed_names(names)} of {self.name}: not texts or numbers") from error
        if not chunks:
            return [np.empty(0, np.int32) for _ in names], ()
        unified = pa.chunked_array(chunks).unify_dictionaries()
        raw = [
            "" if text is None else normalize("NFC", str(text)).strip()
            for text in unified.chunk(0).dictionary.to_pylist()
        ]
        distinct = natural({text for text in raw if text})
        place = {text: at for at, text in enumerate(distinct)}
        meaning = np.array([*(place.get(text, -1) for text in raw), -1], np.int32)
        indices = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in unified.chunks]
        codes = meaning[np.concatenate(indices)]
        return list(codes.reshape(len(names), self.rows)), tuple(distinct)

    def flags(self, name: str) -> NDArray[np.bool_]:
        """The column as bool: 1/0, true/false, yes/no, same/different, genuine/impostor. Anything else: BadRequest."""
        (codes,), names = self.texts(name)
        if len(where := np.flatnonzero(codes < 0)):
            raise BadRequest(
                f"column {name!r} of {self.name} has {len(where)} empty cells, the first in row {where[0] + 2}"
            )
        unknown = [at for at, text in enumerate(names) if flag_of(text) is None]
        if unknown:
            row = int(np.flatnonzero(np.isin(codes, unknown))[0])
            raise BadRequest(
                f"column {name!r} of {self.name} says 1/0, true/false or same/different, got {names[codes[row]]!r} "
                f"in row {row + 2}"
            )
        meaning = np.array([flag_of(text) is True for text in names], bool)
        return meaning[codes] if len(codes) else np.empty(0, bool)


def flag_of(text: str) -> bool | None:
    """What a word means where it can be true or false; None: neither."""
    return True if text.lower() in _YES else False if text.lower() in _NO else None


def plain(spelling: str) -> str:
    """A text without what people type differently: case, kinds of blanks, underscores and hyphens, a last full stop."""
    text = normalize("NFKC", spelling).casefold()
    text = "".join(c for c in text if category(c) != "Cf")
    return re.sub(r"[\s_\-]+", " ", text).strip(" .") if any(c.isalpha() for c in text) else text.strip()


def natural(names: Iterable[str]) -> list[str]:
    """Names in the order that people expect: "3-9" before "10-19"."""
    return sorted(names, key=lambda name: [(part.isdecimal(), int(part) if part.isdecimal() else 0, part)
                                           for part in re.split(r"([0-9]+)", name)])  # fmt: skip


def _dictionary(column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        return column.cast(pa.dictionary(pa.int32(), pa.string()))
    if pa.types.is_floating(column.type):  # ids that look like numbers: 7, not 7.0
        whole = pc.cast(pc.round(column), pa.int64(), safe=False)
        if pc.all(pc.fill_null(pc.equal(pc.cast(whole, pa.float64(), safe=False), column), True)).as_py():
            column = whole
    return pc.cast(column, pa.string()).dictionary_encode()


_YES = frozenset({"1", "true", "yes", "y", "t", "same", "genuine", "mated", "match"})
_NO = frozenset(
    {"0", "false", "no", "n", "f", "different", "impostor", "imposter", "nonmated", "non-mated", "nonmatch"}
)


def read_table(
    path: Path, columns: Sequence[str] | None = None, optional: Sequence[str] = (), numbers: Sequence[str] = ()
) -> LabelTable:
    """Read `columns` (None: all) of a .csv, .tsv or .parquet file, and those of `optional` that are there.

    numbers: those of them that are read as numbers; the others are texts. Text files may be in UTF-8, UTF-16 or
    Windows-1252, and divided by commas, semicolons, tabs or bars: how one was read is in the table's findings.
    NotFound: no such file. BadRequest: a missing column, one of two different columns of one name, a damaged file, or
    an ending that is not read here.
    """
    if not path.is_file():
        raise NotFound(f"there is no file {path.name}")
    ending = path.suffix.lower()
    try:
        if ending == ".parquet":
            return _read_parquet(path, columns, optional)
        if ending in (".csv", ".tsv", ".txt"):
            return _read_text(path, columns, optional, numbers)
    except pa.ArrowInvalid as error:
        raise BadRequest(_damage(path.name, str(error))) from error
    save = "; save the sheet as CSV" if ending in (".xlsx", ".xls", ".ods") else ""
    save = "; unpack it first" if ending in (".gz", ".zip", ".bz2", ".xz", ".zst", ".7z") else save
    raise BadRequest(f"{path.name} is neither .csv, .tsv nor .parquet{save}")


def _read_parquet(path: Path, columns: Sequence[str] | None, optional: Sequence[str]) -> LabelTable:
    try:
        there = pa.parquet.read_schema(path).names
        twice = [column for column in there if there.count(column) > 1]
        if twice:
            raise BadRequest(f"{path.name} has two columns {twice[0]!r}")
        data = pa.parquet.read_table(path, columns=_wanted(path.name, there, columns, optional))
        data.validate(full=True)  # that texts are UTF-8, above all
    except (pa.ArrowException, OSError, ValueError) as error:  # also where it says that it holds more than the memory
        if isinstance(error, OSError) and error.errno is not None:  # the disk's, not pyarrow's word for damage
            raise
        raise BadRequest(_damage(path.name, "")) from error
    return LabelTable(path.name, data)


def _read_text(
    path: Path, columns: Sequence[str] | None, optional: Sequence[str], numbers: Sequence[str]
) -> LabelTable:
    written = look_at(path, columns or ())
    wanted = _wanted(path.name, written.columns, columns, optional)
    twins = [
        name for name in written.columns if first_of(name) in wanted and name not in wanted and name != first_of(name)
    ]
    numeric = [name for name in numbers if name in wanted]
    try:
        data = _arrow(path, written, [*wanted, *twins], [] if twins else numeric)
    except pa.ArrowInvalid as error:
        fault = str(error)
        if "conversion error" not in fault and "columns, got" not in fault:
            raise
        data = _arrow(path, written, [*wanted, *twins], [], threads="conversion error" in fault)  # one names the row
    kept, findings = _without_headers(data, path.name)
    data = data if kept is None else data.filter(pa.array(kept))
    rows = np.arange(data.num_rows) if kept is None else np.flatnonzero(kept)
    findings = [*written.findings, *findings, *_same_twins(data, twins, path.name)]
    others = {name for name in written.columns if name not in wanted and name not in twins}
    if columns is not None and (left := sorted({first_of(name) for name in others if first_of(name) != name})):
        findings.append(f"{path.name} has several columns {listed_names(left)}; the plan reads none of them")
    data = data.drop_columns(twins)
    for name in numeric:
        column = data.column(name)
        if pa.types.is_dictionary(column.type):
            texts = column.cast(pa.string()).to_pylist()
            values = _read_numbers(texts, name, path.name, rows + 2)
            stripped = {text.strip() for text in texts if text is not None}
            if any(_WITH_COMMA.fullmatch(text.rstrip("% ")) for text in stripped):
                findings.append(f"column {name!r} of {path.name} is read with a comma before the decimals")
            if any(text.endswith("%") for text in stripped):
                findings.append(f"column {name!r} of {path.name} is read as percentages, 0 to 100")
            data = data.set_column(data.column_names.index(name), name, pa.array(values, from_pandas=False))
    return LabelTable(path.name, data, tuple(findings))


def listed_names(names: Sequence[str]) -> str:
    """Names in quotes, in a row."""
    return ", ".join(repr(name) for name in names)


def _arrow(path: Path, written: Written, wanted: Sequence[str], numbers: Sequence[str], threads: bool = True) -> Any:
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.csv.read_csv(
        path,
        read_options=pa.csv.ReadOptions(
            column_names=list(written.columns),
            skip_rows=written.skipped,
            skip_rows_after_names=1,
            encoding="utf8" if written.encoding == "utf-8" else written.encoding,
            use_threads=threads,
        ),
        parse_options=pa.csv.ParseOptions(delimiter=written.delimiter, newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            include_columns=wanted,
            column_types={name: pa.float64() if name in numbers else text for name in wanted},
            strings_can_be_null=True,
            null_values=[""],
        ),
    )


def _without_headers(data: Any, name: str) -> tuple[NDArray[np.bool_] | None, list[str]]:
    """Which rows do not repeat the header (as in files that were put together; None: all), and a finding about them."""
    texts = [column for column in data.column_names if pa.types.is_dictionary(data.column(column).type)]
    if len(texts) < max(2, len(data.column_names)) or not data.num_rows:
        return None, []
    first = (pc.equal(pc.utf8_trim_whitespace(data.column(name).cast(pa.string())), first_of(name)) for name in texts)
    both = functools.reduce(pc.and_, (pc.fill_null(each, False) for each in first))
    if not pc.any(both).as_py():
        return None, []
    repeats = both.to_numpy()
    row = int(np.flatnonzero(repeats)[0]) + 2
    return ~repeats, [
        f"{int(repeats.sum())} rows of {name} repeat the header, the first is row {row}; they are left out"
    ]


def _same_twins(data: Any, twins: Sequence[str], name: str) -> list[str]:
    """Check that columns of one name say the same in every row."""
    for twin in twins:
        one, two = (data.column(c).cast(pa.string()).to_pylist() for c in (first_of(twin), twin))
        differs = next((at for at, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1]), None)
        if differs is not None:
            raise BadRequest(
                f"{name} has two columns {first_of(twin)!r}, and they differ: row {differs + 2} says {one[differs]!r} "
                f"and {two[differs]!r}. The second is called {twin!r} here: rename one of them in the file"
            )
    names = sorted({first_of(twin) for twin in twins})
    return [f"{name} has the column {each!r} more than once, with the same values" for each in names]


_NOTHING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "<na>"})
NO_ANSWERS = _NOTHING - {"", "none"} | {"n.a.", "-", "--", "?", "."}
"""How tables say that nothing was told, in lower case; "none" may be an answer."""
_WITH_COMMA = re.compile(r"[+-]?\d+,\d+(?:e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")


def _read_numbers(
    texts: Sequence[str | None], column: str, name: str, row: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.float64]:
    """Numbers of a column of texts: with a point or with a comma before the decimals, not both. row: for messages."""
    place: dict[str | None, float] = {None: float("nan")}
    rows: dict[str | None, int] = {}
    for at, raw in zip(row, texts, strict=True):
        if raw not in rows:
            rows[raw] = int(at)
    stripped = {raw: raw.strip() for raw in rows if raw is not None}
    percent = [raw for raw, text in stripped.items() if text.endswith("%")]
    plain = [raw for raw, text in stripped.items() if text.lower() not in _NOTHING and _number(text) is not None]
    if percent and plain:
        first, other = min(percent, key=rows.__getitem__), min(plain, key=rows.__getitem__)
        raise BadRequest(
            f"column {column!r} of {name} says {first!r} in row {rows[first]} and {other!r} in row {rows[other]}: "
            "write all numbers with the sign or none"
        )
    stripped |= {raw: stripped[raw].removesuffix("%").rstrip() for raw in percent}
    commas = [raw for raw, text in stripped.items() if _WITH_COMMA.fullmatch(text)]
    points = [raw for raw, text in stripped.items() if "." in text and _number(text) is not None]
    if commas and points:
        first, other = min(commas, key=rows.__getitem__), min(points, key=rows.__getitem__)
        raise BadRequest(
            f"column {column!r} of {name} says {first!r} in row {rows[first]} and {other!r} in row {rows[other]}: "
            "write all numbers with a point before the decimals"
        )
    if commas and all(_THOUSANDS.fullmatch(stripped[raw]) for raw in commas):
        raise BadRequest(
            f"column {column!r} of {name} says {commas[0]!r} in row {rows[commas[0]]}, which may be a thousand or a "
            "fraction: write numbers with a point before the decimals and nothing between thousands"
        )
    for raw, text in stripped.items():
        value = float("nan") if text.lower() in _NOTHING else _number(text.replace(",", ".") if raw in commas else text)
        if value is None:
            raise BadRequest(
                f"column {column!r} of {name} holds something that is no number: {raw!r} in row {rows[raw]}"
            )
        place[raw] = value
    return np.array([place[raw] for raw in texts], np.float64)


def _number(text: str) -> float | None:
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _damage(name: str, fault: str) -> str:
    match = re.search(r"Row #(\d+): Expected (\d+) columns, got (\d+)", fault)
    if match is None:
        return f"{name} cannot be read: it is damaged, or its rows differ in length"
    return f"{name} cannot be read: row {int(match[1])} has {match[3]} cells where the header has {match[2]}"


def _wanted(name: str, there: Sequence[str], columns: Sequence[str] | None, optional: Sequence[str]) -> list[str]:
    if not there:
        raise BadRequest(f"{name} is empty")
    for column in columns or ():
        if column not in there:
            raise BadRequest(f"{name} has no column {column!r}; it has {', '.join(there)}")
    if columns is None:
        return list(there)
    return list(dict.fromkeys([*columns, *(column for column in optional if column in there)]))


DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_LOOKED_AT = 2**16
_PIECE = 2**22
_MOST_ABOVE = 20
"""Lines of titles and comments that may stand above a header."""
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
    (header, *_), above = _rows(start, delimiter)
    findings = []
    if above:
        findings.append(
            f"{path.name} has {above} line{'s' * (above > 1)} above its header, which were left out; rows are counted "
            "from the header, as row 1"
        )
    if encoding != "utf-8":
        findings.append(f"{path.name} is read as {_NAMES[encoding]}: it is not UTF-8")
    if delimiter != ("\t" if path.suffix.lower() == ".tsv" else ","):
        findings.append(f"the columns of {path.name} are read as divided by {DELIMITERS.get(delimiter, delimiter)}")
    return Written(encoding, delimiter, tuple(_once(header)), skipped + above, tuple(findings))


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
        rows, _ = _rows(complete, delimiter)
        present = sum(name in _once(rows[0]) for name in wanted)
        even = all(len(row) == len(rows[0]) for row in rows)
        scores[delimiter] = (present, len(rows[0]) > 1 and even, len(rows[0]), delimiter == usual)
    return max(scores, key=lambda delimiter: scores[delimiter])


def _rows(text: str, delimiter: str) -> tuple[list[list[str]], int]:
    """The header and up to 50 rows, and how many lines of titles and comments stand above them.

    Such a line has only one cell that says anything, or is narrower than most rows and begins with # or //.
    """
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    numbered = [(row, reader.line_num) for row in islice((row for row in reader if row), 50 + _MOST_ABOVE)]
    widths = Counter(len(row) for row, _ in numbered if _cells(row) > 1)
    width = widths.most_common(1)[0][0] if widths else 0
    at = next((at for at, (row, _) in enumerate(numbered) if not _is_title(row, width)), 0)
    at = at if at <= _MOST_ABOVE else 0
    header, line = numbered[at]
    return [row for row, _ in numbered[at:]][:50], line - 1 - sum(cell.count("\n") for cell in header)


def _is_title(row: Sequence[str], width: int) -> bool:
    """Whether a row stands above the header of a table so wide; a title may be padded to the width of three or more."""
    if len(row) < width:
        return row[0].lstrip().startswith(("#", "//")) or _cells(row) <= 1
    return width > 2 and _cells(row) <= 1


def _cells(row: Sequence[str]) -> int:
    """How many cells say anything."""
    return sum(bool(cell.strip()) for cell in row)


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


FEWEST = 20
"""Values that are needed before anything is said about how they are spread."""
_IDS = frozenset({
    "id", "person id", "subject", "subject id", "person", "case id", "user id", "name id", "individual", "participant",
    "participant id", "client id", "customer id", "patient id", "defendant id",
})  # fmt: skip


def sentinels(values: Numbers) -> tuple[float, ...]:
    """Values that stand apart from all others as codes for "no score" do: -1, -9, 0, 999.

    A few whole negative numbers below scores that are none; a number farther from all others than they are from each
    other; a known code that is at least a quarter as far. values: (n,), NaN left out.
    """
    distinct = np.unique(values[np.isfinite(values)])
    suspects: list[float] = []
    if np.isfinite(values).sum() < FEWEST:
        return ()
    negative = distinct[distinct < 0]
    if 0 < len(negative) <= 2 and (negative == np.round(negative)).all() and len(distinct) - len(negative) >= 5:
        suspects += negative.tolist()
        distinct = distinct[distinct >= 0]
    for _ in range(3):
        for end in (0, -1):
            if len(distinct) < 6:
                return tuple(suspects)
            rest = distinct[1:] if end == 0 else distinct[:-1]
            gap = rest[0] - distinct[0] if end == 0 else distinct[-1] - rest[-1]
            spread = rest[-1] - rest[0]
            known = distinct[end] in _KNOWN and gap > spread / 4
            if gap > spread or known:
                suspects.append(float(distinct[end]))
                distinct = rest
    return tuple(suspects)


_KNOWN = frozenset({0.0, -1.0, -9.0, -99.0, -999.0, -9999.0, 999.0, 9999.0, 99999.0})


def refuse_sentinels(values: Numbers, limits: Sequence[float], name: str, where: str, outcome: str) -> None:
    """BadRequest where scores hold what may be a code, and the plan's limits do not cover it.

    where: the plan's table. outcome: how `missing` is to be set, for the message.
    """
    covered = limits if len(limits) == 2 else (math.inf, -math.inf)
    odd = [value for value in sentinels(values) if not covered[0] <= value <= covered[1]]
    if not odd:
        return
    rest = values[np.isfinite(values) & ~np.isin(values, odd)]
    count, row = int((values == odd[0]).sum()), int(np.flatnonzero(values == odd[0])[0])
    low, high = min(odd[0], rest.min()), max(odd[0], rest.max())
    codes = ", ".join(f"{value:g}" for value in odd)
    raise BadRequest(
        f"{count:,} of {len(values):,} scores of {name} are {odd[0]:g} (the first is score {row + 1}), apart from all "
        f"others, which lie between {rest.min():g} and {rest.max():g}. If that means no score, say so in the plan "
        f"under [{where}]: no_score = [{codes}] and {outcome}; if it is a score, limits = [{low:g}, {high:g}]"
    )


def mixed_units(values: Numbers, positive: NDArray[np.bool_], groups: Mapping[str, tuple[Codes, Sequence[str]]]) -> str:
    """What speaks for two units in one column, as a sentence without its full stop; empty where nothing does.

    positive: (n,), pairs of one person, or people with the outcome. groups: by factor, the codes (n,) and their names.
    """
    known = np.isfinite(values)
    for factor, (codes, names) in groups.items():
        spreads = {}
        for at, group in enumerate(names):
            here = values[known & (codes == at)]
            if len(here) >= FEWEST:
                low, high = np.quantile(here, [0.05, 0.95])
                spreads[group] = (float(high - low), float(low), float(high))
        wide = {group: spread for group, spread in spreads.items() if spread[0] > 0}
        if len(wide) > 1:
            most, least = max(wide, key=lambda g: wide[g][0]), min(wide, key=lambda g: wide[g][0])
            if wide[most][0] > 10 * wide[least][0]:
                return (
                    f"scores of {most!r} ({factor}) mostly lie between {wide[most][1]:.4g} and {wide[most][2]:.4g}, "
                    f"those of {least!r} between {wide[least][1]:.4g} and {wide[least][2]:.4g}"
                )
    return _percent_beside_fractions(values, positive, known)


def _percent_beside_fractions(values: Numbers, positive: NDArray[np.bool_], known: NDArray[np.bool_]) -> str:
    small, large = known & (np.abs(values) <= 1), known & (np.abs(values) > 1)
    few = max(FEWEST, known.sum() // 20)
    if min(small.sum(), large.sum()) < few or not 10 < values[large].max() <= 105:
        return ""
    fractions = values[small] != np.round(values[small])
    top = np.quantile(values[small], 0.99) * 100 / np.quantile(values[large], 0.99)
    share = positive[small].mean() / max(float(positive[known].mean()), 1e-9)
    if fractions.mean() < 0.8 or not 0.5 < top < 2 or not 0.5 < share < 2:
        return ""
    return (
        f"{int(small.sum()):,} scores lie between -1 and 1, and {int(large.sum()):,} run up to "
        f"{values[large].max():.4g}: fractions beside percentages"
    )


def refuse_mixed_units(
    values: Numbers,
    positive: NDArray[np.bool_],
    groups: Mapping[str, tuple[Codes, Sequence[str]]],
    name: str,
    where: str,
) -> None:
    """BadRequest where a column seems to hold two units; the plan's `unit = "as given"` says that it does not."""
    suspicion = mixed_units(values, positive, groups)
    if suspicion:
        raise BadRequest(
            f"{name} seems to hold scores in two units: {suspicion}. Write all in one, or, if they are, say so in the "
            f"plan under [{where}]: unit = 'as given'"
        )


def repeated_rows(path: Path, subject: str | None) -> tuple[str, ...]:
    """Findings about rows that are the same in every column, and about a column of ids that no plan names.

    subject: the column of subjects that the plan names; None: every row counts as another person.
    """
    table = read_table(path)
    data = pa.table({name: _texts(table.data.column(name)) for name in table.columns})
    counts = data.group_by(list(table.columns)).aggregate([([], "count_all")]).column("count_all").to_pylist()
    findings = []
    if again := table.rows - len(counts):
        copies = math.gcd(*counts)
        text = f"{again:,} of {table.rows:,} rows of {path.name} are the same as an earlier row in every column"
        possible = math.prod(len(pc.unique(data.column(name))) for name in table.columns)
        fullest = max((len(pc.unique(data.column(name))) for name in table.columns), default=0)
        whole = copies > 1 and len(counts) >= 20
        if not whole and (possible < table.rows or 2 * fullest < table.rows):
            again = 0  # nothing in a row says whose it is, so that two people may well have the same one
        if whole:
            text += (
                f"; every row is there {copies} times or a multiple of it, as if the file held itself more than once"
            )
        if again:
            findings.append(f"{text}. Each counts: if they are copies, every interval is too narrow")
    if subject is None:
        distinct = {name: len(pc.unique(data.column(name))) for name in table.columns if plain(name) in _IDS}
        findings += [
            f"the column {name!r} of {path.name} names {people:,} different in {table.rows:,} rows, and the plan does "
            "not use it: every row counts as another person"
            for name, people in distinct.items()
            if people < table.rows
        ]
    return tuple(findings)


def _texts(column: Any) -> Any:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
