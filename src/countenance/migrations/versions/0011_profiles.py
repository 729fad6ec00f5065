"""Kinds, names and data that callers write beside a gallery, a user or a face; kept by countenance.gallery."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "gallery_profiles",
        sa.Column("gallery", big, sa.ForeignKey("galleries.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("user_data", sa.Text),
        sa.Column("model_label", sa.String(64), nullable=False),
        sa.Column("trained_us", sa.BigInteger),
    )
    op.create_table(
        "user_profiles",
        sa.Column("user", big, sa.ForeignKey("users.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("user_data", sa.Text),
    )
    op.create_table(
        "face_profiles",
        sa.Column("face", big, sa.ForeignKey("faces.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("user_data", sa.Text),
    )
