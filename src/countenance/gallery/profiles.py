"""What callers store with galleries, users and faces: a kind, names, their own data. No search reads any of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from countenance.database import changing, inserting, reading
from countenance.errors import NoSuchFace, NotFound
from countenance.gallery.answers import Page
from countenance.gallery.paging import microseconds, moment, page_size
from countenance.gallery.tables import face_profiles, faces, galleries, gallery_profiles, user_profiles, users
from countenance.gallery.users import user_number

Row = Any  # one row of a result; SQLAlchemy's type cannot tell which columns it has


class GroupKind(StrEnum):
    """What a gallery is for the callers who made it: people with faces, or faces alone."""

    PERSON_GROUP = "person group"
    LARGE_PERSON_GROUP = "large person group"
    FACE_LIST = "face list"
    LARGE_FACE_LIST = "large face list"

    @property
    def of_people(self) -> bool:
        """Whether its faces belong to people."""
        return self in (GroupKind.PERSON_GROUP, GroupKind.LARGE_PERSON_GROUP)


@dataclass(frozen=True, slots=True)
class GroupProfile:
    """model_label: the name that the caller gave the recognition model; it chooses none."""

    kind: GroupKind
    name: str
    user_data: str | None
    model_label: str


@dataclass(frozen=True, slots=True)
class FaceGroup:
    """A gallery with a kind. trained_at: when training was last requested; None if it never was. Times are UTC."""

    gallery_id: str
    profile: GroupProfile
    created_at: datetime
    trained_at: datetime | None


@dataclass(frozen=True, slots=True)
class Person:
    """A user with a name. face_ids: in the order of enrolment."""

    person_id: str
    name: str
    user_data: str | None
    face_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotedFace:
    """An enrolled face and what was stored with it."""

    face_id: str
    user_data: str | None


_groups = sa.select(galleries.c.number, galleries.c.gallery_id, galleries.c.created_us, gallery_profiles).join(
    gallery_profiles, gallery_profiles.c.gallery == galleries.c.number
)
_persons = sa.select(users.c.number, users.c.user_id, user_profiles.c.name, user_profiles.c.user_data).select_from(
    users.outerjoin(user_profiles, user_profiles.c.user == users.c.number)
)
_faces = sa.select(faces.c.number, faces.c.face_id, face_profiles.c.user_data).select_from(
    faces.outerjoin(face_profiles, face_profiles.c.face == faces.c.number)
)


class Profiles:
    """Profiles in `engine`'s database. now: the clock, UTC. A gallery of another kind than requested is `NotFound`."""

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now

    def group(self, gallery_id: str, kind: GroupKind) -> FaceGroup:
        """A gallery of that kind."""
        with reading(self._engine) as connection:
            return _group(_row_of(connection, gallery_id, kind))

    def groups(self, kind: GroupKind, after: str, limit: int) -> Page[FaceGroup]:
        """At most `limit` galleries of that kind with ids above `after`, in order of id."""
        query = _groups.where(gallery_profiles.c.kind == kind, galleries.c.gallery_id > after)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(galleries.c.gallery_id).limit(page_size(limit) + 1)).all()
        items = tuple(_group(row) for row in rows[:limit])
        return Page(items, items[-1].gallery_id if len(rows) > limit else None)

    def update_group(self, gallery_id: str, kind: GroupKind, name: str | None, user_data: str | None) -> None:
        """Store a new name or new data; None keeps what is there."""
        self._change_group(gallery_id, kind, **_given(name=name, user_data=user_data))

    def note_training(self, gallery_id: str, kind: GroupKind) -> None:
        """Note that training was requested now."""
        self._change_group(gallery_id, kind, trained_us=microseconds(self._now()))

    def note_person(self, gallery_id: str, person_id: str, name: str | None, user_data: str | None) -> None:
        """Store a name or data with a user; None keeps what is there. `NotFound` without the user."""
        with changing(self._engine) as connection:
            number = user_number(connection, _number(connection, gallery_id), person_id)
            values = _given(name=name, user_data=user_data)
            statement = inserting(connection.dialect, user_profiles).values(
                user=number, **{"name": person_id, **values}
            )
            changed = values or {"user": number}
            connection.execute(statement.on_conflict_do_update(index_elements=["user"], set_=changed))

    def person(self, gallery_id: str, person_id: str) -> Person:
        """A user with faces; `NotFound` without it."""
        with reading(self._engine) as connection:
            number = user_number(connection, _number(connection, gallery_id), person_id)
            return _people(connection, connection.execute(_persons.where(users.c.number == number)).all())[0]

    def persons(self, gallery_id: str, after: str, limit: int) -> Page[Person]:
        """At most `limit` users with ids above `after`, in order of id."""
        with reading(self._engine) as connection:
            number = _number(connection, gallery_id)
            query = _persons.where(users.c.gallery == number, users.c.user_id > after).order_by(users.c.user_id)
            rows = connection.execute(query.limit(page_size(limit) + 1)).all()
            items = tuple(_people(connection, rows[:limit]))
        return Page(items, items[-1].person_id if len(rows) > limit else None)

    def note_face(self, gallery_id: str, face_id: str, user_data: str | None) -> None:
        """Store data with a face; `NoSuchFace` without it."""
        with changing(self._engine) as connection:
            row = _face_row(connection, gallery_id, face_id, None)
            statement = inserting(connection.dialect, face_profiles).values(face=row.number, user_data=user_data)
            connection.execute(statement.on_conflict_do_update(index_elements=["face"], set_={"user_data": user_data}))

    def face(self, gallery_id: str, face_id: str, person_id: str | None) -> NotedFace:
        """A face, of that user if one is given; `NoSuchFace` without it."""
        with reading(self._engine) as connection:
            row = _face_row(connection, gallery_id, face_id, person_id)
        return NotedFace(row.face_id, row.user_data)

    def faces(self, gallery_id: str, after: str, limit: int) -> Page[NotedFace]:
        """At most `limit` faces with ids above `after`, in order of id."""
        with reading(self._engine) as connection:
            number = _number(connection, gallery_id)
            query = _faces.where(faces.c.gallery == number, faces.c.face_id > after).order_by(faces.c.face_id)
            rows = connection.execute(query.limit(page_size(limit) + 1)).all()
        items = tuple(NotedFace(row.face_id, row.user_data) for row in rows[:limit])
        return Page(items, items[-1].face_id if len(rows) > limit else None)

    def _change_group(self, gallery_id: str, kind: GroupKind, **values: object) -> None:
        with changing(self._engine) as connection:
            number = _row_of(connection, gallery_id, kind).number
            if values:
                these = gallery_profiles.c.gallery == number
                connection.execute(sa.update(gallery_profiles).where(these).values(values))


