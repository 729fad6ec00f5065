"""Copying the rows of one database into another, whichever kinds they are, and comparing them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from countenance.database.kinds import kind_of
from countenance.database.migrating import VERSION
from countenance.errors import Conflict

_AT_ONCE = 1000


def tables_of(connection: sa.Connection) -> list[sa.Table]:
    """All tables but that of the version, each after those that it refers to."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION.name]


def rows_after(source: sa.Connection, table: sa.Table, last: Sequence[object] | None) -> sa.Result[tuple[object, ...]]:
    """Its rows in the order of the primary key, those after the key `last`; None: all. They come a part at a time."""
    order = list(table.primary_key.columns)
    rest = sa.select(table).order_by(*order)
    if last is not None:
        known = [sa.literal(value, column.type) for value, column in zip(last, order, strict=True)]
        rest = rest.where(sa.tuple_(*order) > sa.tuple_(*known))
    return source.execution_options(yield_per=_AT_ONCE).execute(rest)


def insert_rows(target: sa.Connection, table: sa.Table, rows: Sequence[sa.RowMapping]) -> None:
    """Write `rows` there; `Conflict` where that database cannot keep one of them."""
    kind = kind_of(target.engine)
    try:
        target.execute(sa.insert(table), [dict(row) for row in rows])
    except DBAPIError as error:
        if (what := kind.cannot_be_kept(error)) is not None:
            raise Conflict(f"a row of {table.name} cannot be copied: {what}") from error
        raise


def copy_all(source: sa.Connection, target: sa.Connection) -> None:
    """Copy every row of `source`, in one snapshot of it, into the empty tables of `target`, and compare them.

    Numbers that `source` gave out are given out by `target` never again. `Conflict` where a row cannot be kept there,
    or is not the same.
    """
    tables = tables_of(target)
    for table in tables:
        for some in rows_after(source, table, None).mappings().partitions():
            insert_rows(target, table, some)
    go_on_counting(source, target, tables)
    for table in tables:
        if digest(source, table) != digest(target, table):
            raise Conflict(f"what was copied of {table.name} is not what was there")


def go_on_counting(source: sa.Connection, target: sa.Connection, tables: Sequence[sa.Table]) -> None:
    """No number is used again: `target` goes on after the last one that `source` gave out."""
    used = kind_of(source.engine).last_numbers(source, tables)
    kind_of(target.engine).go_on_after(target, tables, used)


def digest(connection: sa.Connection, table: sa.Table) -> tuple[int, bytes]:
    """How many rows, and a hash of them all."""
    hashed, count = hashlib.sha256(), 0
    for row in rows_after(connection, table, None):
        hashed.update(json.dumps(list(row), sort_keys=True, default=bytes.hex).encode() + b"\n")
        count += 1
    return count, hashed.digest()
