"""The labelled pictures that a calibration is fitted to, and the templates of them, kept on disk between runs.

The data folder holds `lfw/` (several pictures of each person: mated comparisons, and a second kind of picture) and
`fairface/` (one picture of each person, with perceived race, gender and age; further pictures of the same kind in
`more/`, if they are there). FairFace pictures are cut close to the face, so a face that is turned upright for the
embedder gets black corners. Each is therefore read a second time with its edges continued outwards: the same people in
another kind of picture.
"""

from __future__ import annotations

import csv
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.calibrate.degradations import Degradation, Place, degrade
from countenance.engine import FaceEngine
from countenance.engine.template_cache import CachedTemplate, TemplateCache, nearest_to_the_middle, template_of
from countenance.errors import BadRequest, ImageError
from countenance.faces import ModelId
from countenance.progress import track

Kind = Literal["press", "tight", "widened"]
"""lfw; fairface as it is; fairface with its edges continued."""

MARGIN = 80
"""Pixels by which the edges of a picture of 224 are continued: the face then covers about a third, as in LFW."""

Strings = NDArray[np.str_]
_Item = TypeVar("_Item")


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
    sharpness: 0..100, of the picture, as in `Quality`; NaN if unknown.
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
    """The pictures under `folder`/lfw and `folder`/fairface by kind; BadRequest if the data is missing."""
    people = _rows(folder / "lfw" / "lfw_images.csv", ("identity", "file", "image_gender"))
    faces = _rows(folder / "fairface" / "labels.csv", ("file", "age", "gender", "race"))
    further, columns = folder / "fairface" / "labels-more.csv", ("file", "age", "gender", "race")
    more = _rows(further, columns) if further.is_file() else []
    press = [
        Shot("press", folder / "lfw" / "images" / r["file"], r["identity"], r["image_gender"].lower(), "", "")
        for r in people
    ]
    tight = [
        Shot(
            "tight",
            folder / "fairface" / part / r["file"],
            f"{part}/{r['file']}",
            r["gender"].lower(),
            r["race"],
            r["age"],
        )
        for part, rows in (("images", faces), ("more", more))
        for r in rows
    ]
    widened = [Shot("widened", s.path, s.person, s.gender, s.race, s.age) for s in tight]
    return {"press": press, "tight": tight, "widened": widened}


def portraits(wanted: Sequence[Shot], engine: FaceEngine, cache: Path, workers: int) -> Portraits:
    """The templates of `wanted` (those with a face), the face nearest to the middle of each picture.

    Results of an earlier run are read from `cache`, so that an interrupted one continues where it stopped. These are
    biometric templates: delete the folder when they are no longer needed.
    """
    kind = wanted[0].kind

    def made(shot: Shot, content: bytes) -> bytes:
        return widened(content) if kind == "widened" else content

    templates = _templates([(shot, "", made) for shot in wanted], engine, cache, kind, workers)
    kept = [(shot, entry) for shot, entry in zip(wanted, templates, strict=True) if entry.vector is not None]
    if not kept:
        raise BadRequest("no picture gave a template")
    return _portraits(kept)


def degraded_portraits(
    wanted: Sequence[Shot], grid: Sequence[Degradation], people: int, engine: FaceEngine, cache: Path, workers: int
) -> tuple[Portraits, Strings]:
    """Templates of `people` of `wanted`, drawn at random, in every cell of `grid`, with the cells' names.

    A picture without a detected face once it is degraded gives no row. Of tight pictures every second person's is
    widened first, so that every cell has both kinds. Cached as in `portraits`.
    """
    names = by_chance(wanted)[:people]

    places: dict[int, Place | None] = {}

    def maker(number: int, how: Degradation) -> Callable[[Shot, bytes], bytes]:
        def made(shot: Shot, content: bytes) -> bytes:
            start = widened(content) if shot.kind == "tight" and number % 2 else content
            if number not in places:
                places[number] = _place(engine, start)
            place = places[number]
            if place is None:
                return b""
            rng = np.random.default_rng(zlib.crc32(f"{shot.person} {how.kind}".encode()))
            pixels = cv2.imdecode(np.frombuffer(start, np.uint8), cv2.IMREAD_COLOR)
            return _png(degrade(np.asarray(pixels, np.uint8), place, how, rng))

        return made

    asked = [(shot, f" {how.name}", maker(i, how)) for how in grid for i, shot in enumerate(names)]
    templates = _templates(asked, engine, cache, "degraded", workers)
    cells = [how.name for how in grid for _ in names]
    kept = [(shot, entry, cell) for (shot, _, _), entry, cell in zip(asked, templates, cells, strict=True)
            if entry.vector is not None]  # fmt: skip
    if not kept:
        raise BadRequest("no degraded picture gave a template")
    return _portraits([(shot, entry) for shot, entry, _ in kept]), np.array([cell for _, _, cell in kept])


