"""Accounts, sessions and keys of the console, kept by countenance.mandates.accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "console_accounts",
        sa.Column("operator_id", sa.String(64), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("last_step", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
    )
    op.create_table(
        "console_sessions",
        sa.Column("session", sa.String(64), primary_key=True),
        sa.Column("operator_id", sa.String(64), nullable=False),
        sa.Column("proof", sa.String(64), nullable=False),
        sa.Column("began_at", sa.String(40), nullable=False),
        sa.Column("seen_at", sa.String(40), nullable=False),
        sa.Column("ended_at", sa.String(40)),
    )
    op.create_index("console_sessions_of_operator", "console_sessions", ["operator_id", "began_at"])
    op.create_table(
        "console_keys",
        sa.Column("operator_id", sa.String(64), primary_key=True),
        sa.Column("mandate_id", sa.String(64), primary_key=True),
        sa.Column("sealed_key", sa.LargeBinary, nullable=False),
    )
