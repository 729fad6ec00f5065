"""Columns of CSV and Parquet files with millions of rows, and errors that name the column."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from countenance.errors import BadRequest, NotFound

Codes = NDArray[np.int32]
"""Positions in a list of names, shape (n,), int32; -1 where nothing was told."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelTable:
    """Some columns of a file. name: how messages call it."""

    name: str
    data: Any

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
        """The column as float64, shape (rows,), NaN where the cell is empty. Text or infinity is a `BadRequest`."""
        column = self.column(name)
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        if pa.types.is_dictionary(column.type):
            column = column.cast(pa.string())
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            trimmed = pc.utf8_trim_whitespace(column)
            column = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, trimmed.type), trimmed)
        try:
            values = pc.cast(column, pa.float64())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise BadRequest(f"column {name!r} of {self.name} holds something that is no number") from error
        numbers = np.asarray(pc.fill_null(values, float("nan")).to_numpy(), np.float64)
        if np.isinf(numbers).any():
            raise BadRequest(f"column {name!r} of {self.name} holds {int(np.isinf(numbers).sum())} infinite numbers")
        return numbers

    def texts(self, *names: str) -> tuple[list[Codes], tuple[str, ...]]:
        """Several columns as codes into one sorted list of names, and that list. Empty cells are -1."""
        chunks = [chunk for name in names for chunk in _dictionary(self.column(name)).chunks]
        if not chunks:
            return [np.empty(0, np.int32) for _ in names], ()
        unified = pa.chunked_array(chunks).unify_dictionaries()
        raw = ["" if said is None else str(said).strip() for said in unified.chunk(0).dictionary.to_pylist()]
        found = natural({said for said in raw if said})
        place = {said: at for at, said in enumerate(found)}
        meaning = np.array([*(place.get(said, -1) for said in raw), -1], np.int32)
        indices = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in unified.chunks]
        codes = meaning[np.concatenate(indices)]
        return list(codes.reshape(len(names), self.rows)), tuple(found)

    def flags(self, name: str) -> NDArray[np.bool_]:
        """The column as bool: 1/0, true/false, yes/no, same/different, genuine/impostor. Anything else: BadRequest."""
        (codes,), names = self.texts(name)
        if (codes < 0).any():
            raise BadRequest(f"column {name!r} of {self.name} has {int((codes < 0).sum())} empty cells")
        unknown = [said for said in names if said.lower() not in _YES | _NO]
        if unknown:
            raise BadRequest(
                f"column {name!r} of {self.name} says 1/0, true/false or same/different, got {unknown[0]!r}"
            )
        meaning = np.array([said.lower() in _YES for said in names], bool)
        return meaning[codes] if len(codes) else np.empty(0, bool)


def natural(names: Iterable[str]) -> list[str]:
    """Names in the order that people expect: "3-9" before "10-19"."""
    return sorted(names, key=lambda name: [(part.isdecimal(), int(part) if part.isdecimal() else 0, part)
                                           for part in re.split(r"([0-9]+)", name)])  # fmt: skip


def _dictionary(column: Any) -> Any:
    if pa.types.is_dictionary(column.type):
        return column.cast(pa.dictionary(pa.int32(), pa.string()))
    if pa.types.is_floating(column.type):  # ids that look like numbers: 7, not 7.0
        whole = pc.cast(pc.round(column), pa.int64(), safe=False)
        if pc.all(pc.fill_null(pc.equal(pc.cast(whole, pa.float64()), column), True)).as_py():
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

    numbers: those of them that are read as numbers; the others are texts.
    NotFound: no such file. BadRequest: a missing column, a damaged file, or an ending that is not read here.
    """
    if not path.is_file():
        raise NotFound(f"there is no file {path.name}")
    ending = path.suffix.lower()
    try:
        if ending == ".parquet":
            there = pa.parquet.read_schema(path).names
            data = pa.parquet.read_table(path, columns=_wanted(path.name, there, columns, optional))
        elif ending in (".csv", ".tsv", ".txt"):
            data = _read_csv(path, "\t" if ending == ".tsv" else ",", columns, optional, numbers)
        else:
            raise BadRequest(f"{path.name} is neither .csv, .tsv nor .parquet")
    except pa.ArrowInvalid as error:
        raise BadRequest(f"{path.name} cannot be read: it is damaged, or its rows differ in length") from error
    return LabelTable(path.name, data)


def _read_csv(
    path: Path, delimiter: str, columns: Sequence[str] | None, optional: Sequence[str], numbers: Sequence[str]
) -> Any:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file, delimiter=delimiter), [])
    wanted = _wanted(path.name, header, columns, optional)
    text = pa.dictionary(pa.int32(), pa.string())
    convert = pa.csv.ConvertOptions(
        include_columns=wanted,
        column_types={name: pa.float64() if name in numbers else text for name in wanted},
        strings_can_be_null=True,
        null_values=[""],
    )
    parse = pa.csv.ParseOptions(delimiter=delimiter)
    try:
        return pa.csv.read_csv(path, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        found = re.match(r"In CSV column #(\d+): CSV conversion error to double", str(error))
        if found is None:
            raise
        said = f"column {header[int(found[1])]!r} of {path.name} holds something that is no number"
        raise BadRequest(said) from error


def _wanted(name: str, there: Sequence[str], columns: Sequence[str] | None, optional: Sequence[str]) -> list[str]:
    if not there:
        raise BadRequest(f"{name} is empty")
    twice = [column for column in there if list(there).count(column) > 1]
    if twice:
        raise BadRequest(f"{name} has two columns {twice[0]!r}")
    for column in columns or ():
        if column not in there:
            raise BadRequest(f"{name} has no column {column!r}; it has {', '.join(there)}")
    if columns is None:
        return list(there)
    return list(dict.fromkeys([*columns, *(column for column in optional if column in there)]))
