"""Enrolment by processes of a cluster: each opens the installation on its node, and asks the guard like everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from countenance.api.rekognition import Objects
from countenance.cli.enrol.pictures import Picture, PictureFile, PictureObject
from countenance.cli.installation import opened_on_node
from countenance.cluster import ClusterPlan, spread
from countenance.engine import STORED
from countenance.errors import CountenanceError, ImageTooLarge
from countenance.operations import Caller, Enrol, Enrolled, Guard, QualityFilter


@dataclass(frozen=True, slots=True)
class EnrolPicture:
    """One picture, one operation: decided, on record, and enrolled once however often it is asked for."""

    caller: Caller
    gallery: str
    max_faces: int
    quality: QualityFilter

    def by(self, guard: Guard, objects: Objects, picture: Picture) -> Enrolled:
        """Enrol the picture. objects: those of buckets. `OSError`, `NoSuchObject` where it cannot be read."""
        content = objects.read(picture.bucket, picture.key) if isinstance(picture, PictureObject) else _file(picture)
        ask = Enrol(self.gallery, content, picture.external_id, self.max_faces, self.quality)
        return guard.carry_out(self.caller, ask).result

    def __call__(self) -> Callable[[Picture], Enrolled | Exception]:
        """What does it in a process of the cluster, with the settings and keys of the node."""
        app = opened_on_node()
        guard, objects = app.guard, app.objects

        def work(picture: Picture) -> Enrolled | Exception:
            try:
                return self.by(guard, objects, picture)
            except (CountenanceError, OSError) as error:
                return error

        return work


def _file(picture: PictureFile) -> bytes:
    size = picture.path.stat().st_size
    if size > STORED.max_bytes:
        raise ImageTooLarge(f"the file has {size} bytes, at most {STORED.max_bytes} are read")
    return picture.path.read_bytes()


def by_cluster(
    plan: ClusterPlan,
    workers: int,
    one: EnrolPicture,
    todo: Sequence[Picture],
    stamp: Callable[[Picture], str],
) -> Iterator[tuple[Picture, str, Future[Enrolled]]]:
    """Each picture with its stamp from before it was sent, and what became of it, in the order in which it did."""
    stamps = [stamp(picture) for picture in todo]
    for place, became in spread(plan, one, todo, workers):
        future: Future[Enrolled] = Future()
        if isinstance(became, Exception):
            future.set_exception(became)
        else:
            future.set_result(became)
        yield todo[place], stamps[place], future
