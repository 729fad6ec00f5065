"""Budgets of comparisons, kept by countenance.budgets."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "budget_spent",
        sa.Column("scope", sa.String(32), primary_key=True),
        sa.Column("slot", sa.BigInteger, primary_key=True),
        sa.Column("spent", sa.BigInteger, nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_budget_spent_ends_us", "budget_spent", ["ends_us"])
    op.create_table(
        "budget_sketches",
        sa.Column("number", big, primary_key=True, autoincrement=True),
        sa.Column("realm", sa.String(32), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("ends_us", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_budget_sketches_realm", "budget_sketches", ["realm"])
    op.create_index("ix_budget_sketches_ends_us", "budget_sketches", ["ends_us"])
    op.create_table(
        "budget_clock",
        sa.Column("one", sa.Integer, primary_key=True),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
