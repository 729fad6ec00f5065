"""The tables of countenance.ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("sequence", big, primary_key=True, autoincrement=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("signature", sa.LargeBinary(64), nullable=False),
    )
    op.create_table(
        "ledger_nodes",
        sa.Column("level", big, primary_key=True, autoincrement=False),
        sa.Column("position", big, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", big, primary_key=True, autoincrement=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "ledger_open_decisions",
        sa.Column("sequence", big, primary_key=True, autoincrement=False),
    )
    op.create_table(
        "ledger_openings",
        sa.Column("sequence", big, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("time", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary(32), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_index("ledger_openings_by_value", "ledger_openings", ["name", "value"])
    op.create_index("ledger_openings_by_time", "ledger_openings", ["time"])
