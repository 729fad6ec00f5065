"""Pictures as people have them: found, recognised, and how often strangers match, through the engine that serves.

One picture each of 300 people of LFW to whom neither normaliser nor calibration was fitted, changed before it is
encoded, so that detection, alignment, quality filter, normaliser and calibration all take part, as in IndexFaces with
QualityFilter AUTO or NONE and SearchFaces at 80.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.equal_error import everyone
from benchmarks.recognisability import SHIPPED_SEED
from countenance.calibrate.labelled_pictures import shots
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


def run() -> dict[str, Any]:
    """One row for each change of the pictures."""
    settings = load()
    data = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data"))
    held_out = np.unique(everyone().part(1, 2, SHIPPED_SEED).press.person).tolist()
    first = {shot.person: shot.path for shot in reversed(shots(data)["press"])}
    files = [first[person] for person in random.Random(SEED).sample(held_out, PEOPLE)]
    engine = Engine.open(settings.models_cache, settings.detector, settings.model, threads=settings.threads)
    rows = [_row(name, change, files, engine) for name, change in CHANGES.items()]
    engine.close()
    return {
        "tables": [
            {
                "title": "Pictures as people have them: strangers who match",
                "note": f"One picture each of {PEOPLE} people of LFW who were held out of the fit, the largest face. "
                "Every pair of different people is compared: of the faces that AUTO accepts, and (NONE) of all that "
                "are found; 95 % intervals with people as units. Promised at a similarity of 80: at most 1 in 1,000.",
                "rows": rows,
            }
        ]
    }


def _row(name: str, change: Callable[[Pixels], Pixels], files: list[Path], engine: Engine) -> dict[str, Any]:
    normaliser = load_normaliser(engine.model)
    calibration = Calibration.load(engine.model, normaliser.identity)
    seen, refused, rolls = [], [], []
    for file in files:
        pixels = change(_pixels(cv2.imread(str(file))))
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
        seen.append(templates[0])
        rolls.append(face.pose.roll)
    out = np.array(refused)
    fit = [template for template, unfit in zip(seen, refused, strict=True) if not unfit]
    everybody, accepted = (_similarities(own, normaliser, calibration) for own in (seen, fit))
    return {
        "picture": name,
        "faces found": f"{len(seen)} of {len(files)}",
        "refused by AUTO": int(out.sum()),
        "pairs of strangers": len(accepted),
        "match at 80": _rate(accepted, int((~out).sum())),
        "at 90": int((accepted >= 90).sum()),
        "at 99": int((accepted >= 99).sum()),
        "NONE: pairs": len(everybody),
        "NONE: match at 80": _rate(everybody, len(seen)),
        "median roll, degrees": round(float(np.median(np.abs(rolls)))),
    }


def _similarities(seen: list[Template], normaliser: Normaliser, calibration: Calibration) -> NDArray[np.float64]:
    """Of every pair of `seen`, in the order of `np.triu_indices`."""
    if not seen:
        return np.empty(0)
    scores = scored(normaliser, seen, seen)[np.triu_indices(len(seen), 1)]
    return np.asarray(calibration.similarity(scores.astype(np.float64)), np.float64)


def _rate(similarity: NDArray[np.float64], people: int) -> str:
    if not len(similarity):
        return ""
    first, second = np.triu_indices(people, 1)
    rate = tally(first, second, similarity >= 80).rate()
    return f"{rate.estimate:.3%} ({rate.interval.low:.3%} to {rate.interval.high:.3%})"
