"""Charges to budgets as one chain of sealed rows, in place of counters that anybody could edit."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "budget_charges",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("link", sa.LargeBinary(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    for name in ("budget_spent", "budget_sketches", "budget_clock"):
        op.drop_table(name)
