"""Moratoria, kept by countenance.mandates."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "moratoria",
        sa.Column("moratorium_id", sa.String(255), primary_key=True),
        sa.Column("statements", sa.Text, nullable=False),
    )
