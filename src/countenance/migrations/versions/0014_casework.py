"""Records of cases and the pictures under review, kept by countenance.casework.records."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "casework_records",
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("record_id", sa.String(128), primary_key=True),
        sa.Column("parent", sa.String(128), nullable=False),
        sa.Column("made_at", sa.String(40), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("casework_records_of_parent", "casework_records", ["kind", "parent", "made_at"])
    op.create_table(
        "casework_pictures",
        sa.Column("owner", sa.String(128), primary_key=True),
        sa.Column("part", sa.String(32), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
