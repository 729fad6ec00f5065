"""An engine that needs no weights: a "picture" is the text `people:12,7`, one face for each number, largest first."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from countenance.engine import Limits, Picture, Spotted
from countenance.engine.limits import DEFAULT
from countenance.errors import DamagedImage
from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Point, Pose, Quality, Template

MODEL = ModelId("fa" * 32)


def picture_of(*people: int) -> bytes:
    return b"people:" + b",".join(str(person).encode() for person in people)


def vector_of(person: int) -> np.ndarray:
    vector = np.random.default_rng(person).normal(size=32).astype(np.float32)
    return vector / np.linalg.norm(vector)


def face_at(place: int, *, confidence: float = 99.0, sharpness: float = 80.0) -> DetectedFace:
    point = Point(0.5, 0.5)
    return DetectedFace(
        BoundingBox(0.01 * place, 0.1, 0.5 / (place + 1), 0.5 / (place + 1)),
        Landmarks(point, point, point, point, point),
        Pose(0.0, 0.0, 0.0),
        Quality(sharpness, 50.0, 100.0),
        confidence,
    )


class FakeEngine:
    """Counts in `looked` how often it was asked to look."""

    model = MODEL
    version = "fake-1"
    detector_version = "fake-detector-1"
    dimension = 32

    def __init__(self) -> None:
        self.looked = 0

    def look(self, image: bytes, limits: Limits = DEFAULT) -> Picture:
        self.looked += 1
        if image.startswith(b"\x89PNG"):
            return self.look_at(_png(image), limits)
        if not image.startswith(b"people:"):
            raise DamagedImage("not a picture of the fake engine")
        names = image.removeprefix(b"people:").split(b",") if image != b"people:" else []
        faces = tuple(face_at(place) for place in range(len(names)))
        return Picture(100, 100, faces, np.zeros((100, 100, 3), np.uint8), image)

    def look_at(self, pixels: np.ndarray, limits: Limits = DEFAULT) -> Picture:
        """The number of the person in the picture is the level of most of its grey, by tens; 0 for nobody."""
        person = round(float(np.median(pixels)) / 10)
        return self.look(picture_of(*[person] * bool(person)), limits)

    def decoded(self, image: bytes, limits: Limits = DEFAULT) -> np.ndarray:
        """Grey, by tens, of the first person; 0 for nobody."""
        if image.startswith(b"\x89PNG"):
            return _png(image)
        people = self.look(image, limits).source.removeprefix(b"people:").split(b",")
        return np.full((100, 100, 3), 10 * int(people[0] or 0), np.uint8)

    def spot(self, pixels: np.ndarray, least: float, *, thorough: bool = True) -> tuple[Spotted, ...]:
        return tuple(Spotted(face.box, face.confidence / 100) for face in self.look_at(pixels).faces)

    def embed(self, picture: Picture, faces: Sequence[DetectedFace]) -> list[Template]:
        people = [int(name) for name in picture.source.removeprefix(b"people:").split(b",") if name]
        return [Template(vector_of(people[picture.faces.index(face)]), MODEL) for face in faces]


def _png(image: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels
