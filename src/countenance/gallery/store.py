"""What a gallery holds, in one SQL database. Nothing here searches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import compress
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.exc import IntegrityError

from countenance.binding import BoundChange, BoundRow, Going, Recorder, Unrecorded, none_going
from countenance.database import Direct, Transaction, changing, kind_of, reading, reading_once
from countenance.errors import AlreadyExists, BadRequest, Conflict, NoSuchFace, NotAsRecorded, NotFound
from countenance.faces import BoundingBox, DetectedFace, EnrolledFace, ModelId, Template
from countenance.gallery.answers import Erased, GalleryInfo, Page
from countenance.gallery.bound import (
    FACE_COLUMNS,
    GALLERY_COLUMNS,
    IMAGE_COLUMNS,
    bound_face,
    bound_gallery,
    bound_owner,
    face_row,
    faces_of,
    images_of,
    owners_of,
    users_of,
)
from countenance.gallery.overlap import already_there
from countenance.gallery.paging import microseconds, moment, page_size, place, portions
from countenance.gallery.profiles import GroupProfile, profile_row
from countenance.gallery.share import END, EVERYTHING, FaceShare
from countenance.gallery.stored_templates import undamaged
from countenance.gallery.tables import erasures, faces, galleries, gallery_profiles, images, users
from countenance.gallery.users import user_number

Numbers = NDArray[np.int64]
Rows = NDArray[np.float32]
log = logging.getLogger(__name__)

Row = Any  # one row of a result; SQLAlchemy's type cannot tell which columns it has

_SHORTEST_LOG = 10_000  # erasures that are remembered even for a small gallery

_face_columns = (
    faces.c.number, faces.c.face_id, faces.c.box_left, faces.c.box_top, faces.c.box_width, faces.c.box_height,
    faces.c.confidence, images.c.image_id, images.c.external_id, galleries.c.model, users.c.user_id,
)  # fmt: skip
_face_rows = sa.select(*_face_columns).select_from(
    faces.join(images, faces.c.image == images.c.number)
    .join(galleries, faces.c.gallery == galleries.c.number)
    .outerjoin(users, faces.c.user == users.c.number)
)

_RAW_FACE = [sa.type_coerce(column, sa.types.NullType()) for column in FACE_COLUMNS]  # whatever was put there
_these = faces.alias("these")

# Asked at every call, so they are made once.
_GALLERY = sa.select(galleries).where(galleries.c.gallery_id == sa.bindparam("gallery_id"))
_LOCKED_GALLERY = _GALLERY.with_for_update()
_NEW_GALLERY = sa.insert(galleries).returning(galleries.c.number)
_HEAD = Direct(
    sa.select(
        galleries.c.number,
        galleries.c.model,
        galleries.c.dimension,
        galleries.c.faces,
        galleries.c.revision,
        galleries.c.users,
    ).where(galleries.c.gallery_id == sa.bindparam("gallery_id"))
)
_IMAGE = Direct(
    sa.select(images.c.number, images.c.image_id).where(
        images.c.gallery == sa.bindparam("gallery"),
        images.c.image_digest == sa.bindparam("image_digest"),
        images.c.external_id == sa.bindparam("external_id"),
    )
)
_OF_IMAGE = _face_rows.where(faces.c.image == sa.bindparam("image")).order_by(faces.c.number)
_NEW_IMAGE = Direct(
    sa.insert(images)
    .values({name: sa.bindparam(name) for name in ("gallery", "image_id", "image_digest", "external_id")})
    .returning(images.c.number)
)
_GIVEN = [each.name for each in faces.c if each.name not in ("number", "user", "user_revision")]
_NEW_FACES = Direct(sa.insert(faces).values({name: sa.bindparam(name) for name in _GIVEN}))
_MORE_FACES = Direct(
    sa.update(galleries)
    .where(galleries.c.number == sa.bindparam("gallery"))
    .values(
        dimension=sa.bindparam("length"),
        faces=galleries.c.faces + sa.bindparam("more"),
        revision=galleries.c.revision + 1,
    )
)


_ROOMS = (16, 128, 1024)  # numbers in one statement; there are few statements, so that each is written once


@cache
def _by_number(count: int) -> Direct:
    """The statement for faces of a gallery by `count` numbers, called n0, n1 and so on."""
    numbers: list[sa.BindParameter[int]] = [sa.bindparam(f"n{i}") for i in range(count)]
    return Direct(_face_rows.where(faces.c.gallery == sa.bindparam("gallery"), faces.c.number.in_(numbers)))


@dataclass(frozen=True, slots=True)
class GalleryHead:
    """A gallery at one moment. number: its row. dimension: length of its templates; None until the first.

    revision goes up with every change of its faces or their users.
    """

    number: int
    model: ModelId
    dimension: int | None
    faces: int
    revision: int
    users: int


class Store:
    """Galleries, images and faces in `engine`'s database. now: the clock, UTC. new_id: makes face and image ids.

    recorder: records changes of rows; without it none are recorded, and every row is trusted.
    going: what else goes with faces.
    """

    def __init__(
        self,
        engine: sa.Engine,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        recorder: Recorder | None = None,
        going: Going = none_going,
    ) -> None:
        self._engine = engine
        self._recorder = recorder or Unrecorded(engine)
        self._now = now
        self._new_id = new_id
        self._going = going

    def create(
        self,
        gallery_id: str,
        model: ModelId,
        version: str,
        tags: Mapping[str, str],
        profile: GroupProfile | None = None,
    ) -> GalleryInfo:
        """Make an empty gallery; `AlreadyExists` if the id is taken."""
        if not 1 <= len(gallery_id) <= 255 or "\0" in gallery_id:
            raise BadRequest(f"a gallery id has 1 to 255 characters, got {len(gallery_id)}")
        values = {
            "gallery_id": gallery_id, "model": model, "version": version, "tags": dict(tags), "faces": 0, "revision": 0,
            "log_floor": 0, "log_length": 0, "created_us": microseconds(self._now()),
        }  # fmt: skip

        def work(transaction: Transaction) -> BoundChange[None]:
            try:
                made = transaction.connection.execute(_NEW_GALLERY, values).scalar_one()
                if profile is not None:
                    transaction.connection.execute(sa.insert(gallery_profiles).values(profile_row(made, profile)))
            except IntegrityError:
                raise AlreadyExists(f"there is a gallery {gallery_id!r} already") from None
            return BoundChange(None, made=(bound_gallery(_gallery_row(transaction.connection, gallery_id)),))

        self._recorder.change(work)
        return self.describe(gallery_id)

    def describe(self, gallery_id: str) -> GalleryInfo:
        """What the gallery is; `NotFound` if there is none."""
        with reading_once(self._engine) as connection:
            return _info(_gallery_row(connection, gallery_id))

    def change_tags(self, gallery_id: str, change: Callable[[dict[str, str]], None]) -> None:
        """Let `change` alter the gallery's tags; `NotFound` if there is none."""
        with changing(self._engine) as connection:
            row = _gallery_row(connection, gallery_id, lock=True)
            tags = dict(row.tags)
            change(tags)
            connection.execute(sa.update(galleries).where(galleries.c.number == row.number).values(tags=tags))

    def list(self, after: str | None, limit: int) -> Page[GalleryInfo]:
        """At most `limit` galleries whose ids come after `after`, in order of id."""
        query = sa.select(galleries).order_by(galleries.c.gallery_id).limit(page_size(limit) + 1)
        if after is not None:
            query = query.where(galleries.c.gallery_id > after)
        with reading(self._engine) as connection:
            page = [_info(row) for row in connection.execute(query)]
        return Page(tuple(page[:limit]), page[limit - 1].gallery_id if len(page) > limit else None)

    def delete(self, gallery_id: str) -> int:
        """Delete the gallery with all its faces and return its number; `NotFound` if there is none."""

        def work(transaction: Transaction) -> BoundChange[int]:
            connection = transaction.connection
            row = _gallery_row(connection, gallery_id, lock=True)
            going = self._going(connection, faces.c.gallery == row.number)
            connection.execute(sa.delete(galleries).where(galleries.c.number == row.number))
            return BoundChange(
                int(row.number),
                unmade=(bound_gallery(row), *going),
                dropped=tuple(of(row.number) for of in (faces_of, images_of, users_of, owners_of)),
                gallery=gallery_id,
            )

        return self._recorder.change(work)

    def head(self, gallery_id: str) -> GalleryHead:
        """The gallery's counters; `NotFound` if there is none."""
        return _the_head(_HEAD.rows(self._engine, gallery_id=gallery_id), gallery_id)

    def enrol(
        self,
        gallery_id: str,
        image_digest: str,
        external_id: str | None,
        detected: Sequence[tuple[DetectedFace, Template]],
    ) -> tuple[EnrolledFace, ...]:
        """Store the faces of one picture, all or none, and return them in the order given.

        A face that this picture has in this gallery under this external id already is not stored twice: the enrolled
        one is returned. `Conflict` if a template is of another model or length than the gallery's.
        """

        def work(transaction: Transaction) -> BoundChange[tuple[EnrolledFace, ...]]:
            head = _the_head(transaction.rows(_HEAD, gallery_id=gallery_id), gallery_id)
            dimension = _agreed_dimension(head, [template for _, template in detected])
            if not detected:
                return BoundChange(())
            named = {"gallery": head.number, "image_digest": image_digest, "external_id": external_id or ""}
            image = next(iter(transaction.rows(_IMAGE, **named)), None)
            stored = _of_image(transaction.connection, image[0]) if image else ()
            known = already_there([face.box for face, _ in detected], [face.box for face in stored])
            if len(known) == len(detected):
                return BoundChange(tuple(stored[known[i]] for i in range(len(detected))))
            made: list[BoundRow] = []
            if image is None:
                image_id = self._new_id()
                image = transaction.rows(_NEW_IMAGE, image_id=image_id, **named)[0][0], image_id
                made.append(BoundRow(images_of(head.number), (*image, image_digest, external_id or "")))
            answer, rows = [], []
            for i, (face, template) in enumerate(detected):
                if i in known:
                    answer.append(stored[known[i]])
                    continue
                enrolled = EnrolledFace(
                    self._new_id(), image[1], external_id or None, face.box, face.confidence, head.model, added=True
                )
                answer.append(enrolled)
                rows.append(_face_values(head.number, image[0], enrolled, template, self._now()))
            transaction.many(_NEW_FACES, rows)
            transaction.many(_MORE_FACES, [{"gallery": head.number, "length": dimension, "more": len(rows)}])
            return BoundChange(tuple(answer), made=(*made, *map(bound_face, rows)))

        return self._recorder.change(work)

    def erase(self, gallery_id: str, face_ids: Sequence[str], *, keep_owned: bool) -> Erased:
        """Delete the faces with those ids, and every image that has no face left; `scrub` removes them from the disk.
        keep_owned: keep those that belong to a user, and report them.
        """
        wanted = tuple(dict.fromkeys(face_ids))

        def work(transaction: Transaction) -> BoundChange[Erased]:
            connection = transaction.connection
            row = _gallery_row(connection, gallery_id, lock=True)
            gone: dict[str, int] = {}
            touched: set[int] = set()
            owned: dict[str, str] = {}
            unmade: list[BoundRow] = []
            for some in portions(wanted):
                query = (
                    sa.select(faces.c.number, faces.c.user, users.c.user_id, *_RAW_FACE)
                    .select_from(faces.outerjoin(users, faces.c.user == users.c.number))
                    .where(faces.c.gallery == row.number, faces.c.face_id.in_(some))
                )
                for number, user, user_id, *values in connection.execute(query):
                    face_id, image = values[0], values[1]
                    if keep_owned and user_id is not None:
                        owned[face_id] = user_id
                        continue
                    gone[face_id] = number
                    touched.add(image)
                    unmade.append(face_row(row.number, values))
                    if user is not None:
                        unmade.append(bound_owner(row.number, number, user))
            for few in portions(sorted(gone.values())):
                unmade += self._going(connection, faces.c.number.in_(few))
            if gone:
                empty = _delete(connection, row, sorted(gone.values()), sorted(touched))
                unmade += [BoundRow(images_of(row.number), values) for values in empty]
            erased = Erased(
                tuple(f for f in wanted if f in gone),
                tuple(f for f in wanted if f not in gone and f not in owned),
                owned=tuple((f, owned[f]) for f in wanted if f in owned),
            )
            return BoundChange(erased, unmade=tuple(unmade), faces=erased.deleted)

        return self._recorder.change(work)

    def faces(
        self,
        gallery_id: str,
        *,
        face_ids: Sequence[str] | None,
        user_id: str | None,
        after: str | None,
        limit: int,
    ) -> Page[EnrolledFace]:
        """At most `limit` faces in the order of enrolment; only those of `face_ids` and of that user, where given.

        `NotFound` without the user. `BadPageToken` if `after` is not one of this method's.
        """
        first, limit = place(after), page_size(limit)
        with reading(self._engine) as connection:
            number = _gallery_row(connection, gallery_id).number
            query = _face_rows.where(faces.c.gallery == number, faces.c.number > first)
            query = query.order_by(faces.c.number).limit(limit + 1)
            asked = sa.select(_these.c.number).where(_these.c.gallery == number)  # else SQLite reads the whole gallery
            if user_id is not None:
                asked = asked.where(_these.c.user == user_number(connection, number, user_id))
                query = query.where(faces.c.number.in_(asked))
            if face_ids is None:
                rows = list(connection.execute(query))
            else:
                wanted = tuple(dict.fromkeys(face_ids))
                rows = [
                    row
                    for some in portions(wanted)
                    for row in connection.execute(
                        query.where(faces.c.number.in_(asked.where(_these.c.face_id.in_(some))))
                    )
                ]
                rows.sort(key=lambda row: int(row.number))
        items = tuple(_enrolled(row) for row in rows[:limit])
        return Page(items, str(rows[limit - 1].number) if len(rows) > limit else None)

    def enrolled_before(self, gallery_id: str, before: datetime, limit: int) -> tuple[str, ...]:
        """The ids of at most `limit` faces that were enrolled before that moment, in the order of enrolment."""
        query = (
            sa.select(faces.c.face_id)
            .join(galleries, galleries.c.number == faces.c.gallery)
            .where(galleries.c.gallery_id == gallery_id, faces.c.enrolled_us < microseconds(before))
            .order_by(faces.c.number)
            .limit(page_size(limit))
        )
        with reading(self._engine) as connection:
            return tuple(connection.execute(query).scalars())

    def source(self, gallery_id: str, face_id: str) -> tuple[str, BoundingBox]:
        """The digest of the picture of an enrolled face, and its box; `NotFound`, `NoSuchFace` as for `template`."""
        with reading(self._engine) as connection:
            number = _gallery_row(connection, gallery_id).number
            query = (
                sa.select(
                    images.c.image_digest, faces.c.box_left, faces.c.box_top, faces.c.box_width, faces.c.box_height
                )
                .join(images, images.c.number == faces.c.image)
                .where(faces.c.gallery == number, faces.c.face_id == face_id)
            )
            row = connection.execute(query).first()
        if row is None:
            raise NoSuchFace(f"gallery {gallery_id!r} has no face of that id")
        return str(row[0]), BoundingBox(*row[1:])

    def template(self, gallery_id: str, face_id: str) -> Template:
        """The raw template of an enrolled face; `NotFound` without the gallery, `NoSuchFace` if it is not in it."""
        with reading(self._engine) as connection:
            row = _gallery_row(connection, gallery_id)
            query = sa.select(faces.c.template, faces.c.unseen)
            found = connection.execute(
                query.where(faces.c.gallery == row.number, faces.c.face_id == face_id)
            ).one_or_none()
        if found is None:
            raise NoSuchFace(f"gallery {gallery_id!r} has no face of that id")
        if not undamaged([found.template], row.dimension or 0, [found.unseen])[0]:
            raise Conflict("the template of that face is damaged in the database")
        vector = np.frombuffer(found.template, dtype="<f4").astype(np.float32)
        return Template(vector, ModelId(row.model), found.unseen)

    def number_of(self, gallery: int, face_id: str) -> int | None:
        """The number of a face of that id, if the gallery holds one."""
        query = sa.select(faces.c.number).where(faces.c.gallery == gallery, faces.c.face_id == face_id)
        with reading(self._engine) as connection:
            return connection.execute(query).scalar_one_or_none()

    def by_number(self, gallery: int, numbers: Sequence[int]) -> dict[int, EnrolledFace]:
        """The faces of those numbers that are still there."""
        enrolled: dict[int, EnrolledFace] = {}  # a face erased between portions is missing
        for start in range(0, len(numbers), _ROOMS[-1]):
            some = numbers[start : start + _ROOMS[-1]]
            room = next(room for room in _ROOMS if len(some) <= room)
            asked = {f"n{i}": number for i, number in enumerate([*some, *[-1] * (room - len(some))])}
            enrolled |= {
                row[0]: _enrolled(row) for row in _by_number(room).rows(self._engine, gallery=gallery, **asked)
            }
        return enrolled

    def templates_after(
        self, gallery: int, number: int, dimension: int, at_once: int, share: FaceShare = EVERYTHING
    ) -> Iterator[tuple[Numbers, Rows, Rows]]:
        """The numbers (n,) and raw templates (n, d) of `share` above `number`, in order, at most `at_once` at a time;
        and how much of each face is not to be seen, (n,).

        A damaged template, and a face that is not as it was recorded, is left out; the log names its row.
        """
        first, stop = share.stretch(number + 1)
        while dimension:  # nothing was ever enrolled in a gallery without one
            portion = self._portion(gallery, first, stop, at_once)
            if portion:
                sound = self._sound(gallery, portion, dimension)
                if len(sound[0]):
                    yield sound
            if len(portion) == at_once:
                first = portion[-1][0] + 1
            elif (following := self._first_from(gallery, stop)) is not None:
                first, stop = share.stretch(following)
            else:
                return

    def _portion(self, gallery: int, first: int, stop: int, at_once: int) -> Sequence[Row]:
        """The first rows with numbers from `first` up to `stop`: number, then `FACE_COLUMNS`.

        It reads through the driver itself: SQLAlchemy's rows would take as long as the rest of a start.
        """
        query = (
            sa.select(faces.c.number, *FACE_COLUMNS)
            .where(faces.c.gallery == gallery, faces.c.number >= first, faces.c.number < stop)
            .order_by(faces.c.number)
            .limit(at_once)
        )
        statement = str(query.compile(self._engine, compile_kwargs={"literal_binds": True}))
        with reading(self._engine) as connection:
            cursor = connection.connection.cursor()
            cursor.execute(statement)
            portion = cursor.fetchall()
            cursor.close()
        return portion

    def _first_from(self, gallery: int, number: int) -> int | None:
        """The lowest number in the gallery that is not below `number`."""
        if number >= END:
            return None
        query = sa.select(sa.func.min(faces.c.number)).where(faces.c.gallery == gallery, faces.c.number >= number)
        with reading_once(self._engine) as connection:
            return connection.execute(query).scalar()

    def _sound(self, gallery: int, portion: Sequence[Row], dimension: int) -> tuple[Numbers, Rows, Rows]:
        """The numbers, templates and unseen shares of those rows that are whole and as they were recorded."""
        some, *_, templates, unseen = zip(*portion, strict=True)
        different = self._different(gallery, portion)
        numbers = np.array(some, dtype=np.int64)
        whole = undamaged(templates, dimension, unseen)
        for damaged in numbers[~whole]:
            log.error(
                "row %d of the table faces holds a damaged template and is left out of every search; "
                "`countenance ledger verify` lists such rows",
                damaged,
            )
        whole &= ~np.isin(numbers, list(different))
        numbers = numbers[whole]
        rows = np.frombuffer(b"".join(compress(templates, whole)), dtype="<f4").reshape(len(numbers), dimension)
        return numbers, rows, np.fromiter(compress(unseen, whole), np.float32, len(numbers))

    def check_gallery(self, gallery: int) -> None:
        """`NotAsRecorded` if the gallery's row was changed without an entry in the ledger."""
        query = sa.select(*GALLERY_COLUMNS).where(galleries.c.number == gallery)
        with reading_once(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is not None and self._recorder.differing([bound_gallery(row)]):
            raise NotAsRecorded("the gallery is not as the ledger recorded it, and is not searched")

    def _different(self, gallery: int, portion: Sequence[Row]) -> set[int]:
        """The numbers of those faces that are not as they were recorded, each named in the log."""
        if isinstance(self._recorder, Unrecorded):
            return set()
        bound = [face_row(gallery, row[1:]) for row in portion]
        numbers = {portion[i][0] for i in self._recorder.differing(bound, once=True)}
        if numbers:  # without those that were erased since they were read
            listed = self.by_number(gallery, sorted(numbers))
            for number in sorted(listed):
                log.error(
                    "row %d of the table faces is not as the ledger recorded it and is left out of every search; "
                    "`countenance ledger verify` lists such rows",
                    number,
                )
        return numbers

    def erased_since(self, gallery: int, revision: int) -> Numbers | None:
        """The numbers of the faces erased after `revision`, sorted, (n,); None if the log does not reach back that
        far.
        """
        query = sa.select(erasures.c.face).where(erasures.c.gallery == gallery, erasures.c.revision > revision)
        with reading(self._engine) as connection:
            floor = connection.execute(sa.select(galleries.c.log_floor).where(galleries.c.number == gallery)).scalar()
            if floor is None or floor > revision:
                return None
            numbers = connection.execute(query).scalars().all()
        return np.sort(np.array(numbers, dtype=np.int64))

    def scrub(self, wait_ms: int) -> bool:
        """Have nothing that was deleted stay in the database's files; see `DatabaseKind.scrub`."""
        return kind_of(self._engine).scrub(self._engine, wait_ms)


def _gallery_row(connection: sa.Connection, gallery_id: str, lock: bool = False) -> Row:
    row = connection.execute(_LOCKED_GALLERY if lock else _GALLERY, {"gallery_id": gallery_id}).one_or_none()
    if row is None:
        raise _no_gallery(gallery_id)
    return row


def _no_gallery(gallery_id: str) -> NotFound:
    return NotFound(f"there is no gallery {gallery_id!r}")


def _the_head(rows: Sequence[Row], gallery_id: str) -> GalleryHead:
    if not rows:
        raise _no_gallery(gallery_id)
    return GalleryHead(*rows[0])


def _info(row: Row) -> GalleryInfo:
    created = moment(row.created_us)
    return GalleryInfo(row.gallery_id, ModelId(row.model), row.version, row.faces, row.users, created, row.tags)


def _enrolled(row: Row) -> EnrolledFace:
    """A face from its row of `_face_columns`."""
    _, face_id, left, top, width, height, confidence, image_id, external_id, model, user_id = row
    box = BoundingBox(left, top, width, height)
    return EnrolledFace(face_id, image_id, external_id or None, box, confidence, ModelId(model), user_id)


def _of_image(connection: sa.Connection, image: int) -> tuple[EnrolledFace, ...]:
    return tuple(_enrolled(row) for row in connection.execute(_OF_IMAGE, {"image": image}))


def _face_values(gallery: int, image: int, face: EnrolledFace, template: Template, now: datetime) -> dict[str, object]:
    return {
        "gallery": gallery, "image": image, "face_id": face.face_id, "confidence": float(face.confidence),
        "box_left": float(face.box.left), "box_top": float(face.box.top),
        "box_width": float(face.box.width), "box_height": float(face.box.height),
        "enrolled_us": microseconds(now), "template": template.vector.astype("<f4").tobytes(),
        "unseen": float(template.unseen),
    }  # fmt: skip


def any_gallery(database: sa.Engine) -> bool:
    """Whether there is any gallery, even an empty one."""
    with database.connect() as connection:
        return connection.execute(sa.select(galleries.c.number).limit(1)).first() is not None


def size_of_all(database: sa.Engine) -> tuple[int, int]:
    """How many galleries there are, and how many faces in all of them together."""
    with reading_once(database) as connection:
        count, total = connection.execute(sa.select(sa.func.count(), sa.func.sum(galleries.c.faces))).one()
    return int(count), int(total or 0)


def damaged_rows(engine: sa.Engine) -> tuple[int, ...]:
    """The rows of all galleries whose template is no unit vector, or not as long as its gallery's templates are."""
    query = sa.select(galleries.c.number, galleries.c.dimension)
    with reading(engine) as connection:
        lengths = {row.number: row.dimension for row in connection.execute(query)}
        damaged: list[int] = []
        listed = connection.execution_options(yield_per=1024).execute(
            sa.select(
                faces.c.gallery,
                faces.c.number,
                *(sa.type_coerce(column, sa.types.NullType()) for column in (faces.c.template, faces.c.unseen)),
            )
        )
        for some in listed.partitions():
            for gallery, number, template, unseen in some:
                if not undamaged([template], lengths.get(gallery) or 0, [unseen])[0]:
                    damaged.append(number)
    return tuple(sorted(damaged))


def _agreed_dimension(head: GalleryHead, templates: Sequence[Template]) -> int | None:
    dimension = head.dimension
    for template in templates:
        if template.model != head.model:
            raise Conflict(
                f"the gallery is pinned to model {head.model[:12]}…, got {template.model[:12]}…: templates of two "
                "models cannot be compared, so enrol its pictures again in a new gallery"
            )
        dimension = dimension or len(template.vector)
        if len(template.vector) != dimension:
            raise Conflict(f"the gallery's templates have {dimension} numbers, got {len(template.vector)}")
    return dimension


def _delete(
    connection: sa.Connection, row: Row, numbers: Sequence[int], touched: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Delete those faces and the images among `touched` that have none left, and note it in the log of erasures.

    The images that were deleted, by `IMAGE_COLUMNS`.
    """
    empty: list[tuple[Any, ...]] = []
    gallery, revision, left = row.number, row.revision + 1, row.faces - len(numbers)
    for some in portions(numbers):
        connection.execute(sa.delete(faces).where(faces.c.number.in_(some)))
    for some in portions(touched):
        kept = sa.select(faces.c.image).where(faces.c.image.in_(some))
        idle = (images.c.number.in_(some), images.c.number.not_in(kept))
        empty += [tuple(image) for image in connection.execute(sa.select(*IMAGE_COLUMNS).where(*idle))]
        connection.execute(sa.delete(images).where(*idle))
    floor, length = row.log_floor, row.log_length + len(numbers)
    if length > max(_SHORTEST_LOG, left):  # a log as long as the gallery: reading the gallery again costs no more
        connection.execute(sa.delete(erasures).where(erasures.c.gallery == gallery))
        floor, length = revision, 0
    else:
        log = [{"gallery": gallery, "revision": revision, "face": number} for number in numbers]
        connection.execute(sa.insert(erasures), log)
    connection.execute(
        sa.update(galleries)
        .where(galleries.c.number == gallery)
        .values(faces=left, revision=revision, log_floor=floor, log_length=length)
    )
    return empty
