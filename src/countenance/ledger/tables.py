"""The ledger's tables, as migration 0003 makes them (a test compares the two)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()
_big = BigInteger().with_variant(Integer, "sqlite")

entries = Table(
    "ledger_entries",
    metadata,
    Column("sequence", _big, primary_key=True, autoincrement=False),
    Column("entry", Text, nullable=False),
    Column("leaf_hash", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary(64), nullable=False),
)
"""The log. signature: that of the entry's receipt."""

nodes = Table(
    "ledger_nodes",
    metadata,
    Column("level", _big, primary_key=True, autoincrement=False),
    Column("position", _big, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)
"""Hashes of the complete subtrees from level 1 up: all that proofs and a fresh start need beside the leaf hashes."""

checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("size", _big, primary_key=True, autoincrement=False),
    Column("note", Text, nullable=False),
)
"""Every checkpoint that was signed."""

open_decisions = Table(
    "ledger_open_decisions",
    metadata,
    Column("sequence", _big, primary_key=True, autoincrement=False),
)
"""Decisions that no result has followed yet."""

openings = Table(
    "ledger_openings",
    metadata,
    Column("sequence", _big, primary_key=True, autoincrement=False),
    Column("name", Text, primary_key=True),
    Column("time", Text, nullable=False),
    Column("salt", LargeBinary(32), nullable=False),
    Column("value", Text, nullable=False),
    Index("ledger_openings_by_value", "name", "value"),
    Index("ledger_openings_by_time", "time"),
)
"""What the commitments commit to. Rows are deleted on erasure; the ledger above stays. Values may be long, so
that PostgreSQL's index is of their hashes."""
