"""Enrolment by processes of a cluster: each opens the installation on its node, and asks the guard like everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from countenance.cli.enrol.pictures import PictureFile
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

    def by(self, guard: Guard, picture: PictureFile) -> Enrolled:
        """Enrol the picture at its path; `OSError` where it cannot be read."""
        size = picture.path.stat().st_size
        if size > STORED.max_bytes:
            raise ImageTooLarge(f"the file has {size} bytes, at most {STORED.max_bytes} are read")
        ask = Enrol(self.gallery, picture.path.read_bytes(), picture.external_id, self.max_faces, self.quality)
        return guard.carry_out(self.caller, ask).result

    def __call__(self) -> Callable[[PictureFile], Enrolled | Exception]:
        """What does it in a process of the cluster, with the settings and keys of the node."""
        from countenance import settings
        from countenance.app import Countenance

        own = settings.load()
        settings.keep_kernels(own)
        guard = Countenance.open(own).guard

        def work(picture: PictureFile) -> Enrolled | Exception:
            try:
                return self.by(guard, picture)
            except (CountenanceError, OSError) as error:
                return error

        return work


def by_cluster(
    plan: ClusterPlan,
    workers: int,
    one: EnrolPicture,
    todo: Sequence[PictureFile],
    stamp: Callable[[PictureFile], str],
) -> Iterator[tuple[PictureFile, str, Future[Enrolled]]]:
    """Each picture with its stamp from before it was sent, and what became of it, in the order in which it did."""
    stamps = [stamp(picture) for picture in todo]
    for place, became in spread(plan, one, todo, workers):
        future: Future[Enrolled] = Future()
        if isinstance(became, Exception):
            future.set_exception(became)
        else:
            future.set_result(became)
        yield todo[place], stamps[place], future
