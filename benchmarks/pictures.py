"""Pictures as people have them: found, recognised, and how often strangers match, through the engine that serves.

One picture each of 300 people of LFW, changed before it is encoded, so that detection, alignment, quality filter,
normaliser and calibration all take part, as in IndexFaces with QualityFilter AUTO and SearchFaces at 80.
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

from countenance.engine import Engine
from countenance.errors import ImageError
from countenance.metrics import tally
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.scoring import Calibration, load_normaliser
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
}


def run() -> dict[str, Any]:
    """One row for each change of the pictures."""
    settings = load()
    data = Path(os.environ.get("COUNTENANCE_DATA", "../shared/data"))
    folders = sorted((data / "lfw" / "images").glob("*"))
    if not folders:
        raise SystemExit("the pictures benchmark needs LFW in the evaluation data: set COUNTENANCE_DATA")
    files = [min(folder.glob("*.jpg")) for folder in random.Random(SEED).sample(folders, PEOPLE)]
    engine = Engine.open(settings.models_cache, settings.detector, settings.model, threads=settings.threads)
    rows = [_row(name, change, files, engine) for name, change in CHANGES.items()]
    engine.close()
    return {
        "tables": [
            {
                "title": "Pictures as people have them: strangers who match",
                "note": f"One picture each of {PEOPLE} people of LFW, the largest face, QualityFilter AUTO. Every "
                "pair of different people is compared; 95 % intervals with people as units. Promised at a similarity "
                "of 80: at most 1 in 1,000. LFW holds some people under two names.",
                "rows": rows,
            }
        ]
    }


def _row(name: str, change: Callable[[Pixels], Pixels], files: list[Path], engine: Engine) -> dict[str, Any]:
    normaliser = load_normaliser(engine.model)
    calibration = Calibration.load(engine.model, normaliser.identity)
    vectors, found, refused, rolls = [], 0, 0, []
    for file in files:
        pixels = change(_pixels(cv2.imread(str(file))))
        try:
            picture = engine.look(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
        except ImageError:
            continue
        if not picture.faces:
            continue
        found += 1
        face = picture.faces[0]
        templates = engine.embed(picture, [face])
        level = QualityFilter.AUTO
        if reasons_against(face, level) or reasons_against_templates([face], templates, normaliser, level)[0]:
            refused += 1
            continue
        vectors.append(templates[0].vector)
        rolls.append(face.pose.roll)
    rows = np.stack(vectors)
    first, second = np.triu_indices(len(rows), 1)
    scores = (normaliser.probe_side(rows) @ normaliser.gallery_side(rows).T)[first, second]
    similarity = calibration.similarity(scores.astype(np.float64))
    rate = tally(first, second, similarity >= 80).rate()
    return {
        "picture": name,
        "faces found": f"{found} of {len(files)}",
        "refused by AUTO": refused,
        "pairs of strangers": len(scores),
        "match at 80": f"{rate.estimate:.3%} ({rate.interval.low:.3%} to {rate.interval.high:.3%})",
        "at 90": int((similarity >= 90).sum()),
        "at 99": int((similarity >= 99).sum()),
        "median roll, degrees": round(float(np.median(np.abs(rolls)))),
    }
