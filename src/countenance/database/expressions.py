"""SQL that each database says in words of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Dialect, Table, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class field_of(FunctionElement[str]):  # noqa: N801 - named as SQL's functions are
    """field_of(column, "name"): that field of the JSON object which a column of text holds, as text."""

    type = Text()
    inherit_cache = True


class place_in(FunctionElement[int]):  # noqa: N801
    """place_in(text, part): where `part` first begins in `text`, from 1; 0 where it is not in it. Case matters."""

    inherit_cache = True


@compiles(field_of)
def _field(element: field_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = _both(element, compiler, kw)
    return f"json_extract({column}, '$.' || {name})"


@compiles(field_of, "postgresql")
def _field_postgresql(element: field_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, name = _both(element, compiler, kw)
    return f"(CAST({column} AS json) ->> {name})"


@compiles(place_in)
def _place(element: place_in, compiler: SQLCompiler, **kw: Any) -> str:
    return "instr({}, {})".format(*_both(element, compiler, kw))


@compiles(place_in, "postgresql")
def _place_postgresql(element: place_in, compiler: SQLCompiler, **kw: Any) -> str:
    return "strpos({}, {})".format(*_both(element, compiler, kw))


def _both(element: FunctionElement[Any], compiler: SQLCompiler, kw: dict[str, Any]) -> list[str]:
    return [compiler.process(each, **kw) for each in element.clauses]


def inserting(dialect: Dialect, table: Table) -> Any:
    """An INSERT into `table` that knows `on_conflict_do_update`: SQLAlchemy has one for each dialect."""
    return (postgresql if dialect.name == "postgresql" else sqlite).insert(table)
