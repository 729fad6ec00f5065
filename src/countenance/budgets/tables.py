"""The table of budgets: what each call was charged, sealed; no names."""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

charges = sa.Table(
    "budget_charges",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("link", sa.LargeBinary(16), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
