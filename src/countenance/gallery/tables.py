"""The gallery's tables, as migrations 0002, 0008 and 0010 make them.

`number` counts rows in the order in which they are made, and no number is reused. `galleries.revision` goes up by one
with every change of a gallery's faces; `erasures` says which faces went at which revision, so that an index that is out
of date catches up without reading everything again. Entries up to `log_floor` are gone; `log_length` are left.
Templates are raw (not normalised) little-endian float32. An image without external id has the empty one.

`faces.user` is the user to whom a face belongs, if any, and `faces.user_revision` the revision at which that last
changed, so that an index that is out of date learns of it. `user_requests` keeps for a day the answers to requests with
a token; tokens and requests are stored as digests only.

The profiles are what callers stored with a gallery, a user or a face: names and their own data. No search reads them.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()
_big = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _gallery(primary_key: bool = False) -> sa.Column[int]:
    one = sa.ForeignKey("galleries.number", ondelete="CASCADE")
    return sa.Column("gallery", _big, one, nullable=False, primary_key=primary_key)


galleries = sa.Table(
    "galleries",
    METADATA,
    sa.Column("number", _big, primary_key=True, autoincrement=True),
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
    sa.Column("users", sa.BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

images = sa.Table(
    "images",
    METADATA,
    sa.Column("number", _big, primary_key=True, autoincrement=True),
    _gallery(),
    sa.Column("image_id", sa.String(64), nullable=False),
    sa.Column("image_digest", sa.String(128), nullable=False),
    sa.Column("external_id", sa.String(255), nullable=False),
    sa.UniqueConstraint("gallery", "image_digest", "external_id", name="one_image_per_external_id"),
    sqlite_autoincrement=True,
)

faces = sa.Table(
    "faces",
    METADATA,
    sa.Column("number", _big, primary_key=True, autoincrement=True),
    _gallery(),
    sa.Column("image", _big, sa.ForeignKey("images.number", ondelete="CASCADE"), nullable=False, index=False),
    sa.Column("face_id", sa.String(64), nullable=False),
    sa.Column("box_left", sa.Double, nullable=False),
    sa.Column("box_top", sa.Double, nullable=False),
    sa.Column("box_width", sa.Double, nullable=False),
    sa.Column("box_height", sa.Double, nullable=False),
    sa.Column("confidence", sa.Double, nullable=False),
    sa.Column("enrolled_us", sa.BigInteger, nullable=False),
    sa.Column("template", sa.LargeBinary, nullable=False),
    sa.Column("user", _big, sa.ForeignKey("users.number")),
    sa.Column("user_revision", sa.BigInteger),
    sa.Column("unseen", sa.Double, nullable=False, server_default="0"),
    sa.UniqueConstraint("gallery", "face_id", name="one_face_per_id"),
    sa.Index("faces_in_order", "gallery", "number"),
    sa.Index("faces_of_image", "image"),
    sqlite_autoincrement=True,
)
for _name, _columns in {"faces_of_user": ["user"], "faces_by_user_revision": ["gallery", "user_revision"]}.items():
    _stated = faces.c[_columns[-1]].is_not(None)
    sa.Index(_name, *(faces.c[each] for each in _columns), sqlite_where=_stated, postgresql_where=_stated)

erasures = sa.Table(
    "erasures",
    METADATA,
    _gallery(primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True),
    sa.Column("face", sa.BigInteger, primary_key=True),
)

users = sa.Table(
    "users",
    METADATA,
    sa.Column("number", _big, primary_key=True, autoincrement=True),
    _gallery(),
    sa.Column("user_id", sa.String(128), nullable=False),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("gallery", "user_id", name="one_user_per_id"),
    sqlite_autoincrement=True,
)

user_requests = sa.Table(
    "user_requests",
    METADATA,
    sa.Column("token", sa.String(64), primary_key=True),
    _gallery(),
    sa.Column("request", sa.String(64), nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("made_us", sa.BigInteger, nullable=False),
    sa.Index("user_requests_by_time", "made_us"),
    sa.Index("user_requests_of_gallery", "gallery"),
)

gallery_profiles = sa.Table(
    "gallery_profiles",
    METADATA,
    _gallery(primary_key=True),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("user_data", sa.Text),
    sa.Column("model_label", sa.String(64), nullable=False),
    sa.Column("trained_us", sa.BigInteger),
)

user_profiles = sa.Table(
    "user_profiles",
    METADATA,
    sa.Column("user", _big, sa.ForeignKey("users.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("user_data", sa.Text),
)

face_profiles = sa.Table(
    "face_profiles",
    METADATA,
    sa.Column("face", _big, sa.ForeignKey("faces.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("user_data", sa.Text),
)
