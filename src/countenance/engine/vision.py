"""The engine: decode, detect, align, embed, on this machine's cores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine import yunet
from countenance.engine.alignment import TARGET_SIDE, aligned
from countenance.engine.bulk import Choice, Sighting, sightings
from countenance.engine.decode import decode, read_header
from countenance.engine.limits import DEFAULT, Limits
from countenance.engine.manifest import Manifest, load_manifests
from countenance.engine.picture import Picture
from countenance.engine.pose import Head
from countenance.engine.quality import quality
from countenance.engine.runtime import Network, cores
from countenance.engine.weights import read_weights
from countenance.errors import ModelError
from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Pixels, Point, Template


class Engine:
    """One detector and one embedder. Every method may be called from several threads at once.

    model: the embedder's sha256. version: its label, such as "sface-2021dec-0ba9fbfa". dimension: of a template.
    """

    def __init__(self, detector: Manifest, embedder: Manifest, cache: Path, threads: int = 0) -> None:
        if detector.detection is None or embedder.output is None:
            raise ModelError(f"{detector.name} and {embedder.name} are no detector and embedder by their manifests")
        self._how, made = detector.detection, embedder.output
        self._head = Head(np.array(self._how.average_head))
        self.threads = cores(threads)
        self.model: ModelId = embedder.model
        self.version = embedder.label
        self.dimension = made.dimension
        self._searched = detector.input
        self._cut = embedder.input
        maps = yunet.output_names(self._how.strides)
        self._detector = Network(read_weights(detector, cache), detector, maps, self.threads, free=True)
        self._embedder = Network(read_weights(embedder, cache), embedder, [made.name], self.threads, free=False)
        self._check_dimension(embedder)

    @classmethod
    def open(cls, cache: Path, detector: str, embedder: str, *, threads: int = 0, extra: Path | None = None) -> Engine:
        """The engine with the models of these names, whose weights lie in `cache` (or beside a manifest in `extra`).

        threads: 0 for all cores. Raises `ModelError` where a model is unknown, missing, altered or does not run as its
        manifest says.
        """
        manifests = load_manifests(extra)
        return cls(_named(manifests, detector, "detector"), _named(manifests, embedder, "embedder"), cache, threads)

    def close(self) -> None:
        """Let go of the networks; no call may be under way or follow."""
        del self._detector, self._embedder

    def look(self, image: bytes, limits: Limits = DEFAULT) -> Picture:
        """Decode `image` within `limits` and find its faces, largest box first. Raises an `ImageError` only."""
        pixels = decode(image, read_header(image, limits))
        height, width = pixels.shape[:2]
        found = self._search(pixels)
        faces = [self._describe(found, index, pixels) for index in range(len(found.scores))]
        faces.sort(key=lambda face: face.box.area, reverse=True)
        return Picture(width, height, tuple(faces[: limits.max_faces]), pixels)

    def embed(self, picture: Picture, faces: Sequence[DetectedFace]) -> list[Template]:
        """One template for each of `faces`, in their order; faces of one picture share the cores."""
        cuts = (
            aligned(picture.pixels, _points_px(face, picture.pixels), self._cut.width, self._cut.height)
            for face in faces
        )
        return [Template(_unit(outputs[0]), self.model) for outputs in self._embedder.run_all(cuts)]

    def templates(
        self, images: Iterable[bytes], choose: Choice = "largest", limits: Limits = DEFAULT
    ) -> Iterator[Sighting]:
        """What is seen in each of `images`, in their order, using every core; see `Sighting`."""
        return sightings(self, images, choose, limits, self.threads)

    def _search(self, pixels: Pixels) -> yunet.Found:
        """The faces in `pixels`, in pixels of it."""
        height, width = pixels.shape[:2]
        small = yunet.working_size(width, height, (self._searched.width, self._searched.height))
        searched = pixels if small == (width, height) else cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
        sheet = yunet.padded(np.asarray(searched, dtype=np.uint8), max(self._how.strides))
        found = yunet.read_maps(self._detector.run(sheet), sheet.shape[1], self._how)
        back = np.array([width / small[0], height / small[1]], dtype=np.float32)
        return yunet.Found(found.boxes * np.tile(back, 2), found.points * back, found.scores)

    def _describe(self, found: yunet.Found, index: int, pixels: Pixels) -> DetectedFace:
        height, width = pixels.shape[:2]
        left, top, across, down = map(float, found.boxes[index])
        points = found.points[index]
        face = aligned(pixels, points, TARGET_SIDE, TARGET_SIDE)
        return DetectedFace(
            box=BoundingBox(left / width, top / height, across / width, down / height),
            landmarks=Landmarks(*(Point(float(x) / width, float(y) / height) for x, y in points)),
            pose=self._head.pose(points),
            quality=quality(face, min(across, down)),
            confidence=100.0 * float(found.scores[index]),
        )

    def _check_dimension(self, embedder: Manifest) -> None:
        (blank,) = self._embedder.run(np.zeros((self._cut.height, self._cut.width, 3), dtype=np.uint8))
        if blank.size != self.dimension:
            raise ModelError(f"{embedder.name} gives {blank.size} numbers, its manifest says {self.dimension}")


def _points_px(face: DetectedFace, pixels: Pixels) -> NDArray[np.float64]:
    """The five points of `face`, (5, 2), in pixels of `pixels`."""
    marks = face.landmarks
    five = (marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth)
    return np.array([(point.x, point.y) for point in five]) * pixels.shape[1::-1]


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