def by_chance(wanted: Sequence[Shot]) -> list[Shot]:
    """`wanted` in an order that has nothing to do with who they are, always the same one."""
    return sorted(wanted, key=lambda shot: hashlib.sha256(shot.person.encode()).hexdigest())


def _place(engine: FaceEngine, content: bytes) -> Place | None:
    try:
        picture = engine.look(content)
    except ImageError:
        return None
    if not picture.faces:
        return None
    return Place.of(nearest_to_the_middle(picture.faces), picture.width, picture.height)


def _templates(
    wanted: Sequence[tuple[Shot, str, Callable[[Shot, bytes], bytes]]],
    engine: FaceEngine,
    cache: Path,
    kind: str,
    workers: int,
) -> list[CachedTemplate]:
    """What is seen in each picture after it is changed; the texts distinguish the changed forms of one picture."""
    known_templates = TemplateCache(cache, f"{engine.version}-{kind}", engine.dimension)

    def see(item: tuple[Shot, str, Callable[[Shot, bytes], bytes]]) -> tuple[str, CachedTemplate]:
        shot, suffix, made = item
        content = shot.path.read_bytes()
        key = hashlib.sha256(content + suffix.encode()).hexdigest()
        known = known_templates.get(key)
        return key, known if known is not None else template_of(engine, made(shot, content), "centre")

    seen: list[CachedTemplate] = []
    with ThreadPoolExecutor(workers) as pool, known_templates:
        for key, entry in track(_ordered(pool, see, wanted, 4 * workers), f"{kind} pictures", len(wanted), "pictures"):
            known_templates.put(key, entry)
            seen.append(entry)
    return seen


def _portraits(kept: Sequence[tuple[Shot, CachedTemplate]]) -> Portraits:
    return Portraits(
        np.stack([entry.vector for _, entry in kept if entry.vector is not None]),
        np.array([shot.person for shot, _ in kept]),
        np.array([shot.gender for shot, _ in kept]),
        np.array([shot.race for shot, _ in kept]),
        np.array([shot.age for shot, _ in kept]),
        np.array([entry.sharpness for _, entry in kept]),
    )


def further_portraits(path: Path, model: ModelId) -> Portraits:
    """Ready-made templates: an .npz with template, race, gender, age, and model, the identity of their space.
    BadRequest if it is not such a file, or not of this model.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            of = str(arrays["model"])
            vectors = arrays["template"].astype(np.float32)
            race, gender, age = (arrays[k].astype(str) for k in ("race", "gender", "age"))
    except (KeyError, OSError, ValueError) as error:
        raise BadRequest(f"{path.name} holds no labelled templates that name their model: {error}") from error
    if of != model:
        raise BadRequest(f"{path.name} holds templates of model {of[:8]}, not of {model[:8]}")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    person = np.array([f"further-{i}" for i in range(len(vectors))])
    return Portraits(vectors, person, np.char.lower(gender), race, age, np.full(len(vectors), np.nan))


def widened(content: bytes) -> bytes:
    """The picture with its edges continued by `MARGIN` pixels on every side, as a PNG; unchanged if unreadable."""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        return content  # the engine reports what is wrong with it
    wide = cv2.copyMakeBorder(pixels, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REPLICATE)
    return _png(wide)


def _png(pixels: NDArray[np.integer[Any] | np.floating[Any]]) -> bytes:
    return bytes(cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 0])[1].tobytes())


def _ordered(
    pool: ThreadPoolExecutor, see: Callable[[_Item], tuple[str, CachedTemplate]], wanted: Sequence[_Item], window: int
) -> Iterator[tuple[str, CachedTemplate]]:
    waiting: list[Future[tuple[str, CachedTemplate]]] = []
    for item in wanted:
        waiting.append(pool.submit(see, item))
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
