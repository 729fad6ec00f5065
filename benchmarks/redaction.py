"""Redaction: which share of faces is covered, by perceived group, as they are and small and dim; and what else is.

FairFace's pictures have one labelled face each, in the middle. It counts as covered if a find of the redaction's least
score or more lies over the middle. Small and dim: the picture is reduced to 40 pixels (a face of about 25), a third as
bright, with noise, in the middle of a grey picture.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from countenance.calibrate.non_faces import non_face
from countenance.engine import Detector
from countenance.faces import Pixels
from countenance.metrics.statistics.intervals import wilson
from countenance.progress import track
from countenance.redaction import LEAST_SCORE, SURE_SCORE
from countenance.settings import data_folder, load

OF_EACH, NON_FACES = 100, 100
LOWEST = 0.1
THRESHOLDS = (LOWEST, LEAST_SCORE, 0.3, 0.4, 0.5, SURE_SCORE)
SIDE, CANVAS = 40, 240


def small_and_dim(pixels: Pixels, seed: int) -> Pixels:
    """The picture as a far camera sees it at night."""
    random = np.random.default_rng(seed)
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    made = np.full((CANVAS, CANVAS, 3), 60, np.float32)
    at = (CANVAS - SIDE) // 2
    made[at : at + SIDE, at : at + SIDE] = small
    noisy = made / 3 + random.normal(0, 4, made.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def middle_score(detector: Detector, pixels: Pixels, least_side: float) -> tuple[float, int]:
    """The best score over the middle of a picture (0 for none), and how many places count as faces there."""
    finds = detector.spot(pixels, LOWEST)
    over = [
        find.score
        for find in finds
        if abs(find.box.left + find.box.width / 2 - 0.5) < find.box.width / 2
        and abs(find.box.top + find.box.height / 2 - 0.5) < find.box.height / 2
        and min(find.box.width, find.box.height) > least_side
    ]
    return max(over, default=0.0), sum(find.score >= LEAST_SCORE for find in finds)


def shares(scores: list[tuple[str, float]], condition: str) -> list[dict[str, Any]]:
    """Recall of each group with its 95 % interval."""
    by_group: dict[str, list[float]] = defaultdict(list)
    for group, score in scores:
        by_group["all"].append(score)
        by_group[group].append(score)
    rows = []
    for group, own in sorted(by_group.items()):
        hits = sum(score >= LEAST_SCORE for score in own)
        bounds = wilson(hits, len(own))
        rows.append(
            {
                "pictures": condition,
                "perceived group": group,
                "faces": len(own),
                "covered": f"{100 * hits / len(own):.1f} %",
                "95 %": f"{100 * bounds.low:.1f} to {100 * bounds.high:.1f}",
            }
        )
    return rows


def run() -> dict[str, Any]:
    """Measure; takes a quarter of an hour on two cores."""
    settings = load()
    detector = Detector.open_detector(settings.models_cache, settings.detector, threads=settings.threads)
    folder = data_folder(settings) / "fairface"
    with (folder / "labels.csv").open(newline="") as file:
        labelled = list(csv.DictReader(file))
    chosen: dict[str, list[str]] = defaultdict(list)
    for row in labelled:
        group = f"{row['race']}, {row['gender'].lower()}"
        if len(chosen[group]) < OF_EACH:
            chosen[group].append(row["file"])
    todo = [(group, name) for group, names in chosen.items() for name in names]
    plain: list[tuple[str, float]] = []
    dim: list[tuple[str, float]] = []
    for number, (group, name) in enumerate(track(todo, "redaction", len(todo), "pictures")):
        pixels = np.asarray(cv2.imread(str(folder / "images" / name)), np.uint8)
        plain.append((group, middle_score(detector, pixels, 0.2)[0]))
        dim.append((group, middle_score(detector, small_and_dim(pixels, number), 0.03)[0]))
    tight = sorted((folder / "images").glob("*.jpg"))[:400]
    press: list[Path] = sorted((data_folder(settings) / "lfw" / "images").glob("*/*.jpg"))[:400]
    covers = [middle_score(detector, non_face(n, tight, press)[1], 0)[1] for n in range(NON_FACES)]
    thresholds = [
        {
            "least score": least,
            "covered, as they are": f"{100 * np.mean([score >= least for _, score in plain]):.2f} %",
            "covered, small and dim": f"{100 * np.mean([score >= least for _, score in dim]):.2f} %",
        }
        for least in THRESHOLDS
    ]
    return {
        "what": f"Faces of FairFace that a redaction covers, from a score of {LEAST_SCORE} on; detector "
        f"{detector.version}. Labels are how people were perceived.",
        "faces": len(todo),
        "tables": [
            {"title": "Covered, by threshold", "note": f"{len(todo)} faces.", "rows": thresholds},
            {
                "title": "Covered, by perceived group",
                "note": f"From a score of {LEAST_SCORE} on; Wilson's intervals.",
                "rows": shares(plain, "as they are") + shares(dim, "small and dim"),
            },
            {
                "title": "What else is covered",
                "note": "Pictures without a face: clothes, surfaces, shapes, drawn faces, faces cut to pieces.",
                "rows": [
                    {
                        "pictures": NON_FACES,
                        "with a cover": f"{100 * np.mean([n > 0 for n in covers]):.0f} %",
                        "covers a picture": f"{np.mean(covers):.2f}",
                    }
                ],
            },
        ],
    }
