"""The tables of jobs, as migrations 0010 and 0013 make them.

A row of `video_job_candidates` refers to the enrolled face and is deleted with it. No table here
holds a template.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from countenance.gallery.tables import METADATA as GALLERY_METADATA
from countenance.gallery.tables import faces

METADATA = sa.MetaData()
_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")

_faces = faces.to_metadata(METADATA)  # what the foreign key refers to
for _name in ("images", "galleries", "users"):
    GALLERY_METADATA.tables[_name].to_metadata(METADATA)


class _Lenient(sa.TypeDecorator[Any]):
    """JSON; None where the database holds none, as after an edit, so that the other columns can be read."""

    impl = sa.JSON
    cache_ok = True

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], Any] | None:
        read = super().result_processor(dialect, coltype)

        def lenient(value: Any) -> Any:
            try:
                return value if read is None else read(value)
            except (ValueError, TypeError):
                return None

        return lenient


video_jobs = sa.Table(
    "video_jobs",
    METADATA,
    sa.Column("number", _big, primary_key=True, autoincrement=True),
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
    sa.Column("outcome", _Lenient, nullable=False),
    sa.Column("frames", sa.BigInteger, nullable=False),
    sa.Column("reviewed", sa.Boolean, nullable=False),
    sa.Column("keep_days", sa.Integer, nullable=False),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("ended_us", sa.BigInteger),
    sa.Column("notify_us", sa.BigInteger),
    sa.Column("notices", sa.Integer, nullable=False),
    sa.Index("video_jobs_by_state", "state", "number"),
    sa.Index("video_jobs_of_mandate", "mandate_id", "state"),
    sqlite_autoincrement=True,
)

video_job_faces = sa.Table(
    "video_job_faces",
    METADATA,
    sa.Column("job", _big, sa.ForeignKey("video_jobs.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.BigInteger, primary_key=True),
    sa.Column("person", sa.BigInteger, nullable=False),
    sa.Column("timestamp_ms", sa.BigInteger, nullable=False),
    sa.Column("face", sa.Text, nullable=False),
    sa.Index("video_job_faces_by_person", "job", "person", "position"),
)

video_job_candidates = sa.Table(
    "video_job_candidates",
    METADATA,
    sa.Column("job", _big, sa.ForeignKey("video_jobs.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("person", sa.BigInteger, primary_key=True),
    sa.Column("rank", sa.BigInteger, primary_key=True),
    sa.Column("face", _big, sa.ForeignKey("faces.number", ondelete="CASCADE"), nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("similarity", sa.Double, nullable=False),
    sa.Column("fmr", sa.Double, nullable=False),
    sa.Index("video_job_candidates_of_face", "face"),
)

stream_processors = sa.Table(
    "stream_processors",
    METADATA,
    sa.Column("number", _big, primary_key=True, autoincrement=True),
    sa.Column("mandate_id", sa.String(64), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("description", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("changed_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("mandate_id", "name", name="one_processor_per_name"),
    sqlite_autoincrement=True,
)

liveness_sessions = sa.Table(
    "liveness_sessions",
    METADATA,
    sa.Column("session_id", sa.String(36), primary_key=True),
    sa.Column("mandate_id", sa.String(64), nullable=False),
    sa.Column("check_id", sa.String(64), nullable=False),
    sa.Column("token", sa.String(64)),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Column("statement", sa.LargeBinary),
    sa.Column("signature", sa.LargeBinary),
    sa.UniqueConstraint("mandate_id", "token", name="one_session_per_token"),
)
