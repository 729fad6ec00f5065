"""Jobs on stored video with their results, and stream processors: the tables of countenance.jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "video_jobs",
        sa.Column("number", big, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(64), nullable=False, unique=True),
        sa.Column("mandate_id", sa.String(64), nullable=False),
        sa.Column("access_key", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("gallery_id", sa.String(255)),
        sa.Column("similarity", sa.Double),
        sa.Column("bucket", sa.String(255), nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("version", sa.Text),
        sa.Column("tag", sa.Text),
        sa.Column("topic", sa.Text),
        sa.Column("token", sa.String(64), unique=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("outcome", sa.JSON, nullable=False),
        sa.Column("frames", sa.BigInteger, nullable=False),
        sa.Column("reviewed", sa.Boolean, nullable=False),
        sa.Column("keep_days", sa.Integer, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("ended_us", sa.BigInteger),
        sa.Column("notify_us", sa.BigInteger),
        sa.Column("notices", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("video_jobs_by_state", "video_jobs", ["state", "number"])
    op.create_index("video_jobs_of_mandate", "video_jobs", ["mandate_id", "state"])
    op.create_table(
        "video_job_faces",
        sa.Column("job", big, sa.ForeignKey("video_jobs.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("person", sa.BigInteger, nullable=False),
        sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
        sa.Column("face", sa.Text, nullable=False),
    )
    op.create_index("video_job_faces_by_person", "video_job_faces", ["job", "person", "position"])
    op.create_table(
        "video_job_candidates",
        sa.Column("job", big, sa.ForeignKey("video_jobs.number", ondelete="CASCADE"), primary_key=True),
        sa.Column("person", sa.BigInteger, primary_key=True),
        sa.Column("rank", sa.BigInteger, primary_key=True),
        sa.Column("face", big, sa.ForeignKey("faces.number", ondelete="CASCADE"), nullable=False),
        sa.Column("score", sa.Double, nullable=False),
        sa.Column("similarity", sa.Double, nullable=False),
        sa.Column("fmr", sa.Double, nullable=False),
    )
    op.create_index("video_job_candidates_of_face", "video_job_candidates", ["face"])
    op.create_table(
        "stream_processors",
        sa.Column("number", big, primary_key=True, autoincrement=True),
        sa.Column("mandate_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("description", sa.JSON, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sa.Column("changed_us", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("mandate_id", "name", name="one_processor_per_name"),
        sqlite_autoincrement=True,
    )
