"""Turned and leaning faces: what looking which way up they lie costs where they all lie upright, and their roll.

The cost is that of the same engine with and without that look, one picture after the other in turns, from JPEG bytes to
templates. The roll is that of a portrait turned on purpose, less that of the portrait as it is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from statistics import median, quantiles
from typing import Any

import cv2
import numpy as np

from benchmarks.vision_pictures import Workload, photos, workloads
from countenance.engine import Engine
from countenance.engine.detector import named
from countenance.engine.manifest import load_manifests
from countenance.engine.runtime import fastest_precision
from countenance.faces import Pixels
from countenance.settings import Settings, load

ROUNDS, PICTURES = 8, 4
"""How often each picture is looked at, and pictures of a kind at most."""

KINDS = ("250 x 250, 1 face", "1280 x 960, 1 face", "1280 x 960, 10 faces")
"""Workloads of `vision_pictures` that are timed."""

TURNS = (10, 20, 45, 90, 180)
"""Degrees, to both sides."""

PEOPLE = 12
"""Portraits that are turned."""


def run() -> dict[str, Any]:
    """Two tables: cost and roll."""
    settings = load()
    checking, trusting = (_engine(settings, upright) for upright in (True, False))
    costs = [_cost(each, checking, trusting) for each in workloads() if each.title in KINDS]
    rolls = _rolls(checking)
    checking.close()
    trusting.close()
    return {
        "what": (__doc__ or "").split("\n\n")[0],
        "tables": [
            {
                "title": "What it costs on upright pictures to look which way up a face lies",
                "note": f"Milliseconds of processor time from JPEG bytes to templates of all faces, the same engine "
                f"with and without that look, in turns, {ROUNDS} times each picture. Share: median over the pairs of "
                "runs, with the quarter below and above which the rest lie.",
                "rows": costs,
            },
            {
                "title": "Roll of turned and leaning faces",
                "note": f"{PEOPLE} people of LFW, turned by so many degrees both ways; how far the roll that is told "
                "is off, in degrees.",
                "rows": rolls,
            },
        ],
    }


def _engine(settings: Settings, upright: bool) -> Engine:
    manifests = load_manifests(settings.models_dir)
    detector = named(manifests, settings.detector, "detector")
    embedder = named(manifests, settings.model, "embedder")
    if not upright and detector.detection is not None:
        detector = replace(detector, detection=replace(detector.detection, upright=None))
    return Engine(detector, embedder, settings.models_cache, settings.threads, fastest_precision(embedder))


def _cost(workload: Workload, checking: Engine, trusting: Engine) -> dict[str, Any]:
    files = workload.files[:PICTURES]
    with_it: list[float] = []
    without: list[float] = []
    for file in files:  # once beforehand
        _took(checking, file)
        _took(trusting, file)
    for number in range(ROUNDS * len(files)):
        file = files[number % len(files)]
        turn = [(checking, with_it), (trusting, without)]
        for engine, times in turn if number % 2 else turn[::-1]:
            times.append(_took(engine, file))
    shares = [a / b - 1 for a, b in zip(with_it, without, strict=True)]
    low, middle, high = quantiles(shares, n=4)
    row = {
        "pictures": workload.title,
        "runs": len(shares),
        "ms with": round(median(with_it), 2),
        "ms without": round(median(without), 2),
        "more": f"{middle:.1%} ({low:.1%} to {high:.1%})",
    }
    print(row, flush=True)
    return row


def _took(engine: Engine, file: bytes) -> float:
    began = time.process_time()
    picture = engine.look(file)
    engine.embed(picture, picture.faces)
    return 1e3 * (time.process_time() - began)


def turned(pixels: Pixels, degrees: float) -> Pixels:
    """`pixels` turned clockwise by `degrees` on a sheet that holds all of it, edges continued."""
    height, width = pixels.shape[:2]
    side = round(float(np.hypot(height, width)))
    matrix = cv2.getRotationMatrix2D((width / 2 - 0.5, height / 2 - 0.5), -degrees, 1.0)
    matrix[:, 2] += ((side - width) / 2, (side - height) / 2)
    made = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(made, np.uint8)


def _rolls(engine: Engine) -> list[dict[str, Any]]:
    portraits = [
        np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        for photo in photos(PEOPLE)[:PEOPLE]
    ]
    own = [_roll(engine, pixels) for pixels in portraits]
    rows = []
    for degrees in TURNS:
        off: list[float] = []
        asked = 0
        for sign in (1, -1):
            for pixels, before in zip(portraits, own, strict=True):
                if before is None:
                    continue
                asked += 1
                roll = _roll(engine, turned(pixels, sign * degrees))
                if roll is not None:
                    off.append(abs((roll - before - sign * degrees + 180) % 360 - 180))
        row = {
            "turned by, degrees": degrees,
            "found": f"{len(off)} of {asked}",
            "off, median": round(median(off), 1),
            "off, 95 %": round(float(np.quantile(off, 0.95)), 1),
            "off by more than 45": sum(each > 45 for each in off),
        }
        print(row, flush=True)
        rows.append(row)
    return rows


def _roll(engine: Engine, pixels: Pixels) -> float | None:
    """Of the face nearest to the middle, None where there is none near it."""
    near = [(max(abs(f.box.left + f.box.width / 2 - 0.5), abs(f.box.top + f.box.height / 2 - 0.5)), f.pose.roll)
            for f in engine.look_at(pixels).faces]  # fmt: skip
    return min(near)[1] if near and min(near)[0] < 0.15 else None
