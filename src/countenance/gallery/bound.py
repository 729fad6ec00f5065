"""Which rows of the gallery's tables are bound to the record, and which of their values count.

A user is bound with its id, and each face that is a user's with that user. A gallery's counters change often and follow
from the rows, with which they are compared; rules and answers go by them. Its version, tags and times are only shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from countenance.binding import BoundRow
from countenance.database import Transaction, reading
from countenance.gallery.tables import faces, galleries, images, users

_AT_ONCE = 1024
FACE_COLUMNS = (
    faces.c.face_id, faces.c.image, faces.c.box_left, faces.c.box_top, faces.c.box_width, faces.c.box_height,
    faces.c.confidence, faces.c.enrolled_us, faces.c.template, faces.c.unseen,
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


def image_row(gallery: int, values: Sequence[Any]) -> BoundRow:
    """A picture from the values of its `IMAGE_COLUMNS`."""
    return BoundRow(images_of(gallery), tuple(values))


def face_row(gallery: int, values: Sequence[Any]) -> BoundRow:
    """A face from the values of its `FACE_COLUMNS`.

    How much of it is not to be seen counts where something is not: the record of a face that was enrolled before that
    was stored stays as it was made.
    """
    return BoundRow(faces_of(gallery), tuple(values[:-1] if values[-1] == 0 else values))


def bound_face(values: Mapping[str, Any]) -> BoundRow:
    """A face by the values that are inserted."""
    return face_row(values["gallery"], [values[name] for name in _NAMES])


def bound_gallery(row: Any) -> BoundRow:
    """A gallery from its row."""
    return BoundRow(galleries.name, (row.number, row.gallery_id, row.model))


def gallery_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All galleries, images and faces, for comparison with what was recorded."""
    for row in connection.execute(sa.select(*GALLERY_COLUMNS)):
        yield bound_gallery(row), f"galleries, row {row.number}: the gallery"
    for table, columns, bound in ((images, IMAGE_COLUMNS, image_row), (faces, FACE_COLUMNS, face_row)):
        raw = [sa.type_coerce(column, sa.types.NullType()) for column in columns]  # whatever was put there
        query = sa.select(table.c.gallery, table.c.number, *raw).execution_options(yield_per=_AT_ONCE)
        what = "the picture or its external id" if table is images else "the face"
        for gallery, number, *values in connection.execute(query):
            yield bound(gallery, values), f"{table.name}, row {number}: {what}"


def user_rows(connection: sa.Connection) -> Iterator[tuple[BoundRow, str]]:
    """All users, and whose the faces are, for comparison with what was recorded."""
    for row in connection.execute(sa.select(users.c.gallery, users.c.number, users.c.user_id)):
        yield bound_user(*row), f"users, row {row.number}: the user"
    owned = sa.select(faces.c.gallery, faces.c.number, faces.c.user).where(faces.c.user.is_not(None))
    for row in connection.execute(owned.execution_options(yield_per=_AT_ONCE)):
        yield bound_owner(*row), f"faces, row {row.number}: whose it is"


_COUNTED = {
    name: sa.select(sa.func.count()).where(table.c.gallery == galleries.c.number).scalar_subquery()
    for name, table in (("faces", faces), ("users", users))
}


_HIDDEN = sa.and_(
    faces.c.user.is_not(None), ~sa.func.coalesce(faces.c.user_revision, 0).between(1, galleries.c.revision)
)


def miscounted(engine: sa.Engine) -> list[str]:
    """A sentence for each gallery that has not the faces and users that its row says, which rules and answers go by."""
    query = sa.select(galleries.c.number, galleries.c.faces, galleries.c.users, *_COUNTED.values())
    with reading(engine) as connection:
        rows = connection.execute(query).all()
        hidden = connection.execute(sa.select(faces.c.number).join(galleries).where(_HIDDEN)).scalars().all()
    return [f"faces, row {number}: searches by user cannot learn whose it is" for number in hidden] + [
        f"galleries, row {number}: {said[0]} faces and {said[1]} users are said to be in it, there are "
        f"{there[0]} and {there[1]}"
        for number, *counts in rows
        if (said := counts[:2]) != (there := counts[2:])
    ]


def recount(transaction: Transaction) -> int:
    """Have the rows of galleries say how many faces and users are there, and searches by user learn of every owner; how
    many rows were otherwise.
    """
    latest = sa.select(galleries.c.revision).where(galleries.c.number == faces.c.gallery).scalar_subquery()
    unlearnt = sa.select(faces.c.number).join(galleries).where(_HIDDEN)
    learnt = sa.update(faces).where(faces.c.number.in_(unlearnt)).values(user_revision=latest)
    wrong = sa.or_(*(galleries.c[name] != counted for name, counted in _COUNTED.items()))
    counted = sa.update(galleries).where(wrong).values(_COUNTED)
    return sum(transaction.connection.execute(change).rowcount for change in (learnt, counted))
