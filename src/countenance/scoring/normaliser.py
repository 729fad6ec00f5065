"""The step between search and calibration: it changes the score of two templates, never which two are compared.

A normaliser turns each side of a comparison into one row, so that the comparison score stays one inner product:

    score(a, b) = probe_side(a) . gallery_side(b)

A gallery's rows are computed once, at enrolment; an exact or approximate inner-product index ranks by the normalised
score without knowing that there is one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from countenance.errors import ModelError
from countenance.faces import ModelId, Template

Rows = NDArray[np.float32]
"""Templates or sides, one per row: (n, d) float32."""

RAW = "raw"
"""The identity of the normaliser that changes no score."""

SHIPPED = Path(__file__).with_name("cohorts")
_CHUNK = 4096


class Normaliser(Protocol):
    """What galleries and comparisons need of a score normaliser."""

    @property
    def identity(self) -> str:
        """sha256 of its data file, or "raw". Rows of different identities, or reserves, cannot be compared."""
        ...

    @property
    def reserve(self) -> float:
        """What two faces lose of which nothing is seen; 0 where none loses anything."""
        ...

    def gallery_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        """Rows for enrolled faces: (n, d) templates to (n, d2). unseen: the share of each face that is not to be
        seen, (n,); None for whole faces.
        """
        ...

    def probe_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        """Rows for probes: as `gallery_side`."""
        ...


class RawCosine:
    """No normalisation: the score is the cosine of two templates, of half-seen faces, too."""

    reserve = 0.0

    @property
    def identity(self) -> str:
        """Always "raw"."""
        return RAW

    def gallery_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        """The templates themselves, (n, d)."""
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def probe_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        """The templates themselves, (n, d)."""
        return np.ascontiguousarray(vectors, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Recognition:
    """How recognisability follows from a template's place among the centres. degraded: how many centres, the last ones,
    are means of degraded pictures. intercept, slope: of the logistic function.
    """

    degraded: int
    intercept: float
    slope: float


@dataclass(frozen=True, slots=True, eq=False)
class Doubt:
    """How far a template has what blurred, dark or covered pictures of anybody have: direction (d,), and the `place`
    along it, in units of cosine, from which on it counts.
    """

    direction: Rows
    place: float


@dataclass(frozen=True, slots=True, eq=False)
class Crowding:
    """Cosine minus how crowded the space is around each of the two faces.

        score(a, b) = a . b - crowding(a) - crowding(b) - reserve * sqrt(unseen(a) * unseen(b))
        crowding(v) = strength / sharpness * (ln sum_c exp(weight_c + sharpness * v . centre_c) - ln m) + level
                      + ln(1 + exp(sharpness * (v . direction - place))) / sharpness

    A face in a crowded part of the space resembles many strangers, so its scores count for less; and so do those of a
    picture that tells little of whose it is. Two faces that are cut off, covered or blurred resemble each other
    whoever they are; one of them and a clear one do not, so the reserve is for pairs. No label of anybody is read.

    centres: (m, d), each the mean direction of many people, nobody's template. weights: (m,) natural logs. identity:
    sha256 of the manifest, which holds the sha256 of the arrays. recognition: None unless some of the centres are of
    degraded pictures. doubt: None if it was not fitted. reserve: in units of score, not negative; from a file of its
    own (`*.reserve.json`), since no score of a whole face, and so no calibration, depends on it.
    """

    model: ModelId
    identity: str
    centres: Rows
    weights: Rows
    sharpness: float
    strength: float
    level: float
    recognition: Recognition | None = None
    doubt: Doubt | None = None
    reserve: float = 0.0

    def __post_init__(self) -> None:
        whole = self.centres.ndim == 2 and self.weights.shape == (len(self.centres),) and len(self.centres) > 0
        if not (whole and np.isfinite(self.centres).all() and np.isfinite(self.weights).all() and self.sharpness > 0):
            raise ModelError("this cohort file is damaged: it needs finite centres with one weight each")
        if not (np.isfinite(self.reserve) and self.reserve >= 0):
            raise ModelError("a reserve is finite and not negative")

    def crowding(self, vectors: Rows) -> Rows:
        """How crowded the space is around each of `vectors`, (n, d) to (n,), in units of score."""
        crowding = np.empty(len(vectors), np.float32)
        for start in range(0, len(vectors), _CHUNK):
            part = np.asarray(vectors[start : start + _CHUNK], np.float32)
            near = part @ self.centres.T * np.float32(self.sharpness) + self.weights
            total = _soft_maximum(near) - np.float32(np.log(len(self.centres)))
            crowding[start : start + _CHUNK] = total * np.float32(self.strength / self.sharpness) + np.float32(
                self.level
            )
            if self.doubt is not None:
                unlike = np.float32(self.sharpness) * (part @ self.doubt.direction - np.float32(self.doubt.place))
                crowding[start : start + _CHUNK] += np.logaddexp(np.float32(0), unlike) / np.float32(self.sharpness)
        return crowding

    def recognisability(self, vectors: Rows) -> Rows | None:
        """How recognisable the pictures behind `vectors` (n, d) were, (n,), 0..100; None if unknown. Of pictures
        degraded as stated (docs/equal-error.md) whose templates have the same place: the share, in per cent, that still
        matches the undegraded picture at a similarity of 80. `away` is its log odds.
        """
        if self.recognition is None:
            return None
        away = self.recognition.intercept - self.recognition.slope * self.nearness(vectors, self.recognition.degraded)
        return np.asarray(100.0 / (1.0 + np.exp(-away)), np.float32)

    def nearness(self, vectors: Rows, degraded: int) -> Rows:
        """How much nearer `vectors`, (n, d), are to the last `degraded` centres than to the others, (n,). The
        difference between the two smooth maxima (log-sum-exp at `sharpness`) of cosines, in units of cosine.
        """
        near = np.asarray(vectors, np.float32) @ self.centres.T * np.float32(self.sharpness)
        worse, others = near[:, -degraded:], near[:, :-degraded]
        return np.asarray((_soft_maximum(worse) - _soft_maximum(others)) / np.float32(self.sharpness), np.float32)

    def gallery_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        """Templates, a one, and minus their crowding; where there is a reserve, also what they lack. (n, d + 2 or 3)"""
        own = -self.crowding(vectors)[:, None]
        return np.hstack([np.asarray(vectors, np.float32), np.ones_like(own), own, *self._lack(len(own), unseen)])

    def probe_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        """Templates, minus their crowding, and a one; where there is a reserve, also minus what they lack."""
        own, lack = -self.crowding(vectors)[:, None], self._lack(len(vectors), unseen)
        return np.hstack([np.asarray(vectors, np.float32), own, np.ones_like(own), *(-each for each in lack)])

    def _lack(self, n: int, unseen: Rows | None) -> list[Rows]:
        """What faces lack: two of them lose its product. A column (n, 1), or none."""
        if not self.reserve:
            return []
        shares = np.zeros(n, np.float32) if unseen is None else np.asarray(unseen, np.float64)
        return [np.sqrt(self.reserve * shares).astype(np.float32)[:, None]]

    @classmethod
    def read(cls, manifest: Path) -> Crowding:
        """The normaliser that a manifest describes; its arrays are next to it. ModelError if either is incomplete."""
        try:
            content = manifest.read_bytes()
            value = json.loads(content)
            path = manifest.with_name(Path(str(value["array"])).name)
            held = path.read_bytes()
            if hashlib.sha256(held).hexdigest() != value["array_sha256"]:
                raise ModelError(f"the cohort file {path.name} is not the one that {manifest.name} describes")
            array = np.load(path, allow_pickle=False).astype(np.float32)
            return cls(
                model=ModelId(str(value["model"])),
                identity=hashlib.sha256(content).hexdigest(),
                centres=np.ascontiguousarray(array[:, :-1]),
                weights=np.ascontiguousarray(array[:, -1]),
                sharpness=float(value["sharpness"]),
                strength=float(value["strength"]),
                level=float(value["level"]),
                recognition=_recognition(value.get("recognition"), len(array)),
                doubt=_doubt(value.get("doubt"), array.shape[1] - 1),
            )
        except (KeyError, TypeError, ValueError, IndexError, OSError) as error:
            raise ModelError(f"the cohort file {manifest.name} is damaged: {type(error).__name__}") from error


def _recognition(value: dict[str, float] | None, centres: int) -> Recognition | None:
    if value is None:
        return None
    recognition = Recognition(int(value["degraded_centres"]), float(value["intercept"]), float(value["slope"]))
    if not (0 < recognition.degraded < centres and np.isfinite([recognition.intercept, recognition.slope]).all()):
        raise ValueError("degraded centres are some of the centres")
    return recognition


def _doubt(value: dict[str, Any] | None, dimension: int) -> Doubt | None:
    if value is None:
        return None
    doubt = Doubt(np.array(value["direction"], np.float32), float(value["place"]))
    if doubt.direction.shape != (dimension,) or not np.isfinite([*doubt.direction.tolist(), doubt.place]).all():
        raise ValueError("a doubt has a finite direction")
    return doubt


def _soft_maximum(near: Rows) -> Rows:
    top = near.max(axis=1)
    return np.asarray(np.log(np.exp(near - top[:, None]).sum(axis=1)) + top, np.float32)


def load_normaliser(model: ModelId, extra: Path | None = None) -> Normaliser:
    """The normaliser of `model`: from the folder `extra` if it has one, else the one that ships, else `RawCosine`."""
    for manifest in _files(extra, "*.cohort.json"):
        normaliser = Crowding.read(manifest)
        if normaliser.model == model:
            return replace(normaliser, reserve=_reserve(model, extra))
    return RawCosine()


def _reserve(model: ModelId, extra: Path | None) -> float:
    """That of `model`, or 0 if it was not measured for it."""
    for path in _files(extra, "*.reserve.json"):
        try:
            value = json.loads(path.read_bytes())
            if value["model"] == model:
                return float(value["reserve"])
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"the file {path.name} is damaged: {type(error).__name__}") from error
    return 0.0


def scored(normaliser: Normaliser, probes: Sequence[Template], others: Sequence[Template]) -> Rows:
    """The score of each of `probes` with each of `others`, (n, m)."""
    gallery = normaliser.gallery_side(*_stacked(others))
    return np.asarray(probe_rows(normaliser, probes) @ gallery.T, np.float32)


def probe_rows(normaliser: Normaliser, templates: Sequence[Template]) -> Rows:
    """Rows for probes, (n, d2)."""
    return normaliser.probe_side(*_stacked(templates))


def _stacked(templates: Sequence[Template]) -> tuple[Rows, Rows]:
    vectors = np.stack([template.vector for template in templates])
    return vectors, np.array([template.unseen for template in templates], np.float32)


def _files(extra: Path | None, pattern: str) -> Iterator[Path]:
    for folder in (extra, SHIPPED):
        if folder is not None and folder.is_dir():
            yield from sorted(folder.glob(pattern))
