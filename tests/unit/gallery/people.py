"""Made-up people for the gallery's tests."""

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tests.fakes.clock import START, Clock

from countenance.faces import BoundingBox, DetectedFace, Landmarks, ModelId, Point, Pose, Quality, Template

MODEL = ModelId("a" * 64)
OTHER = ModelId("b" * 64)


class Ticking(Clock):
    """A second later at each reading."""

    def __init__(self) -> None:
        super().__init__(START, timedelta(seconds=1))


def counted(prefix: str = "id") -> Callable[..., Any]:
    numbers = itertools.count()
    return lambda: f"{prefix}-{next(numbers):06d}"


def unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    vector = np.asarray(vector, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def template(seed: int, dimension: int = 16, model: ModelId = MODEL) -> Template:
    return Template(unit(np.random.default_rng(seed).normal(size=dimension)), model)


def detected(place: float = 0.0, confidence: float = 99.5) -> DetectedFace:
    point = Point(0.5, 0.5)
    return DetectedFace(
        box=BoundingBox(place, 0.1, 0.05, 0.05),
        landmarks=Landmarks(point, point, point, point, point),
        pose=Pose(0, 0, 0),
        quality=Quality(50, 50, 100),
        confidence=confidence,
    )


def people(*seeds: int, dimension: int = 16, model: ModelId = MODEL) -> list[tuple[DetectedFace, Template]]:
    return [(detected(0.1 * i), template(seed, dimension, model)) for i, seed in enumerate(seeds)]
