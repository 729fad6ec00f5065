"""Made-up people for the gallery's tests."""

import itertools
from datetime import timedelta

import numpy as np
from tests.fakes.clock import START, Clock

from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Point, Pose, Quality, Template

MODEL = ModelId("a" * 64)
OTHER = ModelId("b" * 64)


class Ticking(Clock):
    """A second later at each reading."""

    def __init__(self) -> None:
        super().__init__(START, timedelta(seconds=1))


def counted(prefix="id"):
    numbers = itertools.count()
    return lambda: f"{prefix}-{next(numbers):06d}"


def unit(vector):
    vector = np.asarray(vector, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def template(seed, dimension=16, model=MODEL):
    return Template(unit(np.random.default_rng(seed).normal(size=dimension)), model)


def detected(place=0.0, confidence=99.5):
    point = Point(0.5, 0.5)
    return DetectedFace(
        box=BoundingBox(place, 0.1, 0.05, 0.05),
        landmarks=Landmarks(point, point, point, point, point),
        pose=Pose(0, 0, 0),
        quality=Quality(50, 50, 100),
        confidence=confidence,
    )


def people(*seeds, **more):
    return [(detected(0.1 * i), template(seed, **more)) for i, seed in enumerate(seeds)]
