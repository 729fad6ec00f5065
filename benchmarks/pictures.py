"""Pictures as people have them: found, recognised, and how often strangers match, through the engine that serves.

One picture each of 300 people of LFW to whom neither normaliser nor calibration was fitted, changed before it is
encoded, so that detection, alignment, quality filter, normaliser and calibration all take part, as in IndexFaces with
QualityFilter AUTO or NONE and SearchFaces at 80. Then the same of people, a camera and a studio to which nothing was
fitted: two pictures each of the 40 people of the ORL set (credit: AT&T Laboratories Cambridge).
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.equal_error import everyone
from benchmarks.recognisability import SHIPPED_SEED
from countenance.calibrate.degradations import Degradation, Place, degrade
from countenance.calibrate.labelled_pictures import shots
from countenance.demo.faces import orl_faces
from countenance.engine import Engine
from countenance.errors import ImageError
from countenance.faces import Template
from countenance.metrics import tally
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.scoring import Calibration, Normaliser, load_normaliser, scored
from countenance.settings import load

PEOPLE, SEED = 300, 3
Pixels = NDArray[np.uint8]


def _jpeg(pixels: Pixels, quality: int) -> Pixels:
    return _pixels(cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1))


def _pixels(made: Any) -> Pixels:
    return np.ascontiguousarray(made, np.uint8)


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "as it is": lambda p: p,
    "turned by 180 degrees": lambda p: _pixels(np.rot90(p, 2)),
    "turned by 90 degrees": lambda p: _pixels(np.rot90(p, 1)),
    "turned by 270 degrees": lambda p: _pixels(np.rot90(p, 3)),
    "Gaussian blur, sigma 3": lambda p: _pixels(cv2.GaussianBlur(p, (0, 0), 3)),
    "Gaussian blur, sigma 5": lambda p: _pixels(cv2.GaussianBlur(p, (0, 0), 5)),
    "15 % light": lambda p: _pixels(p * 0.15),
    "without colour": lambda p: _pixels(cv2.cvtColor(cv2.cvtColor(p, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)),
    "JPEG quality 5": lambda p: _jpeg(p, 5),
    "right half cut off": lambda p: _pixels(p[:, : p.shape[1] // 2]),
    "left half cut off": lambda p: _pixels(p[:, p.shape[1] // 2 :]),
    "cut off at the eyes": lambda p: _pixels(p[round(0.42 * p.shape[0]) :]),
}


ONE_CAMERA = tuple(
    Degradation(kind, strength)
    for kind, strength in (
        ("grey", 1.0), ("blur", 0.02), ("blur", 0.035), ("noise", 10), ("noise", 20), ("dark", 0.15), ("infrared", 0.5),
        ("jpeg", 10), ("jpeg", 5), ("small", 16), ("old print", 0.5), ("sunglasses", 0.8), ("sunglasses", 1.0),
        ("mask", 0.5), ("half", 0.35), ("tight", 0.1), ("tight", -0.08),
    )
)  # fmt: skip
"""What is done to the pictures of the one camera. They are grey as they are, so the first changes nothing."""
ENLARGED = 3
"""How many times: the pictures are 92 x 112 pixels."""


def run() -> dict[str, Any]:
    """One row for each change of the pictures."""
    settings = load()
    data = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data"))
    held_out = np.unique(everyone().part(1, 2, SHIPPED_SEED).press.person).tolist()
    first = {shot.person: shot.path for shot in reversed(shots(data)["press"])}
    files = [first[person] for person in random.Random(SEED).sample(held_out, PEOPLE)]
    engine = Engine.open(settings.models_cache, settings.detector, settings.model, threads=settings.threads)
    people = np.arange(len(files))
    pictures = [_pixels(cv2.imread(str(file))) for file in files]
    rows = [
        _row(name, Seen.of([change(picture) for picture in pictures], people, engine))
        for name, change in CHANGES.items()
    ]
    camera = _one_camera(settings.home / "demo-faces", engine)
    engine.close()
    columns = "Every pair of different people is compared: of the faces that AUTO accepts, and (NONE) of all that are"
    return {
        "tables": [
            {
                "title": "Pictures as people have them: strangers who match",
                "note": f"One picture each of {PEOPLE} people of LFW who were held out of the fit, the largest face. "
                f"{columns} found; 95 % intervals with people as units. Promised at a similarity of 80: at most 1 in "
                "1,000.",
                "rows": rows,
            },
            {
                "title": "One camera, one studio, mostly young men: strangers who match",
                "note": "Two pictures each of the 40 people of the ORL set, grey, enlarged three times; nothing was "
                f"fitted to them. {columns} found; 95 % intervals with people as units. Two pictures of one "
                "person: how many of the pairs match at 80, without the filter.",
                "rows": camera,
            },
        ]
    }


def _one_camera(cache: Path, engine: Engine) -> list[dict[str, Any]]:
    """The rows of the ORL set."""
    photos = [photo for photo in orl_faces(cache) if photo.number in (1, 6)]
    people = np.array([photo.person for photo in photos])
    pictures = [_enlarged(_pixels(cv2.imdecode(np.frombuffer(photo.png, np.uint8), 1))) for photo in photos]
    places = [_place(picture, engine) for picture in pictures]
    rows = []
    for how in ONE_CAMERA:
        rng = np.random.default_rng(SEED)
        changed = [degrade(picture, place, how, rng) for picture, place in zip(pictures, places, strict=True)]
        seen = Seen.of(changed, people, engine)
        row = _row(how.name, seen)
        same = np.equal(*seen.pairs)
        row["one person: match at 80"] = f"{int((seen.similarity[same] >= 80).sum())} of {int(same.sum())}"
        rows.append(row)
    return rows


def _enlarged(picture: Pixels) -> Pixels:
    return _pixels(cv2.resize(picture, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC))


def _place(picture: Pixels, engine: Engine) -> Place:
    face = engine.look(cv2.imencode(".png", picture)[1].tobytes()).faces[0]
    return Place.of(face, picture.shape[1], picture.shape[0])


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What the engine made of pictures, a row for each in which it found a face. person: (n,). refused: (n,), by AUTO.
    similarity: of every pair of rows, in the order of `np.triu_indices`. rolls: degrees. looked: how many pictures.
    """

    person: NDArray[np.int64]
    refused: NDArray[np.bool_]
    similarity: NDArray[np.float64]
    rolls: NDArray[np.float64]
    looked: int

    @classmethod
    def of(cls, pictures: list[Pixels], people: NDArray[np.int64], engine: Engine) -> Seen:
        """Of the largest face of each picture."""
        normaliser = load_normaliser(engine.model)
        calibration = Calibration.load(engine.model, normaliser.identity)
        person, seen, refused, rolls = [], [], [], []
        for who, pixels in zip(people.tolist(), pictures, strict=True):
            try:
                picture = engine.look(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
            except ImageError:
                continue
            if not picture.faces:
                continue
            face = picture.faces[0]
            templates = engine.embed(picture, [face])
            level = QualityFilter.AUTO
            against = reasons_against(face, level) or reasons_against_templates([face], templates, normaliser, level)[0]
            refused.append(bool(against))
            person.append(who)
            seen.append(templates[0])
            rolls.append(face.pose.roll)
        similarity = _similarities(seen, normaliser, calibration)
        return cls(np.array(person), np.array(refused), similarity, np.array(rolls), len(pictures))

    @property
    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The two people of every pair."""
        first, second = np.triu_indices(len(self.person), 1)
        return self.person[first], self.person[second]

    def strangers(self, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which pairs are of different people, both among `rows` (n,)."""
        first, second = np.triu_indices(len(self.person), 1)
        return np.asarray(rows[first] & rows[second] & np.not_equal(*self.pairs))


def _row(name: str, seen: Seen) -> dict[str, Any]:
    accepted, everybody = seen.strangers(~seen.refused), seen.strangers(np.ones_like(seen.refused))
    return {
        "picture": name,
        "faces found": f"{len(seen.person)} of {seen.looked}",
        "refused by AUTO": int(seen.refused.sum()),
        "pairs of strangers": int(accepted.sum()),
        "match at 80": _rate(seen, accepted),
        "at 90": int((seen.similarity[accepted] >= 90).sum()),
        "at 99": int((seen.similarity[accepted] >= 99).sum()),
        "NONE: pairs": int(everybody.sum()),
        "NONE: match at 80": _rate(seen, everybody),
        "median roll, degrees": round(float(np.median(np.abs(seen.rolls)))),
    }


def _similarities(seen: list[Template], normaliser: Normaliser, calibration: Calibration) -> NDArray[np.float64]:
    """Of every pair of `seen`, in the order of `np.triu_indices`."""
    scores = scored(normaliser, seen, seen)[np.triu_indices(len(seen), 1)]
    return np.asarray(calibration.similarity(scores.astype(np.float64)), np.float64)


def _rate(seen: Seen, pairs: NDArray[np.bool_]) -> str:
    if not pairs.any():
        return ""
    first, second = (people[pairs] for people in seen.pairs)
    rate = tally(first, second, seen.similarity[pairs] >= 80).rate()
    return f"{rate.estimate:.3%} ({rate.interval.low:.3%} to {rate.interval.high:.3%})"
