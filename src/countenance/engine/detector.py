"""The detector: decodes a picture and finds its faces, and cannot tell one face from another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from countenance.engine import yunet
from countenance.engine.alignment import TARGET, TARGET_SIDE, aligned, similarity
from countenance.engine.decode import decode, largest_reduction, read_header, shrunk, upright_size
from countenance.engine.finding import Finder
from countenance.engine.jpeg import JpegHeader
from countenance.engine.limits import DEFAULT, Limits
from countenance.engine.manifest import Manifest, load_manifests
from countenance.engine.picture import Picture, Spotted
from countenance.engine.pose import Head
from countenance.engine.quality import quality
from countenance.engine.runtime import Network, cores
from countenance.engine.weights import read_weights
from countenance.errors import ModelError
from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Pixels, Point
from countenance.observing import timed

SMALLEST_FACE = 20
"""Default width, in pixels of the original, of the smallest face for which large pictures are searched."""

SMALLEST_SPOTTED = 16
"""The same for `spot`, which must miss nobody."""

SPOTTED_OVERLAP = 0.6
"""Intersection over union above which `spot` counts two finds as one face."""

MOST_SPOTTED = 5000
"""The most finds of one picture that `spot` returns, largest first."""


class Detector:
    """Finds faces; makes no templates. Every method may be called from several threads at once.

    model: the detector's sha256. version: its label, such as "yunet-2023mar-8f2383e4". threads: cores that it uses.
    """

    def __init__(self, detector: Manifest, cache: Path, threads: int = 0, smallest_face: int = SMALLEST_FACE) -> None:
        if detector.detection is None:
            raise ModelError(f"{detector.name} is no detector by its manifest")
        self._how = detector.detection
        self._head = Head(np.array(self._how.average_head))
        self.threads = cores(threads)
        self.model: ModelId = ModelId(detector.sha256)
        self.version = self.detector_version = detector.label
        self._sharpest = TARGET_SIDE
        weights = read_weights(detector, cache)
        network = Network(weights, detector, yunet.output_names(self._how.strides), lanes=self.threads)
        self._finder = Finder(network, detector, smallest_face)
        self._network, self._manifest = network, detector

    @classmethod
    def open_detector(
        cls,
        cache: Path,
        detector: str,
        *,
        threads: int = 0,
        extra: Path | None = None,
        smallest_face: int = SMALLEST_FACE,
    ) -> Detector:
        """The detector of that name, without an embedder: none is looked for, read or loaded. See `Engine.open`."""
        return Detector(named(load_manifests(extra), detector, "detector"), cache, threads, smallest_face)

    def close(self) -> None:
        """Release the networks; no call may be running or follow."""
        del self._finder, self._network

    @timed("detect")
    def look(self, image: bytes, limits: Limits = DEFAULT) -> Picture:
        """Decode `image` within `limits` and find its faces, largest box first. Raises an `ImageError` only.

        A picture is decoded at a half, a quarter or an eighth of its size if that is enough to find its smallest faces;
        faces are cut out of the smallest version that does not enlarge them.
        """
        header = read_header(image, limits)
        width, height = upright_size(header)
        longer = self._finder.wanted(width, height)
        reduction = largest_reduction(header, longer)
        searched = reduction if isinstance(header, JpegHeader) else 1  # other kinds can only be decoded in full
        pixels = decode(image, header, searched)
        sightings = self._finder.find(pixels, longer, limits.max_faces).scaled(searched, searched)
        needed = min(reduction, *(self._reduction(points) for points in sightings.points), reduction)
        if needed < searched:
            pixels = decode(image, header, needed)
        elif needed > searched:
            pixels = shrunk(pixels, needed)
        picture = Picture(width, height, (), pixels, image, needed)
        faces = tuple(self._describe(sightings, index, picture) for index in range(len(sightings.scores)))
        return replace(picture, faces=faces)

    @timed("detect")
    def look_at(self, pixels: Pixels, limits: Limits = DEFAULT) -> Picture:
        """The faces in `pixels`, a decoded picture such as a frame of a video, largest box first."""
        height, width = pixels.shape[:2]
        sightings = self._finder.find(pixels, self._finder.wanted(width, height), limits.max_faces)
        picture = Picture(width, height, (), pixels)
        faces = tuple(self._describe(sightings, index, picture) for index in range(len(sightings.scores)))
        return replace(picture, faces=faces)

    def decoded(self, image: bytes, limits: Limits = DEFAULT) -> Pixels:
        """The whole upright picture in `image`, at its full size. Raises an `ImageError`."""
        return decode(image, read_header(image, limits))

    @timed("detect")
    def spot(self, pixels: Pixels, least: float, *, thorough: bool = True) -> tuple[Spotted, ...]:
        """Every place of `pixels` that may show a face, largest first: for covering, where a missed face is worst.

        least: the detector's score (0..1) from which a find counts. Faces lying any way up, of 16 pixels' width or more
        in large pictures, without the checks by which `look` leaves out what is probably no face. thorough: False if
        small faces in large pictures are looked for upright only, in a third of the time.
        """
        height, width = pixels.shape[:2]
        how = replace(self._how, min_score=least, max_overlap=SPOTTED_OVERLAP)
        finder = Finder(self._network, replace(self._manifest, detection=how), SMALLEST_SPOTTED)
        sightings = finder.every(pixels, finder.wanted(width, height), MOST_SPOTTED, thorough)
        rows = zip(sightings.boxes.tolist(), sightings.scores.tolist(), strict=True)
        return tuple(
            Spotted(BoundingBox(left / width, top / height, across / width, down / height), score)
            for (left, top, across, down), score in rows
        )

    def _reduction(self, points: NDArray[np.float32]) -> int:
        """By how much (1, 2, 4, 8) a picture may be reduced before the face at `points` would have to be enlarged."""
        sides = self._sharpest / TARGET_SIDE
        enlarged = sides * float(np.hypot(*similarity(points, TARGET)[:, 0]))
        return next((reduction for reduction in (8, 4, 2) if enlarged * reduction <= 1), 1)

    def _describe(self, sightings: yunet.Found, index: int, picture: Picture) -> DetectedFace:
        left, top, across, down = map(float, sightings.boxes[index])
        points = sightings.points[index]
        marks = Landmarks(*(Point(float(x) / picture.width, float(y) / picture.height) for x, y in points))
        face = aligned(picture.pixels, picture.position(five(marks)), TARGET_SIDE, TARGET_SIDE)
        return DetectedFace(
            box=BoundingBox(left / picture.width, top / picture.height, across / picture.width, down / picture.height),
            landmarks=marks,
            pose=self._head.pose(points),
            quality=quality(face, min(across, down)),
            confidence=self._how.confidence.of(float(sightings.scores[index])),
        )


def five(marks: Landmarks) -> tuple[Point, Point, Point, Point, Point]:
    """The five points in the order that alignment uses."""
    return marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth


def named(manifests: dict[str, Manifest], name: str, kind: str) -> Manifest:
    """The manifest of that name and kind, or `ModelError`."""
    manifest = manifests.get(name)
    if manifest is None or manifest.kind != kind:
        names = sorted(other.name for other in manifests.values() if other.kind == kind)
        raise ModelError(f"there is no {kind} called {name!r}; there are {', '.join(names)}")
    return manifest
