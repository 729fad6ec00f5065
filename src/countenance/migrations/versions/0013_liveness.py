"""Outside checks of liveness and their sessions, kept by countenance.mandates.outside_checks and countenance.jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "outside_checks",
        sa.Column("check_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("public_key", sa.String(64), nullable=False),
        sa.Column("evidence", sa.String(64)),
        sa.Column("without_evidence", sa.Text),
        sa.Column("requested_by", sa.Text, nullable=False),
        sa.Column("requested_at", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.String(40), nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("approved_at", sa.String(40)),
        sa.Column("ended_at", sa.String(40)),
        sa.Column("ended_why", sa.Text),
    )
    op.create_table(
        "liveness_sessions",
        sa.Column("session_id", sa.String(36), primary_key=True),
        sa.Column("mandate_id", sa.String(64), nullable=False),
        sa.Column("check_id", sa.String(64), nullable=False),
        sa.Column("token", sa.String(64)),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("statement", sa.LargeBinary),
        sa.Column("signature", sa.LargeBinary),
        sa.UniqueConstraint("mandate_id", "token", name="one_session_per_token"),
    )
