"""Many images, one after another, on every core: for enrolling galleries and for audits."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from countenance.engine.limits import Limits
from countenance.engine.picture import FaceEngine, Picture
from countenance.errors import ImageError
from countenance.faces import DetectedFace, Template

Choice = Literal["largest", "centre", "all"]
"""Which faces of a picture: the largest, the one nearest to the middle, or each."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What was seen in one image of many: the chosen faces with their templates, or why it could not be read. faces and
    templates are empty if there is no face, or if `error` says why the image cannot be used.
    """

    faces: tuple[DetectedFace, ...] = ()
    templates: tuple[Template, ...] = ()
    error: ImageError | None = None


def sightings(
    engine: FaceEngine, images: Iterable[bytes], choose: Choice, limits: Limits, workers: int
) -> Iterator[Sighting]:
    """What `engine` sees in each of `images`, in their order.

    `images` is read a few ahead of the results, never as a whole; stopping early leaves nothing running.
    """
    waiting: deque[Future[Sighting]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="engine") as pool:
        try:
            for image in images:
                waiting.append(pool.submit(_sighting, engine, image, choose, limits))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def chosen(picture: Picture, choose: Choice) -> tuple[DetectedFace, ...]:
    """The faces of `picture` (largest first) that `choose` names."""
    if choose == "centre":
        return tuple(sorted(picture.faces, key=lambda face: _from_middle(face, picture))[:1])
    return picture.faces[:1] if choose == "largest" else picture.faces


def _from_middle(face: DetectedFace, picture: Picture) -> float:
    """Squared distance in pixels from the middle of the box to the middle of the picture."""
    across = (face.box.left + face.box.width / 2 - 0.5) * picture.width
    down = (face.box.top + face.box.height / 2 - 0.5) * picture.height
    return across * across + down * down


def _sighting(engine: FaceEngine, image: bytes, choose: Choice, limits: Limits) -> Sighting:
    try:
        picture = engine.look(image, limits)
    except ImageError as error:
        return Sighting(error=error)
    faces = chosen(picture, choose)
    return Sighting(faces, tuple(engine.embed(picture, faces)))
