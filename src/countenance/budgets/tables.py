"""The tables of budgets: sums by scope and slot of time, and sealed sketches of recent probes; no names."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")

spent = sa.Table(
    "budget_spent",
    METADATA,
    sa.Column("scope", sa.String(32), primary_key=True),
    sa.Column("slot", sa.BigInteger, primary_key=True),
    sa.Column("spent", sa.BigInteger, nullable=False),
    sa.Column("ends_us", sa.BigInteger, nullable=False, index=True),
)
sketches = sa.Table(
    "budget_sketches",
    METADATA,
    sa.Column("number", _big, primary_key=True, autoincrement=True),
    sa.Column("realm", sa.String(32), nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("ends_us", sa.BigInteger, nullable=False, index=True),
    sqlite_autoincrement=True,
)
clock = sa.Table(
    "budget_clock",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),
)
