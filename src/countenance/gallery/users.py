"""The users of a gallery and the faces that are said to be theirs, as the database holds them."""

from __future__ import annotations

import json
import logging
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import compress
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from countenance.binding import BoundChange, BoundRow, Recorder, Unrecorded
from countenance.database import Transaction, reading
from countenance.errors import BadRequest, Conflict, LimitExceeded, NoSuchUser, NotAsRecorded, NotFound, TokenReused
from countenance.gallery.answers import Page, Reason, Reassigned, Refusal, Token, User
from countenance.gallery.bound import bound_owner, bound_user
from countenance.gallery.paging import microseconds, page_size, place, portions
from countenance.gallery.stored_templates import undamaged
from countenance.gallery.tables import faces, galleries, user_requests, users
from countenance.scoring.coarse import stepped

log = logging.getLogger(__name__)

Numbers = NDArray[np.int64]
Rows = NDArray[np.float32]
StoredRows = tuple[Rows, Rows]
"""Raw templates of one gallery, (n, d), and how much of each face is not to be seen, (n,)."""

Row = Any  # one row of a result; SQLAlchemy's type cannot tell which columns it has

MOST_FACES = 100
"""How many faces may belong to one user."""

_AT_ONCE = 1024  # rows that are read together of many
_REMEMBERED = timedelta(days=1)  # how long a request with a token is recognised when repeated

_theirs = faces.alias("theirs")
_size = sa.select(sa.func.count()).where(_theirs.c.user == users.c.number).scalar_subquery().label("faces")


