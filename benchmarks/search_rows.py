"""Rows and probes that search is measured on: templates of real people, topped up with others fitted to them.

Random vectors flatter an index: they are all equally far apart. Here the gallery is every real template at hand, then
four parts of draws from a normal distribution of their mean and covariance, and one part of look-alikes, each near some
row that is there already. A probe is another picture of somebody enrolled (a row moved to a mated cosine), a real
stranger, or a drawn one.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.vision_pictures import data
from countenance.engine import DEFAULT, Engine
from countenance.engine.bulk import sightings
from countenance.progress import track
from countenance.settings import load

Rows = NDArray[np.float32]
STRANGERS = 2500  # real people who are not enrolled
MATED, SPREAD = 0.62, 0.12  # cosine of two pictures of a person: LFW's mean and standard deviation with SFace
AT_ONCE = 50_000
_NO_DATA = "the search benchmark needs the evaluation data: set COUNTENANCE_DATA"


@dataclass(frozen=True, slots=True)
class Faces:
    """gallery: (n, d). probes: (m, d), in random order. real: how many rows of the gallery are of real people."""

    gallery: Rows
    probes: Rows
    real: int


def real_templates() -> Rows:
    """Templates of real people, (n, 128): FairFace's that come with the data, and LFW's made by the engine here."""
    fairface, files = fairface_templates(), sorted((data() / "lfw" / "images").glob("*/*.jpg"))
    if not files:
        raise SystemExit(_NO_DATA)
    return unit(np.vstack([fairface, _lfw(files)]))


def fairface_templates() -> Rows:
    """FairFace's alone, which need no engine."""
    place = data() / "fairface" / "templates_sface_train.npz"
    if not place.is_file():
        raise SystemExit(_NO_DATA)
    with np.load(place) as file:
        return unit(file["template"].astype(np.float32))


def _lfw(files: list[Path]) -> Rows:
    """LFW's templates; kept in the data folder of this installation, since the search needs them more than once."""
    settings = load()
    name = hashlib.sha256("".join(file.name for file in files).encode()).hexdigest()[:12]
    kept = settings.home / "benchmarks" / f"lfw-{name}.npy"
    if kept.is_file():
        return np.asarray(np.load(kept), dtype=np.float32)
    engine = Engine.open(settings.models_cache, settings.detector, settings.model)
    try:
        images = (file.read_bytes() for file in files)
        seen = sightings(engine, images, "centre", DEFAULT, 2 * (os.cpu_count() or 1))
        rows = [one.templates[0].vector for one in track(seen, "templates", len(files), "images") if one.templates]
    finally:
        engine.close()
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.save(kept, np.stack(rows))
    return np.stack(rows)


def faces(real: Rows, count: int, probes: int, seed: int, space: Rows | None = None) -> Faces:
    """A gallery of `count` rows and `probes` probes, made of `real` (n, d). space: (count, d), where the rows are put,
    such as a file.
    """
    rng = np.random.default_rng(seed)
    real = real[rng.permutation(len(real))]
    strangers, enrolled = real[:STRANGERS], real[STRANGERS:][:count]
    draw = _Drawn(real, rng)
    gallery = np.empty((count, real.shape[1]), dtype=np.float32) if space is None else space
    gallery[: len(enrolled)] = enrolled
    done = len(enrolled)
    while done < count:
        some = min(AT_ONCE, count - done)
        alike = some // 5
        gallery[done : done + some - alike] = draw(some - alike)
        near = gallery[rng.integers(done, size=alike)]
        gallery[done + some - alike : done + some] = mates(near, rng)
        done += some
    half, quarter = probes // 2, probes // 4
    asked = [mates(gallery[rng.integers(count, size=half)], rng), strangers[:quarter]]
    asked.append(draw(probes - sum(map(len, asked))))
    mixed = np.vstack(asked)
    return Faces(gallery, mixed[rng.permutation(len(mixed))], len(enrolled))


def longer(real: Rows, seed: int) -> Rows:
    """Rows (n, 512) of real people for a model of that length, which does not ship.

    Each is four templates of different people side by side: its parts have the shape that a real model gives them, and
    strangers' scores spread half as far as one template's, as those of larger models do.
    """
    rng = np.random.default_rng(seed)
    return unit(np.hstack([real[rng.permutation(len(real))] for _ in range(4)]))


def mates(rows: Rows, rng: np.random.Generator) -> Rows:
    """For each row another of unit length, at the cosine of two pictures of one person."""
    noise = rng.standard_normal(rows.shape, dtype=np.float32)
    noise = unit(noise - (noise * rows).sum(axis=1, keepdims=True) * rows)
    cosine = np.clip(rng.normal(MATED, SPREAD, len(rows)), 0.2, 0.98).astype(np.float32)[:, None]
    return unit(cosine * rows + np.sqrt(1 - cosine**2) * noise)


def unit(rows: NDArray[Any]) -> Rows:
    """Rows of unit length."""
    made = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(made, dtype=np.float32)


class _Drawn:
    """Draws from a normal distribution fitted to rows, brought to unit length."""

    def __init__(self, rows: Rows, rng: np.random.Generator) -> None:
        self._mean = rows.mean(axis=0)
        covariance = np.cov(rows.T.astype(np.float64)) + 1e-8 * np.eye(rows.shape[1])
        self._root = np.linalg.cholesky(covariance).T.astype(np.float32)
        self._rng = rng

    def __call__(self, count: int) -> Rows:
        normal = self._rng.standard_normal((count, len(self._mean)), dtype=np.float32)
        return unit(normal @ self._root + self._mean)
