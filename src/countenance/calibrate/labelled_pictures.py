"""The labelled pictures that a calibration is fitted to, and the templates of them, kept on disk between runs.

The data folder holds `lfw/` (several pictures of each person: mated comparisons, and a second kind of picture) and
`fairface/` (one picture of each person, with perceived race, gender and age). FairFace pictures are cut close to the
face, so a face that is turned upright for the embedder gets black corners. Each is therefore also read a second time
with its edges continued outwards: the same people in another kind of picture.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine import FaceEngine
from countenance.engine.template_cache import CachedTemplate, TemplateCache, template_of
from countenance.errors import BadRequest
from countenance.faces import ModelId
from countenance.progress import track

Kind = Literal["press", "tight", "widened"]
"""lfw; fairface as it is; fairface with its edges continued."""

MARGIN = 80
"""Pixels by which the edges of a picture of 224 are continued: the face then covers about a third, as in LFW."""

Strings = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Shot:
    """One labelled picture. person: an identity, or the file's own name where a data set has one picture of each."""

    kind: Kind
    path: Path
    person: str
    gender: str
    race: str
    age: str


@dataclass(frozen=True, slots=True, eq=False)
class Portraits:
    """Templates with their labels, one row each: vectors (n, d) float32; the others (n,). Labels are '' if unknown.

    sharpness: 0..100, of the picture, as in `Quality`; NaN where it is not known.
    """

    vectors: NDArray[np.float32]
    person: Strings
    gender: Strings
    race: Strings
    age: Strings
    sharpness: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.vectors)

    def __getitem__(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> Portraits:
        return Portraits(
            self.vectors[rows],
            self.person[rows],
            self.gender[rows],
            self.race[rows],
            self.age[rows],
            self.sharpness[rows],
        )

    @property
    def group(self) -> Strings:
        """Race and gender together."""
        return np.char.add(np.char.add(self.race, " "), self.gender)

    def joined(self, other: Portraits) -> Portraits:
        """These rows, then those of `other`."""
        return Portraits(
            np.vstack([self.vectors, other.vectors]),
            np.concatenate([self.person, other.person]),
            np.concatenate([self.gender, other.gender]),
            np.concatenate([self.race, other.race]),
            np.concatenate([self.age, other.age]),
            np.concatenate([self.sharpness, other.sharpness]),
        )


def shots(folder: Path) -> dict[Kind, list[Shot]]:
    """The pictures under `folder`/lfw and `folder`/fairface by kind; BadRequest where the data is not there."""
    people = _rows(folder / "lfw" / "lfw_images.csv", ("identity", "file", "image_gender"))
    faces = _rows(folder / "fairface" / "labels.csv", ("file", "age", "gender", "race"))
    press = [
        Shot("press", folder / "lfw" / "images" / r["file"], r["identity"], r["image_gender"].lower(), "", "")
        for r in people
    ]
    tight = [
        Shot("tight", folder / "fairface" / "images" / r["file"], r["file"], r["gender"].lower(), r["race"], r["age"])
        for r in faces
    ]
    widened = [Shot("widened", s.path, s.person, s.gender, s.race, s.age) for s in tight]
    return {"press": press, "tight": tight, "widened": widened}


def portraits(wanted: list[Shot], engine: FaceEngine, cache: Path, workers: int) -> Portraits:
    """The templates of `wanted` (those with a face), the face nearest to the middle of each picture.

    What an earlier run did is read from `cache`, so that an interrupted one goes on where it stopped. These are
    biometric templates: delete the folder when they are no longer needed.
    """
    kind = wanted[0].kind
    shelf = TemplateCache(cache, f"{engine.version}-{kind}", engine.dimension)

    def see(shot: Shot) -> tuple[str, CachedTemplate]:
        content = shot.path.read_bytes()
        key = hashlib.sha256(content).hexdigest()
        known = shelf.get(key)
        if known is not None:
            return key, known
        return key, template_of(engine, widened(content) if kind == "widened" else content, "centre")

    seen: list[CachedTemplate] = []
    with ThreadPoolExecutor(workers) as pool, shelf:
        for key, sight in track(_ordered(pool, see, wanted, 4 * workers), f"{kind} pictures", len(wanted), "pictures"):
            shelf.put(key, sight)
            seen.append(sight)
    kept = [(shot, sight) for shot, sight in zip(wanted, seen, strict=True) if sight.vector is not None]
    if not kept:
        raise BadRequest("no picture gave a template")
    return Portraits(
        np.stack([sight.vector for _, sight in kept if sight.vector is not None]),
        np.array([shot.person for shot, _ in kept]),
        np.array([shot.gender for shot, _ in kept]),
        np.array([shot.race for shot, _ in kept]),
        np.array([shot.age for shot, _ in kept]),
        np.array([sight.sharpness for _, sight in kept]),
    )


def further_portraits(path: Path, model: ModelId, version: str) -> Portraits:
    """Templates that come ready-made: an .npz with template, race, gender, age; the file's name must name the model.

    BadRequest where it is not such a file, or none of this model's: `version` starts with the name in the file name.
    """
    name = path.stem.removeprefix("templates_").split("_")[0]
    if not version.startswith(name):
        raise BadRequest(f"{path.name} holds templates of {name}, and the model is {version} ({model[:8]})")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            vectors = arrays["template"].astype(np.float32)
            race, gender, age = (arrays[k].astype(str) for k in ("race", "gender", "age"))
    except (KeyError, OSError, ValueError) as error:
        raise BadRequest(f"{path.name} holds no labelled templates: {type(error).__name__}") from error
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    person = np.array([f"further-{i}" for i in range(len(vectors))])
    return Portraits(vectors, person, np.char.lower(gender), race, age, np.full(len(vectors), np.nan))


def widened(content: bytes) -> bytes:
    """The picture with its edges continued by `MARGIN` pixels on every side, as a PNG; as it is where unreadable."""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return content  # the engine says what is wrong with it
    wide = cv2.copyMakeBorder(pixels, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    return bytes(cv2.imencode(".png", wide, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())


def _ordered(
    pool: ThreadPoolExecutor, see: Callable[[Shot], tuple[str, CachedTemplate]], wanted: list[Shot], window: int
) -> Iterator[tuple[str, CachedTemplate]]:
    waiting: list[Future[tuple[str, CachedTemplate]]] = []
    for shot in wanted:
        waiting.append(pool.submit(see, shot))
        if len(waiting) >= window:
            yield waiting.pop(0).result()
    while waiting:
        yield waiting.pop(0).result()


def _rows(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise BadRequest(f"calibration data is missing: {path.parent.name}/{path.name}") from error
    if not rows or not set(columns) <= set(rows[0]):
        raise BadRequest(f"{path.parent.name}/{path.name} needs the columns {', '.join(columns)}")
    return rows
