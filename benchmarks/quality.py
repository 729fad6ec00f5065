"""Quality as it is told and as it refuses: whom AUTO turns away, non-faces that it lets in, and ordinary pictures.

The pictures are those of the evaluation data as they are, a sample of each group. The bar looks at pictures and
templates, at nobody's labels; those are read here to count.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sizes import told
from benchmarks.vision_pictures import data
from countenance.calibrate.labelled_pictures import Shot, shots
from countenance.calibrate.non_faces import KINDS, non_face
from countenance.engine import Engine
from countenance.engine.template_cache import nearest_to_the_middle
from countenance.errors import ImageError
from countenance.faces import DetectedFace, Template
from countenance.metrics import tally
from countenance.operations.quality import QualityFilter, reasons_against, reasons_against_templates
from countenance.scoring import load_normaliser
from countenance.settings import load

OF_EACH, NON_FACES, SEED = 400, 20, 13
"""Pictures of each group, non-faces of each kind, and what they are drawn with."""

AWS = {"sharpness": (80, 99), "brightness": (60, 90)}
"""What published answers of Amazon Rekognition have for ordinary pictures."""


def run() -> dict[str, Any]:
    """Three tables: refusals by group, non-faces by kind, and sharpness and brightness."""
    settings = load()
    folder = data()
    if not (folder / "fairface" / "labels.csv").is_file():
        raise SystemExit("the quality benchmark needs the evaluation data: set COUNTENANCE_DATA")
    engine = Engine.open(settings.models_cache, settings.detector, settings.model, threads=settings.threads)
    asked = shots(folder)
    looked = {name: _look(engine, _sample(asked[name])) for name in ("tight", "press")}
    others = _non_faces(engine, [s.path for s in asked["tight"]], [s.path for s in asked["press"]])
    engine.close()
    return {
        "what": (__doc__ or "").split("\n\n")[0],
        "tables": [
            {
                "title": "Whom QualityFilter AUTO turns away, by group",
                "note": f"AUTO is the level LOW. {OF_EACH} pictures of each group at random (perceived labels), as "
                "they are; no face: none was found. 95 % intervals.",
                "rows": [*_refusals("FairFace", looked["tight"]), *_refusals("LFW", looked["press"])],
            },
            {
                "title": "Non-faces that AUTO would enrol",
                "note": f"{NON_FACES} made pictures of each kind (`countenance.calibrate.non_faces`), each with a face "
                "or more that AUTO accepts.",
                "rows": others,
            },
            {
                "title": "Sharpness and brightness of ordinary pictures, beside what published answers of AWS have",
                "note": "The face nearest to the middle.",
                "rows": [_measures("LFW", looked["press"]), _measures("FairFace", looked["tight"])],
            },
        ],
    }


Looked = list[tuple[Shot, DetectedFace | None, tuple[str, ...]]]
"""Pictures, their face, and why AUTO would turn it away."""


def _group(shot: Shot) -> str:
    return f"{shot.race} {shot.gender}".strip()


def _sample(pictures: Sequence[Shot]) -> list[Shot]:
    """`OF_EACH` of each group, of different people."""
    order = random.Random(SEED).sample(list(pictures), len(pictures))
    one_each = {shot.person: shot for shot in order}.values()
    taken: Counter[str] = Counter()
    kept = []
    for shot in one_each:
        if shot.gender in ("female", "male") and taken[_group(shot)] < OF_EACH:
            taken[_group(shot)] += 1
            kept.append(shot)
    return kept


def _look(engine: Engine, pictures: Iterable[Shot]) -> Looked:
    normaliser, level = load_normaliser(engine.model), QualityFilter.AUTO
    looked: Looked = []
    for shot in pictures:
        try:
            picture = engine.look(shot.path.read_bytes())
        except ImageError:
            picture = None
        if picture is None or not picture.faces:
            looked.append((shot, None, ()))
            continue
        face = nearest_to_the_middle(picture.faces)
        templates = engine.embed(picture, [face])
        looked.append((shot, face, _reasons([face], templates, normaliser, level)[0]))
    return looked


def _reasons(
    faces: Sequence[DetectedFace], templates: Sequence[Template], normaliser: Any, level: QualityFilter
) -> list[tuple[str, ...]]:
    by_template = reasons_against_templates(faces, templates, normaliser, level)
    return [reasons_against(face, level) + against for face, against in zip(faces, by_template, strict=True)]


def _refusals(pictures: str, looked: Looked) -> list[dict[str, Any]]:
    rows = []
    for group in ("all", *sorted({_group(shot) for shot, _, _ in looked})):
        own = [(face, why) for shot, face, why in looked if group in ("all", _group(shot))]
        unit = np.arange(len(own))
        reasons = Counter(reason for _, why in own for reason in why)
        rows.append(
            {
                "pictures": pictures,
                "group": group,
                "turned away": told(tally(unit, unit, np.array([bool(why) for _, why in own])).rate()),
                "no face": sum(face is None for face, _ in own),
                "reasons": ", ".join(f"{name} {number}" for name, number in reasons.most_common()),
            }
        )
    return rows


def _non_faces(engine: Engine, tight: Sequence[Path], press: Sequence[Path]) -> list[dict[str, Any]]:
    normaliser, level = load_normaliser(engine.model), QualityFilter.AUTO
    enrolled: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for number in range(NON_FACES * len(KINDS)):
        kind, pixels = non_face(number, tight, press)
        picture = engine.look_at(np.ascontiguousarray(pixels))
        why = _reasons(picture.faces, engine.embed(picture, picture.faces), normaliser, level)
        enrolled[kind].append(any(not each for each in why))
    rows = []
    for kind, hits in enrolled.items():
        unit = np.arange(len(hits))
        rows.append({"kind": kind, "pictures with one enrolled": told(tally(unit, unit, np.array(hits)).rate())})
    return rows


def _measures(pictures: str, looked: Looked) -> dict[str, Any]:
    faces = [face.quality for _, face, _ in looked if face is not None]
    row: dict[str, Any] = {"pictures": pictures, "faces": len(faces)}
    for name, (low, high) in AWS.items():
        values = np.array([getattr(quality, name) for quality in faces])
        row[f"{name}, median"] = round(float(np.median(values)), 1)
        row[f"{name}, 5 % to 95 %"] = " to ".join(f"{v:.0f}" for v in np.quantile(values, [0.05, 0.95]))
        row[f"within {low} to {high}"] = f"{np.mean((values >= low) & (values <= high)):.0%}"
    return row