class Users:
    """Users in `engine`'s database. now: the clock, UTC. Galleries go by their number in the store.

    recorder: where changes of rows are recorded; without one nobody does, and every row is believed.
    """

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime], recorder: Recorder | None = None) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self._now = now

    def create(self, gallery: int, user_id: str, token: Token | None) -> None:
        """Make a user without faces; `Conflict` if the id is taken."""
        if not 1 <= len(user_id) <= 128:
            raise BadRequest(f"a user id has 1 to 128 characters, got {len(user_id)}")

        def work(transaction: Transaction) -> BoundChange[None]:
            connection = transaction.connection
            row = _locked(connection, gallery)
            if self._known(connection, token) is not None:
                return BoundChange(None)
            taken = sa.select(users.c.number).where(users.c.gallery == gallery, users.c.user_id == user_id)
            if connection.execute(taken).first() is not None:
                raise Conflict("the gallery has a user of that id already")
            values = {"gallery": gallery, "user_id": user_id, "created_us": microseconds(self._now())}
            number = connection.execute(sa.insert(users).values(values).returning(users.c.number)).scalar_one()
            _update(connection, gallery, users=row.users + 1)
            self._remember(connection, gallery, token, "{}")
            return BoundChange(None, made=(bound_user(gallery, number, user_id),))

        self._recorder.change(work)

    def delete(self, gallery: int, user_id: str, token: Token | None) -> None:
        """Take the user out; the faces stay and are nobody's. `NotFound` if there is none."""

        def work(transaction: Transaction) -> BoundChange[None]:
            connection = transaction.connection
            row = _locked(connection, gallery)
            if self._known(connection, token) is not None:
                return BoundChange(None)
            number = user_number(connection, gallery, user_id)
            theirs = faces.c.user == number
            owned = connection.execute(sa.select(faces.c.number).where(theirs)).scalars().all()
            connection.execute(sa.update(faces).where(theirs).values(user=None, user_revision=row.revision + 1))
            connection.execute(sa.delete(users).where(users.c.number == number))
            _update(connection, gallery, users=row.users - 1, revision=row.revision + 1)
            self._remember(connection, gallery, token, "{}")
            owners = (bound_owner(gallery, face, number) for face in owned)
            return BoundChange(None, unmade=(bound_user(gallery, number, user_id), *owners))

        self._recorder.change(work)

    def list(self, gallery: int, after: str | None, limit: int) -> Page[User]:
        """At most `limit` users, oldest first. `BadPageToken` if `after` is not one of this method's."""
        query = (
            sa.select(users.c.number, users.c.user_id, _size)
            .where(users.c.gallery == gallery, users.c.number > place(after))
            .order_by(users.c.number)
            .limit(page_size(limit) + 1)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        items = tuple(User(row.user_id, row.faces) for row in rows[:limit])
        return Page(items, str(rows[limit - 1].number) if len(rows) > limit else None)

    def associate(
        self,
        gallery: int,
        user_id: str,
        face_ids: Sequence[str],
        *,
        similarities: Callable[[StoredRows, StoredRows], Sequence[float]],
        least: float,
        token: Token | None,
    ) -> Reassigned:
        """Give faces to the user. One that the user has already is not mentioned in the answer. If the user has faces,
        a new one that is less than `least` similar to them is refused: similarities(held, new) says how similar each of
        the new faces is, 0..100. `LimitExceeded`, with nothing done, for more than `MOST_FACES` in all;
        `NotFound` without the user.
        """

        def work(transaction: Transaction) -> BoundChange[Reassigned]:
            connection = transaction.connection
            row = _locked(connection, gallery)
            if (known := self._known(connection, token)) is not None:
                return BoundChange(_answered(connection, known))
            number = user_number(connection, gallery, user_id)
            named = _named(connection, gallery, face_ids, row.dimension)
            theirs = sa.select(faces.c.template, faces.c.unseen).where(faces.c.user == number)
            held = connection.execute(theirs).all()
            new = [face_id for face_id, face in named.items() if face is not None and face.user is None]
            alike = dict.fromkeys(new, 100.0)
            if held and new:
                alike_of_new = similarities(_rows(held), _rows([named[face_id] for face_id in new]))
                alike = dict(zip(new, alike_of_new, strict=True))
            done = [face_id for face_id in new if alike[face_id] >= least]
            if done and len(held) + len(done) > MOST_FACES:
                raise LimitExceeded(f"at most {MOST_FACES} faces belong to one user")
            refused = _refused(named, number)
            refused += [(f, Reason.UNLIKE, None, stepped(alike[f])) for f in new if alike[f] < least]
            changed = [named[face_id].number for face_id in done]
            _assign(connection, row, number, changed)
            answer = _answer(done, refused, len(held) + len(done))
            self._remember(connection, gallery, token, answer)
            owners = tuple(bound_owner(gallery, face, number) for face in changed)
            return BoundChange(_answered(connection, answer), made=owners)

        return self._recorder.change(work)

    def disassociate(self, gallery: int, user_id: str, face_ids: Sequence[str], token: Token | None) -> Reassigned:
        """Make faces of the user nobody's. One that is so already is not mentioned. `NotFound` without the user."""

        def work(transaction: Transaction) -> BoundChange[Reassigned]:
            connection = transaction.connection
            row = _locked(connection, gallery)
            if (known := self._known(connection, token)) is not None:
                return BoundChange(_answered(connection, known))
            number = user_number(connection, gallery, user_id)
            named = _named(connection, gallery, face_ids)
            done = [face_id for face_id, face in named.items() if face is not None and face.user == number]
            changed = [named[face_id].number for face_id in done]
            _assign(connection, row, None, changed)
            left = sa.select(sa.func.count()).where(faces.c.user == number)
            answer = _answer(done, _refused(named, number), connection.execute(left).scalar_one())
            self._remember(connection, gallery, token, answer)
            owners = tuple(bound_owner(gallery, face, number) for face in changed)
            return BoundChange(_answered(connection, answer), unmade=owners)

        return self._recorder.change(work)

    def templates(self, gallery: int, user_id: str) -> StoredRows:
        """Those of the user's faces; `NotFound` without the user.

        A face that is not as recorded the user's is left out; `NotAsRecorded` where the user is not.
        """
        with reading(self._engine) as connection:
            number = user_number(connection, gallery, user_id)
            query = sa.select(faces.c.number, faces.c.template, faces.c.unseen).where(faces.c.user == number)
            rows = connection.execute(query.order_by(faces.c.number)).all()
        if self._recorder.differing([bound_user(gallery, number, user_id)]):
            with reading(self._engine) as connection:
                user_number(connection, gallery, user_id)  # deleted meanwhile?
            raise NotAsRecorded("the user is not as the ledger recorded it, and is not compared with")
        different = set(self._recorder.differing([bound_owner(gallery, row.number, number) for row in rows]))
        return _rows([row for i, row in enumerate(rows) if i not in different])

    def owners(self, gallery: int, numbers: Sequence[int]) -> tuple[dict[int, str], dict[str, int], set[int]]:
        """Whose the faces of those numbers are, without those that are nobody's; how many faces each user has.

        The third part: faces that are left out since they, or their users, are not as the ledger recorded them.
        """
        columns = (faces.c.number, users.c.user_id, users.c.number.label("user"), _size)
        query = sa.select(*columns).join(users, faces.c.user == users.c.number)
        with reading(self._engine) as connection:
            rows = [
                row for some in portions(numbers) for row in connection.execute(query.where(faces.c.number.in_(some)))
            ]
        bound: list[BoundRow] = []
        for row in rows:
            bound += [bound_owner(gallery, row.number, row.user), bound_user(gallery, row.user, row.user_id)]
        different = {rows[place // 2].number for place in self._recorder.differing(bound)}
        for number in sorted(different):
            log.error(
                "row %d of the table faces, or its user, is not as the ledger recorded it and is left out of searches "
                "by user; `countenance ledger verify` lists such rows",
                number,
            )
        kept = [row for row in rows if row.number not in different]
        return {row.number: row.user_id for row in kept}, {row.user_id: row.faces for row in kept}, different

    def changed_since(self, gallery: int, revision: int) -> tuple[Numbers, Numbers]:
        """Faces whose user changed after `revision`: those that have a user now and those that have none, sorted."""
        query = (
            sa.select(faces.c.number, faces.c.user.is_not(None).label("owned"))
            .where(faces.c.gallery == gallery, faces.c.user_revision > revision)
            .order_by(faces.c.number)
        )
        numbers = array("q"), array("q")
        with reading(self._engine) as connection:
            for number, owned in connection.execute(query.execution_options(yield_per=_AT_ONCE)):
                numbers[not owned].append(number)
        with_user, without = (
            np.frombuffer(some, dtype=np.int64) if some else np.empty(0, np.int64) for some in numbers
        )
        return with_user, without

    def _known(self, connection: sa.Connection, token: Token | None) -> str | None:
        """The earlier answer to a request with that token; `TokenReused` if it was another request."""
        if token is None:
            return None
        query = sa.select(user_requests.c.request, user_requests.c.answer).where(
            user_requests.c.token == token.key, user_requests.c.made_us > microseconds(self._now() - _REMEMBERED)
        )
        row = connection.execute(query).one_or_none()
        if row is None:
            return None
        if row.request != token.request:
            raise TokenReused("the request token was sent with another request before")
        return str(row.answer)

    def _remember(self, connection: sa.Connection, gallery: int, token: Token | None, answer: str) -> None:
        now = self._now()
        old = user_requests.c.made_us <= microseconds(now - _REMEMBERED)
        connection.execute(sa.delete(user_requests).where(old))
        if token is not None:
            values = {
                "token": token.key, "gallery": gallery, "request": token.request, "answer": answer,
                "made_us": microseconds(now),
            }  # fmt: skip
            connection.execute(sa.insert(user_requests).values(values))


def user_number(connection: sa.Connection, gallery: int, user_id: str) -> int:
    """The user's row; `NoSuchUser` if the gallery has no user of that id."""
    query = sa.select(users.c.number).where(users.c.gallery == gallery, users.c.user_id == user_id)
    number = connection.execute(query).scalar_one_or_none()
    if number is None:
        raise NoSuchUser("the gallery has no user of that id")
    return int(number)


def _locked(connection: sa.Connection, gallery: int) -> Row:
    query = sa.select(galleries.c.number, galleries.c.revision, galleries.c.users, galleries.c.dimension)
    row = connection.execute(query.where(galleries.c.number == gallery).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("the gallery was deleted meanwhile")
    return row


def _update(connection: sa.Connection, gallery: int, **values: int) -> None:
    connection.execute(sa.update(galleries).where(galleries.c.number == gallery).values(values))


def _named(
    connection: sa.Connection, gallery: int, face_ids: Sequence[str], dimension: int | None = None
) -> dict[str, Row]:
    """The faces of those ids, each once, in that order; None for one that is not there, or whose template is damaged.

    dimension: of the templates, where they are to be compared.
    """
    columns = (faces.c.face_id, faces.c.number, faces.c.user, faces.c.template, faces.c.unseen)
    query = sa.select(*columns).where(faces.c.gallery == gallery, faces.c.face_id.in_(face_ids))
    rows = connection.execute(query).all()
    stored = [row.template for row in rows], [row.unseen for row in rows]
    whole = undamaged(stored[0], dimension, stored[1]) if dimension else [True] * len(rows)
    undamaged_rows = {row.face_id: row for row, good in zip(rows, whole, strict=True) if good}
    return {face_id: undamaged_rows.get(face_id) for face_id in face_ids}


def _refused(named: Mapping[str, Row], number: int) -> list[tuple[str, Reason, int | None, float | None]]:
    """The faces that can neither be given to the user nor be taken away."""
    return [
        (face_id, Reason.NOT_FOUND, None, None) if face is None else (face_id, Reason.OTHER_USER, face.user, None)
        for face_id, face in named.items()
        if face is None or face.user not in (None, number)
    ]


def _assign(connection: sa.Connection, row: Row, user: int | None, numbers: Sequence[int]) -> None:
    if numbers:
        revision = row.revision + 1
        these = faces.c.number.in_(numbers)
        connection.execute(sa.update(faces).where(these).values(user=user, user_revision=revision))
        _update(connection, row.number, revision=revision)


def _answer(done: Sequence[str], refused: Sequence[tuple[str, Reason, int | None, float | None]], size: int) -> str:
    """What is kept of an answer: no user's id, so that a deleted user leaves no trace here."""
    return json.dumps([done, refused, size])


def _answered(connection: sa.Connection, answer: str) -> Reassigned:
    done, refused, size = json.loads(answer)
    numbers = [number for _, _, number, _ in refused if number is not None]
    rows = connection.execute(sa.select(users.c.number, users.c.user_id).where(users.c.number.in_(numbers)))
    ids = {row.number: row.user_id for row in rows}
    refusals = (Refusal(face_id, Reason(why), ids.get(number), rate) for face_id, why, number, rate in refused)
    return Reassigned(tuple(done), tuple(refusals), size)


def _rows(stored: Sequence[Row]) -> StoredRows:
    """Those of some faces, without those that are damaged."""
    sizes = Counter(len(row.template) // 4 for row in stored)
    dimension = sizes.most_common(1)[0][0] if sizes else 0
    whole = undamaged([row.template for row in stored], dimension, [row.unseen for row in stored])
    sound = list(compress(stored, whole))
    vectors = np.array([np.frombuffer(row.template, dtype="<f4") for row in sound], dtype=np.float32)
    return vectors, np.array([row.unseen for row in sound], dtype=np.float32)
