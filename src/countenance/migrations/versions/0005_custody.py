"""The tables of countenance.custody."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "custody_holds",
        sa.Column("hold_id", sa.String(64), primary_key=True),
        sa.Column("mandate_id", sa.String(64), nullable=False),
        sa.Column("decision", sa.BigInteger, nullable=False),
        sa.Column("ask", sa.String(64), nullable=False),
        sa.Column("found", sa.String(64), nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.Column("reviewers", sa.Integer, nullable=False),
        sa.Column("authorise_by", sa.String(40)),
        sa.Column("clauses", sa.Text, nullable=False),
        sa.Column("requested_at", sa.String(40)),
        sa.Column("granted_at", sa.String(40)),
        sa.Column("refused_at", sa.String(40)),
        sa.Column("sealed", sa.LargeBinary),
        sa.UniqueConstraint("mandate_id", "ask", "found", name="one_hold_per_finding"),
    )
    op.create_table(
        "custody_reviews",
        sa.Column("hold_id", sa.String(64), sa.ForeignKey("custody_holds.hold_id"), primary_key=True),
        sa.Column("reviewer", sa.String(255), primary_key=True),
        sa.Column("agrees", sa.Boolean, nullable=False),
        sa.Column("at", sa.String(40), nullable=False),
    )
    op.create_table(
        "custody_retention",
        sa.Column("gallery_id", sa.String(255), primary_key=True),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("clause", sa.Text, nullable=False),
    )
