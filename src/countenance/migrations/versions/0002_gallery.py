"""The tables of countenance.gallery."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

big = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite numbers rows by itself only as INTEGER


def upgrade() -> None:
    op.create_table(
        "galleries",
        sa.Column("number", big, primary_key=True, autoincrement=True),
        sa.Column("gallery_id", sa.String(255), nullable=False, unique=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("dimension", sa.Integer),
        sa.Column("faces", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("log_floor", sa.BigInteger, nullable=False),
        sa.Column("log_length", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "images",
        sa.Column("number", big, primary_key=True, autoincrement=True),
        sa.Column("gallery", big, sa.ForeignKey("galleries.number", ondelete="CASCADE"), nullable=False),
        sa.Column("image_id", sa.String(64), nullable=False),
        sa.Column("image_digest", sa.String(128), nullable=False),
        sa.Column("external_id", sa.String(255), nullable=False),
        sa.UniqueConstraint("gallery", "image_digest", "external_id", name="one_image_per_external_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "faces",
        sa.Column("number", big, primary_key=True, autoincrement=True),
        sa.Column("gallery", big, sa.ForeignKey("galleries.number", ondelete="CASCADE"), nullable=False),
        sa.Column("image", big, sa.ForeignKey("images.number", ondelete="CASCADE"), nullable=False),
        sa.Column("face_id", sa.String(64), nullable=False),
        sa.Column("box_left", sa.Double, nullable=False),
        sa.Column("box_top", sa.Double, nullable=False),
        sa.Column("box_width", sa.Double, nullable=False),
        sa.Column("box_height", sa.Double, nullable=False),
        sa.Column("confidence", sa.Double, nullable=False),
        sa.Column("enrolled_us", sa.BigInteger, nullable=False),
        sa.Column("template", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("gallery", "face_id", name="one_face_per_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("faces_in_order", "faces", ["gallery", "number"])
    op.create_index("faces_of_image", "faces", ["image"])
    op.create_table(
        "erasures",
        sa.Column("gallery", big, sa.ForeignKey("galleries.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("revision", sa.BigInteger, primary_key=True),
        sa.Column("face", sa.BigInteger, primary_key=True),
    )
