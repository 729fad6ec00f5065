"""The tables of countenance.mandates."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "mandates",
        sa.Column("mandate_id", sa.String(64), primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.String(40), nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("approved_at", sa.String(40)),
        sa.Column("ended_at", sa.String(40)),
        sa.Column("ended_why", sa.Text),
    )
    op.create_table(
        "access_keys",
        sa.Column("access_key", sa.String(32), primary_key=True),
        sa.Column("mandate_id", sa.String(64), sa.ForeignKey("mandates.mandate_id"), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
    )
