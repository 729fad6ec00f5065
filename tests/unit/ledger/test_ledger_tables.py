"""The tables that the code speaks of are those that the migrations make."""

from __future__ import annotations

from sqlalchemy import Engine, inspect

from countenance.ledger import tables


def test_migrations_make_the_ledgers_tables(database: Engine) -> None:
    made = inspect(database)
    assert {name for name in made.get_table_names() if name.startswith("ledger_")} == set(tables.metadata.tables)
    for name, table in tables.metadata.tables.items():
        columns = {column["name"]: column for column in made.get_columns(name)}
        assert set(columns) == set(table.columns.keys())
        for column in table.columns:
            assert str(columns[column.name]["type"]) == str(column.type.compile(database.dialect))
            assert columns[column.name]["nullable"] == column.nullable
        assert made.get_pk_constraint(name)["constrained_columns"] == list(table.primary_key.columns.keys())
        indexes = {index["name"]: index["column_names"] for index in made.get_indexes(name)}
        known = {str(index.name): [column.name for column in index.columns] for index in table.indexes}
        if database.dialect.name == "postgresql" and name == "ledger_openings":
            known["ledger_openings_by_value"] = ["value"]  # by its hash
        assert indexes == known
