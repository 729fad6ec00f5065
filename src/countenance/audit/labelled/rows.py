"""Rows of a file that are there more than once, and people who may be."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from countenance.audit.labelled.suspicions import plain
from countenance.audit.labelled.tables import read_table

_IDS = frozenset({"id", "person id", "subject", "subject id", "person", "case id", "user id", "name id", "individual"})


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
