"""Users of a gallery: people whom enrolled faces are said to belong to, kept by countenance.gallery."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("galleries", sa.Column("users", sa.BigInteger, nullable=False, server_default="0"))
    op.create_table(
        "users",
        sa.Column("number", big, primary_key=True, autoincrement=True),
        sa.Column("gallery", big, sa.ForeignKey("galleries.number", ondelete="CASCADE"), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("gallery", "user_id", name="one_user_per_id"),
        sqlite_autoincrement=True,
    )
    op.add_column("faces", sa.Column("user", big, sa.ForeignKey("users.number")), inline_references=True)
    op.add_column("faces", sa.Column("user_revision", sa.BigInteger))
    for name, columns in {"faces_of_user": ["user"], "faces_by_user_revision": ["gallery", "user_revision"]}.items():
        stated = sa.column(columns[-1]).is_not(None)  # most faces belong to nobody, and cost no entry
        op.create_index(name, "faces", columns, sqlite_where=stated, postgresql_where=stated)
    op.create_table(
        "user_requests",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("gallery", big, sa.ForeignKey("galleries.number", ondelete="CASCADE"), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
    )
    op.create_index("user_requests_by_time", "user_requests", ["made_us"])
    op.create_index("user_requests_of_gallery", "user_requests", ["gallery"])
