"""The engine: decode, detect, align, embed, on this machine's cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from countenance.engine import yunet
from countenance.engine.alignment import TARGET, TARGET_SIDE, aligned, similarity
from countenance.engine.batching import Batcher
from countenance.engine.bulk import Choice, Sighting, sightings
from countenance.engine.decode import decode, largest_reduction, read_header, shrunk, upright_size
from countenance.engine.finding import Finder
from countenance.engine.jpeg import JpegHeader
from countenance.engine.limits import DEFAULT, Limits
from countenance.engine.manifest import Manifest, load_manifests
from countenance.engine.picture import Picture
from countenance.engine.pose import Head
from countenance.engine.quality import quality
from countenance.engine.runtime import Network, Precision, cores, fastest_precision
from countenance.engine.weights import read_weights
from countenance.errors import ModelError
from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Pixels, Point, Template

SMALLEST_FACE = 24
"""Width in pixels of the original of the smallest face that large pictures are searched for, where nobody says else."""

TOGETHER = 4
"""Faces that go through the embedder at once where enough are waiting; more gave nothing (docs/adr/0001-runtime.md)."""


class Engine:
    """One detector and one embedder. Every method may be called from several threads at once.

    model: the embedder's sha256. version: its label, such as "sface-2021dec-5958cd1f". dimension: of a template.
    precision: what the embedder computes in; the detector always computes in f32.
    """

    def __init__(
        self,
        detector: Manifest,
        embedder: Manifest,
        cache: Path,
        threads: int = 0,
        precision: Precision = "f32",
        smallest_face: int = SMALLEST_FACE,
    ) -> None:
        if detector.detection is None or embedder.output is None:
            raise ModelError(f"{detector.name} and {embedder.name} are no detector and embedder by their manifests")
        self._how, made = detector.detection, embedder.output
        self._head = Head(np.array(self._how.average_head))
        self.threads = cores(threads)
        self.precision = precision
        self.model: ModelId = embedder.model
        self.version = embedder.label
        self.dimension = made.dimension
        self._mirrored = made.mirrored
        self._cut = (embedder.input.width, embedder.input.height)
        maps = yunet.output_names(self._how.strides)
        weights = read_weights(detector, cache), read_weights(embedder, cache)
        self._finder = Finder(Network(weights[0], detector, maps, lanes=self.threads), detector, smallest_face)
        shapes = [(number, embedder.input.height, embedder.input.width) for number in (1, TOGETHER)]
        network = Network(weights[1], embedder, [made.name], lanes=self.threads, precision=precision, shapes=shapes)
        _check_dimension(network, embedder, self.dimension)
        self._embedder = Batcher(network, TOGETHER)

    @classmethod
    def open(
        cls,
        cache: Path,
        detector: str,
        embedder: str,
        *,
        threads: int = 0,
        extra: Path | None = None,
        precision: Precision | None = None,
        smallest_face: int = SMALLEST_FACE,
    ) -> Engine:
        """The engine with the models of these names, whose weights lie in `cache` (or beside a manifest in `extra`).

        threads: 0 for all cores. smallest_face: width in pixels of the smallest face that large pictures are searched
        for (docs/settings.md has what that costs). precision: what the embedder computes in, by default the fastest
        that this processor has and the manifest allows. Raises `ModelError` where a model is unknown, missing, altered
        or not as its manifest says.
        """
        manifests = load_manifests(extra)
        found = _named(manifests, detector, "detector"), _named(manifests, embedder, "embedder")
        return cls(*found, cache, threads, precision or fastest_precision(found[1]), smallest_face)

    def close(self) -> None:
        """Let go of the networks; no call may be under way or follow."""
        self._embedder.close()
        del self._finder, self._embedder

    def look(self, image: bytes, limits: Limits = DEFAULT) -> Picture:
        """Decode `image` within `limits` and find its faces, largest box first. Raises an `ImageError` only.

        A picture is decoded at a half, a quarter or an eighth of its size where that is enough to find its smallest
        faces, and its faces are cut out of the smallest of these that need not enlarge them.
        """
        header = read_header(image, limits)
        width, height = upright_size(header)
        longer = self._finder.wanted(width, height)
        reduction = largest_reduction(header, longer)
        searched = reduction if isinstance(header, JpegHeader) else 1  # others can be decoded in full only
        pixels = decode(image, header, searched)
        found = self._finder.find(pixels, longer, limits.max_faces).scaled(searched, searched)
        needed = min(reduction, *(self._reduction(points) for points in found.points), reduction)
        if needed < searched:
            pixels = decode(image, header, needed)
        elif needed > searched:
            pixels = shrunk(pixels, needed)
        picture = Picture(width, height, (), pixels, image, needed)
        faces = tuple(self._describe(found, index, picture) for index in range(len(found.scores)))
        return replace(picture, faces=faces)

    def look_at(self, pixels: Pixels, limits: Limits = DEFAULT) -> Picture:
        """The faces in `pixels`, a decoded picture such as a frame of a video, largest box first."""
        height, width = pixels.shape[:2]
        found = self._finder.find(pixels, self._finder.wanted(width, height), limits.max_faces)
        picture = Picture(width, height, (), pixels)
        faces = tuple(self._describe(found, index, picture) for index in range(len(found.scores)))
        return replace(picture, faces=faces)

    def embed(self, picture: Picture, faces: Sequence[DetectedFace]) -> list[Template]:
        """One template for each of `faces`, in their order, together with other callers' faces."""
        cuts = [aligned(picture.pixels, picture.position(_five(face.landmarks)), *self._cut) for face in faces]
        if not self._mirrored:
            return [Template(_unit(row), self.model) for row in self._embedder.run(cuts)]
        rows = [_unit(row) for row in self._embedder.run([side for cut in cuts for side in (cut, cut[:, ::-1])])]
        return [Template(_unit(one + other), self.model) for one, other in zip(rows[::2], rows[1::2], strict=True)]

    def templates(
        self, images: Iterable[bytes], choose: Choice = "largest", limits: Limits = DEFAULT
    ) -> Iterator[Sighting]:
        """What is seen in each of `images`, in their order, using every core; see `Sighting`."""
        return sightings(self, images, choose, limits, 2 * self.threads)

    def _reduction(self, points: NDArray[np.float32]) -> int:
        """By how much (1, 2, 4, 8) a picture may be reduced before the face at `points` would have to be enlarged."""
        sides = max(TARGET_SIDE, *self._cut) / TARGET_SIDE
        enlarged = sides * float(np.hypot(*similarity(points, TARGET)[:, 0]))
        return next((reduction for reduction in (8, 4, 2) if enlarged * reduction <= 1), 1)

    def _describe(self, found: yunet.Found, index: int, picture: Picture) -> DetectedFace:
        left, top, across, down = map(float, found.boxes[index])
        points = found.points[index]
        marks = Landmarks(*(Point(float(x) / picture.width, float(y) / picture.height) for x, y in points))
        face = aligned(picture.pixels, picture.position(_five(marks)), TARGET_SIDE, TARGET_SIDE)
        return DetectedFace(
            box=BoundingBox(left / picture.width, top / picture.height, across / picture.width, down / picture.height),
            landmarks=marks,
            pose=self._head.pose(points),
            quality=quality(face, min(across, down)),
            confidence=self._how.confidence.of(float(found.scores[index])),
        )


def _check_dimension(network: Network, embedder: Manifest, dimension: int) -> None:
    blank = network.run(np.zeros((1, embedder.input.height, embedder.input.width, 3), dtype=np.uint8))[0]
    if blank.size != dimension:
        raise ModelError(f"{embedder.name} gives {blank.size} numbers, its manifest says {dimension}")


def _five(marks: Landmarks) -> tuple[Point, Point, Point, Point, Point]:
    return marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth


def _unit(output: NDArray[np.float32]) -> NDArray[np.float32]:
    """`output` as one row of L2 norm 1; a network that answers nothing but zeros gets the first axis."""
    row = output.reshape(-1)
    norm = float(np.linalg.norm(row))
    if not norm > 0:
        row, norm = np.eye(1, row.size, dtype=np.float32)[0], 1.0
    return np.asarray(row / norm, dtype=np.float32)


def _named(manifests: dict[str, Manifest], name: str, kind: str) -> Manifest:
    manifest = manifests.get(name)
    if manifest is None or manifest.kind != kind:
        names = sorted(other.name for other in manifests.values() if other.kind == kind)
        raise ModelError(f"there is no {kind} called {name!r}; there are {', '.join(names)}")
    return manifest