def profile_row(gallery: int, profile: GroupProfile) -> dict[str, object]:
    """The row of a new gallery's profile."""
    return {
        "gallery": gallery, "kind": profile.kind, "name": profile.name, "user_data": profile.user_data,
        "model_label": profile.model_label,
    }  # fmt: skip


def _given(**values: str | None) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _row_of(connection: sa.Connection, gallery_id: str, kind: GroupKind) -> Row:
    query = _groups.where(galleries.c.gallery_id == gallery_id, gallery_profiles.c.kind == kind)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"there is no {kind} {gallery_id!r}")
    return row


def _number(connection: sa.Connection, gallery_id: str) -> int:
    query = sa.select(galleries.c.number).where(galleries.c.gallery_id == gallery_id)
    number = connection.execute(query).scalar_one_or_none()
    if number is None:
        raise NotFound(f"there is no gallery {gallery_id!r}")
    return int(number)


def _group(row: Row) -> FaceGroup:
    profile = GroupProfile(GroupKind(row.kind), row.name, row.user_data, row.model_label)
    trained = None if row.trained_us is None else moment(row.trained_us)
    return FaceGroup(row.gallery_id, profile, moment(row.created_us), trained)


def _people(connection: sa.Connection, rows: Sequence[Row]) -> list[Person]:
    theirs: dict[int, list[str]] = {row.number: [] for row in rows}
    query = sa.select(faces.c.user, faces.c.face_id).where(faces.c.user.in_(theirs)).order_by(faces.c.number)
    for user, face_id in connection.execute(query):
        theirs[user].append(face_id)
    return [Person(row.user_id, row.name or row.user_id, row.user_data, tuple(theirs[row.number])) for row in rows]


def _face_row(connection: sa.Connection, gallery_id: str, face_id: str, person_id: str | None) -> Row:
    number = _number(connection, gallery_id)
    query = _faces.where(faces.c.gallery == number, faces.c.face_id == face_id)
    if person_id is not None:
        query = query.where(faces.c.user == user_number(connection, number, person_id))
    row = connection.execute(query).one_or_none()
    if row is None:
        raise NoSuchFace("there is no enrolled face of that id")
    return row
