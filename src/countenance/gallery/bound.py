"""Which rows of the gallery's tables are bound to the record, and which of their values count.

A user is bound with its id, and each face that is a user's with that user. A gallery's counters change often and grant
nothing; they are left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from countenance.binding import BoundRow
from countenance.gallery.tables import faces, galleries, images, users

_AT_ONCE = 1024
FACE_COLUMNS = (
    faces.c.face_id, faces.c.image, faces.c.box_left, faces.c.box_top, faces.c.box_width, faces.c.box_height,
    faces.c.confidence, faces.c.enrolled_us, faces.c.template,
)  # fmt: skip
IMAGE_COLUMNS = (images.c.number, images.c.image_id, images.c.image_digest, images.c.external_id)
GALLERY_COLUMNS = (galleries.c.number, galleries.c.gallery_id, galleries.c.model)
_NAMES = tuple(column.name for column in FACE_COLUMNS)


def faces_of(gallery: int) -> str:
    """The name under which the record has the faces of the gallery with that number."""
    return f"faces {gallery}"


def images_of(gallery: int) -> str:
    """The name under which the record has its images."""
    return f"images {gallery}"


def users_of(gallery: int) -> str:
    """How the record calls its users."""
    return f"users {gallery}"


def owners_of(gallery: int) -> str:
    """How the record calls which of its faces are which user's."""
    return f"owners {gallery}"


def bound_user(gallery: int, number: int, user_id: str) -> BoundRow:
    """A user of a gallery."""
    return BoundRow(users_of(gallery), (number, user_id))


def bound_owner(gallery: int, face: int, user: int) -> BoundRow:
    """That a face, by its number, is a user's."""
    return BoundRow(owners_of(gallery), (face, user))


def bound_face(values: Mapping[str, Any]) -> BoundRow:
    """A face by the values that are inserted."""
    return BoundRow(faces_of(values["gallery"]), tuple(values[name] for name in _NAMES))


def bound_gallery(row: Any) -> BoundRow:
    """A gallery from its row."""
    return BoundRow(galleries.name, (row.number, row.gallery_id, row.model))


def gallery_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All galleries, images and faces, for comparison with what was recorded."""
    for row in connection.execute(sa.select(*GALLERY_COLUMNS)):
        yield bound_gallery(row), f"galleries, row {row.number}: the gallery"
    for table, columns, called in ((images, IMAGE_COLUMNS, images_of), (faces, FACE_COLUMNS, faces_of)):
        raw = [sa.type_coerce(column, sa.types.NullType()) for column in columns]  # whatever was put there
        query = sa.select(table.c.gallery, table.c.number, *raw).execution_options(yield_per=_AT_ONCE)
        what = "the picture or its external id" if table is images else "the face"
        for gallery, number, *values in connection.execute(query):
            yield BoundRow(called(gallery), tuple(values)), f"{table.name}, row {number}: {what}"


def user_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All users, and whose the faces are, for comparison with what was recorded."""
    for row in connection.execute(sa.select(users.c.gallery, users.c.number, users.c.user_id)):
        yield bound_user(*row), f"users, row {row.number}: the user"
    owned = sa.select(faces.c.gallery, faces.c.number, faces.c.user).where(faces.c.user.is_not(None))
    for row in connection.execute(owned.execution_options(yield_per=_AT_ONCE)):
        yield bound_owner(*row), f"faces, row {row.number}: whose it is"
