"""One run of an enrolment: one operation for each picture that is not enrolled yet, then a report on the gallery."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import partial

import click

from countenance.app import Countenance
from countenance.cli.enrol.ahead import ahead
from countenance.cli.enrol.log import EnrolmentLog, stamp_of
from countenance.cli.enrol.names import printed
from countenance.cli.enrol.pictures import Listing, Picture
from countenance.cli.enrol.users import GalleryUsers
from countenance.cli.enrol.worker import EnrolPicture, by_cluster
from countenance.errors import AlreadyExists, ImageError, NoSuchObject, NotFound
from countenance.operations import KINDS, Caller, CreateGallery, Enrolled, QualityFilter, kind_of
from countenance.progress import track

_FACES_ASKED_AT_ONCE = 1000


class EnrolmentRun:
    """One run into one gallery. workers: processes of the cluster that do it; 0 means this process."""

    def __init__(
        self,
        app: Countenance,
        caller: Caller,
        gallery: str,
        max_faces: int,
        quality: QualityFilter,
        workers: int = 0,
    ) -> None:
        self._app, self._caller, self._gallery = app, caller, gallery
        self._workers = workers
        self._max_faces, self._quality = max_faces, quality
        self._counts = Counter[str]()
        self._users = GalleryUsers(app.guard, caller, gallery)

    def run(self, place: str, listing: Listing) -> None:
        """Enrol the pictures that are not enrolled yet, and report the outcome. place: where all of them lie."""
        store = self._app.tools.gallery
        try:
            held = store.describe(self._gallery)
        except NotFound:
            with suppress(AlreadyExists):  # another run made it since
                self._app.guard.carry_out(self._caller, CreateGallery(self._gallery))
            held = store.describe(self._gallery)
        job = (self._gallery, held.created_at, place, self._max_faces, self._quality)
        with EnrolmentLog.of(self._app.settings.home, job) as journal:
            todo = [picture for picture in listing.pictures if not journal.done(picture.name, stamp_of(picture))]
            self._say_what_was_done(journal, listing)
            began = time.monotonic()
            for picture, stamp, future in track(self._done(todo), self._gallery, len(todo), "images"):
                faces = self._enrolled(picture, future)
                if faces is not None:
                    journal.add(picture.name, stamp, faces)
        took = max(time.monotonic() - began, 1e-9)
        outcome = ", ".join(f"{count} {what}" for what, count in self._counts.items() if count) or "nothing new"
        click.echo(f"{len(todo)} pictures, {len(todo) / took:.1f} images/s: {outcome}")
        if listing.left_out:
            click.echo(f"{len(listing.left_out)} files were not taken (named above)")
        click.echo(f"{self._gallery} held {held.faces} faces and now holds {store.describe(self._gallery).faces} faces")

    def _done(self, todo: list[Picture]) -> Iterator[tuple[Picture, str, Future[Enrolled]]]:
        one = EnrolPicture(self._caller, self._gallery, self._max_faces, self._quality)
        if self._workers and todo:
            return by_cluster(self._app.cluster_plan, self._workers, one, todo, stamp_of)
        return ahead(todo, stamp_of, partial(one.by, self._app.guard, self._app.objects))

    def _say_what_was_done(self, journal: EnrolmentLog, listing: Listing) -> None:
        before = [picture for picture in listing.pictures if journal.done(picture.name, stamp_of(picture))]
        if before:
            click.echo(f"{len(before)} pictures were done before; {len(listing.pictures) - len(before)} to go")
        faces = [face for picture in before for face in journal.known[picture.name].faces]
        gone = len(faces) - self._count_enrolled(faces)
        if gone:
            click.echo(
                f"{gone} of their faces were erased since. They stay erased: to enrol such a picture again, give it "
                "another time stamp (touch)",
                err=True,
            )
        replaced = [
            printed(picture.name) for picture in listing.pictures if journal.replaced(picture.name, stamp_of(picture))
        ]
        if replaced:
            click.echo(
                f"replaced since they were enrolled, and their earlier faces stay: {', '.join(replaced)}", err=True
            )

    def _count_enrolled(self, face_ids: list[str]) -> int:
        parts = (face_ids[i : i + _FACES_ASKED_AT_ONCE] for i in range(0, len(face_ids), _FACES_ASKED_AT_ONCE))
        faces = self._app.tools.gallery.faces
        return sum(len(faces(self._gallery, face_ids=part, limit=len(part)).items) for part in parts)

    def _enrolled(self, picture: Picture, future: Future[Enrolled]) -> tuple[str, ...] | None:
        """The ids of the picture's faces; None if the next run has to try again."""
        try:
            result = future.result()
        except ImageError as error:
            self._left_out(picture, "unusable pictures", str(error))
            return ()
        except OSError as error:  # deleted or made unreadable since it was listed
            self._left_out(picture, "unusable pictures", f"it cannot be read: {error.strerror}")
            return None
        except NoSuchObject as error:
            self._left_out(picture, "unusable pictures", str(error))
            return None
        faces = tuple(face.face_id for face, _ in result.faces)
        if not faces:
            reasons = sorted({reason for _, why in result.unindexed for reason in why})
            self._left_out(picture, "pictures without a usable face", ", ".join(reasons) or "no face was found")
        new = {face.face_id for face, _ in result.faces if face.added}
        self._counts["faces enrolled"] += len(new)
        self._counts["copies of a picture that is enrolled already"] += bool(faces) and not new
        if picture.user is not None and faces:
            self._associate(picture.user, faces)
        return faces

    def _left_out(self, picture: Picture, what: str, why: str) -> None:
        self._counts[what] += 1
        click.echo(f"{printed(picture.name)}: not enrolled: {why}", err=True)

    def _associate(self, user: str, faces: tuple[str, ...]) -> None:
        """Assign `faces`, of one picture, to the user; report those that are not similar to the user's other faces.

        Faces given together are not compared with each other, so the first goes alone: the others may be other people.
        """
        for some in filter(None, (faces[:1], faces[1:])):
            result = self._users.associate(user, some)
            self._counts["faces associated with their user"] += len(result.face_ids)
            for refused in result.refused:
                self._counts["faces not associated"] += 1
                click.echo(f"{user}: face {refused.face_id} was not associated: {refused.reason}", err=True)


def is_picture(begins: bytes) -> bool:
    """Whether a file that begins so is of a kind that is read here."""
    return kind_of(begins) in KINDS
