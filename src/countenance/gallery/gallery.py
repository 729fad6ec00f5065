"""Who is enrolled, and who is like whom: the store and its indexes behind one door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from countenance.binding import Going, Recorder, none_going
from countenance.errors import Conflict, NotFound, Overloaded
from countenance.faces import BoundingBox, DetectedFace, EnrolledFace, ModelId, Template
from countenance.gallery.answers import (
    Erased,
    GalleryInfo,
    Matches,
    Page,
    Reassigned,
    SearchCounts,
    Token,
    User,
    UserMatch,
    UserMatches,
)
from countenance.gallery.by_user import grouped, settled
from countenance.gallery.local import LocalSearch
from countenance.gallery.profiles import GroupProfile, Profiles
from countenance.gallery.search.chunk import Rows
from countenance.gallery.search.row_file import RowsOnDisk
from countenance.gallery.searching import GallerySearch
from countenance.gallery.store import GalleryHead, Store
from countenance.gallery.users import StoredRows, Users
from countenance.observing import timed
from countenance.scoring.calibration import Calibration
from countenance.scoring.coarse import coarse
from countenance.scoring.normaliser import Normaliser, probe_rows

_GALLERIES_AT_ONCE = 100
_ROWS_PER_USER = 2  # hits that a search for users starts with; the number is doubled until the users are certain
_TOO_FAST = "the gallery changes faster than it can be searched"
_TRIES = 10  # of a search that finds its gallery changed when it is done
EnrolledFaces = list[EnrolledFace]


class Gallery:
    """The galleries of one database. Safe to use from several threads, and beside other processes on the same file.

    profiles: what callers wrote beside galleries, users and faces.
    engine: from `countenance.database.open_database`. normaliser: makes the rows that are searched from templates.
    now: the clock, UTC. new_id: makes face and image ids. threads: how many one search may use; 0 means all cores.
    recorder: records changes of rows; without it none are recorded, and every row is trusted. on_disk: where the rows
    of large galleries lie; without it, all are in memory. searching: what searches, with the same normaliser; an index
    in this process where none is given. going: what else goes with faces.
    """

    def __init__(
        self,
        engine: sa.Engine,
        normaliser: Normaliser,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        threads: int = 0,
        recorder: Recorder | None = None,
        on_disk: RowsOnDisk | None = None,
        searching: GallerySearch | None = None,
        going: Going = none_going,
    ) -> None:
        self._store = Store(engine, now, new_id, recorder, going)
        self._users = Users(engine, now, recorder)
        self.profiles = Profiles(engine, now)
        self.new_id = new_id
        self._normaliser = normaliser
        self._searching: GallerySearch = searching or LocalSearch(
            self._store, self._users, normaliser, threads, on_disk=on_disk
        )
        self._unscrubbed = False

    def create(
        self,
        gallery_id: str,
        model: ModelId,
        version: str,
        tags: Mapping[str, str],
        profile: GroupProfile | None = None,
    ) -> GalleryInfo:
        """Make an empty gallery for templates of `model`; `AlreadyExists` if the id is taken."""
        return self._store.create(gallery_id, model, version, tags, profile)

    def describe(self, gallery_id: str) -> GalleryInfo:
        """What the gallery is; `NotFound` if there is none."""
        return self._store.describe(gallery_id)

    def change_tags(self, gallery_id: str, change: Callable[[dict[str, str]], None]) -> None:
        """Let `change` alter the gallery's tags, in one transaction; `NotFound` if there is none."""
        self._store.change_tags(gallery_id, change)

    def size(self, gallery_id: str) -> int:
        """How many faces are enrolled in it; `NotFound` if there is none."""
        return self._head(gallery_id).faces

    def user_count(self, gallery_id: str) -> int:
        """How many users it has; `NotFound` if there is no such gallery."""
        return self._head(gallery_id).users

    def list(self, after: str | None, limit: int) -> Page[GalleryInfo]:
        """At most `limit` galleries whose ids come after `after`, in order of id."""
        return self._store.list(after, limit)

    def delete(self, gallery_id: str) -> bool:
        """Delete the gallery with all its faces; `NotFound` if there is none. The answer is `Erased.scrubbed`."""
        self._store.delete(gallery_id)
        self._searching.forget(gallery_id)
        return self.scrub()

    def enrol(
        self,
        gallery_id: str,
        image_digest: str,
        external_id: str | None,
        faces: Sequence[tuple[DetectedFace, Template]],
    ) -> EnrolledFaces:
        """Enrol the faces of one picture, all or none; durable when this returns. The answer has their order.

        The same picture under the same external id again gives the faces that are enrolled and adds only those that
        are not. `NotFound` without the gallery, `Conflict` for templates of another model.
        """
        enrolled = list(self._store.enrol(gallery_id, image_digest, external_id, faces))
        if self._unscrubbed:
            self.scrub(wait_ms=0)
        return enrolled

    def faces(
        self,
        gallery_id: str,
        *,
        face_ids: Sequence[str] | None = None,
        user_id: str | None = None,
        after: str | None = None,
        limit: int,
    ) -> Page[EnrolledFace]:
        """At most `limit` faces in the order of enrolment; only those of `face_ids` and of that user, where given.

        after: `Page.next` of the page before; anything else may be `BadPageToken`. `NotFound` without the user.
        """
        return self._store.faces(gallery_id, face_ids=face_ids, user_id=user_id, after=after, limit=limit)

    def erase(self, gallery_id: str, face_ids: Sequence[str], *, keep_owned: bool = False) -> Erased:
        """Delete faces: they are gone from every search that begins after this, and from the disk (see
        `Erased.scrubbed`).

        keep_owned: keep those that belong to a user. Erasure that the rules demand does not set it.
        """
        erased = self._store.erase(gallery_id, face_ids, keep_owned=keep_owned)
        return replace(erased, scrubbed=self.scrub()) if erased.deleted else erased

    def create_user(self, gallery_id: str, user_id: str, token: Token | None = None) -> None:
        """Make a user without faces; `Conflict` if the gallery has one of that id."""
        self._users.create(self._head(gallery_id).number, user_id, token)

    def delete_user(self, gallery_id: str, user_id: str, token: Token | None = None) -> bool:
        """Delete the user; the faces stay, without a user. Returns `scrubbed` as in `Erased`, for the user's id."""
        self._users.delete(self._head(gallery_id).number, user_id, token)
        return self.scrub()

    def users(self, gallery_id: str, *, after: str | None = None, limit: int) -> Page[User]:
        """At most `limit` users, oldest first. after: as for `faces`."""
        return self._users.list(self._head(gallery_id).number, after, limit)

    def associate(
        self,
        gallery_id: str,
        user_id: str,
        face_ids: Sequence[str],
        *,
        calibration: Calibration,
        similarity: float,
        token: Token | None = None,
    ) -> Reassigned:
        """Give faces to the user. If the user has faces already, new ones must be at least that similar to them, as in
        a search.

        `NotFound` without the user, `LimitExceeded` for more faces than one user may have.
        """
        head = self._head(gallery_id)
        _of_one_model(head, calibration)

        def similarities(held: StoredRows, new: StoredRows) -> list[float]:
            scores = self._normaliser.gallery_side(*held) @ self._normaliser.probe_side(*new).T
            return [coarse(calibration.similarity_of_best(float(best), len(scores))) for best in scores.max(axis=0)]

        least, ids = similarity, tuple(dict.fromkeys(face_ids))
        return self._users.associate(head.number, user_id, ids, similarities=similarities, least=least, token=token)

    def disassociate(
        self, gallery_id: str, user_id: str, face_ids: Sequence[str], token: Token | None = None
    ) -> Reassigned:
        """Take faces away from the user; they stay enrolled. `NotFound` without the user."""
        number = self._head(gallery_id).number
        return self._users.disassociate(number, user_id, tuple(dict.fromkeys(face_ids)), token)

    def delete_person(self, gallery_id: str, user_id: str) -> Erased:
        """Erase the user's faces and delete the user; `NotFound` if there is none. May be repeated after a failure."""
        faces = self.profiles.person(gallery_id, user_id).face_ids
        erased = self.erase(gallery_id, faces)
        return replace(erased, scrubbed=self.delete_user(gallery_id, user_id))

    def user_templates(self, gallery_id: str, user_id: str) -> tuple[Template, ...]:
        """The templates of the user's faces; `NotFound` without gallery or user."""
        head = self._head(gallery_id)
        rows, unseen = self._users.templates(head.number, user_id)
        return tuple(
            Template(row, ModelId(head.model), share) for row, share in zip(rows, unseen.tolist(), strict=True)
        )

    def enrolled_before(self, gallery_id: str, moment: datetime, limit: int) -> tuple[str, ...]:
        """The ids of at most `limit` faces that were enrolled before `moment`, in the order of enrolment."""
        return self._store.enrolled_before(gallery_id, moment, limit)

    def source(self, gallery_id: str, face_id: str) -> tuple[str, BoundingBox]:
        """The sha256 (hex) of the picture that a face was enrolled from, and its box there; as for `template`."""
        return self._store.source(gallery_id, face_id)

    def template(self, gallery_id: str, face_id: str) -> Template:
        """The template of an enrolled face; `NotFound` without the gallery, `NoSuchFace` if it is not in it."""
        return self._store.template(gallery_id, face_id)

    @timed("search")
    def search(
        self,
        gallery_id: str,
        template: Template,
        *,
        limit: int,
        min_score: float,
        exclude_face_id: str | None = None,
    ) -> Matches:
        """The `limit` enrolled faces most similar to `template`, none below `min_score`, best first.

        Every change that was acknowledged before this call, by whichever process, is taken into account.
        `NotFound` without the gallery, `Conflict` for a template of another model.
        """
        (matches,) = self._search(gallery_id, [template], limit, min_score, exclude_face_id)
        return matches

    @timed("search")
    def search_many(
        self, gallery_id: str, templates: Sequence[Template], *, limit: int, min_score: float
    ) -> tuple[Matches, ...]:
        """What `search` returns for each template, faster than one search after the other."""
        return self._search(gallery_id, templates, limit, min_score, None) if templates else ()

    @timed("search")
    def search_users(
        self,
        gallery_id: str,
        templates: Sequence[Template],
        *,
        limit: int,
        calibration: Calibration,
        similarity: float,
        exclude_face_id: str | None = None,
        exclude_user_id: str | None = None,
    ) -> UserMatches:
        """The `limit` users most similar to the person whom `templates` show, none below `similarity`, best first.

        `by_user.grouped` says how a user's similarity is measured. What is excluded does not count; otherwise as
        `search`.
        """
        head = self._head(gallery_id)
        _of_one_model(head, calibration)
        if not templates:
            return UserMatches(head.users, ())
        for head, probes, without in self._tries(gallery_id, templates, exclude_face_id):
            users = self._users_like(gallery_id, head, probes, limit, calibration, similarity, without, exclude_user_id)
            if users is not None:
                return UserMatches(head.users, tuple(users))
        raise Overloaded(_TOO_FAST)

    def read_all(self, model: ModelId) -> int:
        """Bring the index of every gallery of `model` up to date, as its next search would; returns how many galleries
        there are.

        Runs in a thread of its own after a start: rows are kept in memory only, and made from the stored templates with
        the normaliser in use. Meanwhile a search waits for its own gallery only. It also compiles the code for searches
        among many faces, which takes seconds the first time on a machine.
        """
        after, done = None, 0
        while True:
            page = self._store.list(after, _GALLERIES_AT_ONCE)
            for info in page.items:
                if info.model != model:
                    continue
                try:
                    self._searching.read(info.gallery_id, self._head(info.gallery_id))
                except NotFound:
                    continue  # deleted meanwhile
                done += 1
            if page.next is None:
                return done
            after = page.next

    def search_counts(self) -> SearchCounts:
        """Counts of the searches among many faces since this object was made."""
        return self._searching.counts

    def scrub(self, wait_ms: int = 2000) -> bool:
        """Remove deleted data from the disk. False if a reader held an older snapshot for longer than `wait_ms`.

        Every erasure does this; after a False the next enrolment or erasure tries again.
        """
        scrubbed = self._store.scrub(wait_ms)
        self._unscrubbed = not scrubbed
        return scrubbed

    def _search(
        self, gallery_id: str, templates: Sequence[Template], limit: int, min_score: float, excluded: str | None
    ) -> tuple[Matches, ...]:
        for head, probes, without in self._tries(gallery_id, templates, excluded):
            found = self._searching.find(gallery_id, head, probes, limit, min_score, without=without)
            if found is None:
                continue
            numbers = {number for hits in found.hits for number, _ in hits}
            faces = self._store.by_number(head.number, sorted(numbers))
            if len(faces) == len(numbers):  # otherwise a hit was erased meanwhile, and another face takes its place
                return tuple(
                    Matches(found.size, tuple((faces[number], score) for number, score in hits)) for hits in found.hits
                )
        raise Overloaded(_TOO_FAST)

    def _tries(
        self, gallery_id: str, templates: Sequence[Template], excluded: str | None
    ) -> Iterator[tuple[GalleryHead, Rows, int | None]]:
        """The gallery as it is now, the probes, and the row that does not count: read again for each of a limited
        number of tries. A caller for whom a hit was gone by the time it was looked up goes on to the next try.
        """
        for _ in range(_TRIES):
            head = self._head(gallery_id)
            for template in templates:
                _of_one_space(head, template)
            probes = probe_rows(self._normaliser, templates)
            yield head, probes, self._store.number_of(head.number, excluded) if excluded else None

    def _users_like(
        self,
        gallery_id: str,
        head: GalleryHead,
        probes: Rows,
        limit: int,
        calibration: Calibration,
        similarity: float,
        without: int | None,
        without_user: str | None,
    ) -> Sequence[UserMatch] | None:
        """The first `limit` users; None if a face was erased or taken from its user meanwhile, or `head` is out of
        date.
        """
        least, asked = calibration.score(similarity), _ROWS_PER_USER * limit
        while True:
            found = self._searching.find(gallery_id, head, probes, asked, least, without=without, owned=True)
            if found is None:
                return None
            numbers = {number for hits in found.hits for number, _ in hits}
            known = self._users.owners(head.number, sorted(numbers if without is None else numbers | {without}))
            owner, size, different = known
            if not numbers <= owner.keys() | different:
                return None
            if without in owner:
                size[owner[without]] -= 1
            others = {number: user_id for number, user_id in owner.items() if user_id != without_user}
            users = grouped(found.hits, others, size, calibration, similarity)
            if settled(users, found.hits, asked, limit, calibration, similarity):
                return users[:limit]
            asked *= 2

    def _head(self, gallery_id: str) -> GalleryHead:
        try:
            return self._store.head(gallery_id)
        except NotFound:
            self._searching.forget(gallery_id)  # another process deleted it
            raise


def _of_one_space(head: GalleryHead, template: Template) -> None:
    if template.model != head.model:
        raise Conflict(
            f"the gallery is pinned to model {head.model[:12]}…, got {template.model[:12]}…: templates of two models "
            "cannot be compared, so enrol its pictures again in a new gallery"
        )
    if head.dimension is not None and len(template.vector) != head.dimension:
        raise Conflict(f"the gallery's templates have {head.dimension} numbers, got {len(template.vector)}")


def _of_one_model(head: GalleryHead, calibration: Calibration) -> None:
    if calibration.model != head.model:
        raise Conflict(
            f"the gallery is pinned to model {head.model[:12]}…, the scores here to {calibration.model[:12]}…: enrol "
            "its pictures again in a new gallery"
        )
