"""Which size of face is found with which chance, beside OpenCV's YuNet at full resolution, side by side.

The faces are of different people of LFW, scaled so that the box is as wide as the row says, in front of a blurred
backdrop under a sensor's grain. Both detectors are given the same decoded pixels and the same least score.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.vision_peers import OpenCV
from benchmarks.vision_pictures import photos
from countenance.engine import Engine
from countenance.engine.detector import SMALLEST_FACE
from countenance.engine.limits import DEFAULT
from countenance.faces import Pixels
from countenance.metrics import Rate, tally
from countenance.settings import load

WIDTHS = (20, 24, 28, 32, 40, 50, 60, 80, 120, 200)
"""Pixels of the box in the original, a scene of many faces each."""

SCENES = {(4000, 3000): WIDTHS, (8660, 5773): (20, 40)}
"""Which widths are looked for in scenes of so many pixels, 12 and 50 megapixels."""

SHARES = (0.3, 0.5, 0.7, 0.9, 1.15, 1.3, 1.5)
"""Heights of the box in heights of the frame: close-ups of one face each."""

FRAMES = (320, 1200)
"""Sides of the close-ups in pixels."""

IN_A_SCENE, CLOSE_UPS, COARSER = 150, 30, 40
"""Faces of a scene at most, close-ups of each kind, and a setting of COUNTENANCE_SMALLEST_FACE that costs less."""

EVERY = replace(DEFAULT, max_faces=1000)
"""So that no face is left out for being one of too many."""

Boxes = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture of one person, and the box of the face: left, top, width, height in its pixels."""

    pixels: Pixels
    box: Boxes


def run() -> dict[str, Any]:
    """A row for each width and for each close-up, then what a look at each picture takes."""
    settings = load()
    peer = OpenCV(settings.models_cache, shrink=False)
    engines = {
        smallest: Engine.open(
            settings.models_cache,
            settings.detector,
            settings.model,
            threads=settings.threads,
            smallest_face=smallest,
        )
        for smallest in (SMALLEST_FACE, COARSER)
    }
    people = list(portraits(peer))
    scenes = [_scenes(people, width, size, engines, peer) for size, widths in SCENES.items() for width in widths]
    close = [_close_ups(people, share, side, engines[SMALLEST_FACE], peer) for side in FRAMES for share in SHARES]
    for engine in engines.values():
        engine.close()
    return {
        "what": (__doc__ or "").split("\n\n")[0],
        "tables": [
            {
                "title": "Faces of large pictures, by the width of the box in the original",
                "note": f"Each face is of another person; found: a box whose middle is in the true one, half to twice "
                f"as wide. 95 % intervals. Ours at COUNTENANCE_SMALLEST_FACE={SMALLEST_FACE}, the default, and at "
                f"{COARSER}; OpenCV's FaceDetectorYN at full resolution, same weights and least score. Seconds of wall "
                "clock for one picture.",
                "rows": scenes,
            },
            {
                "title": "Faces that fill the frame, by the height of the box in heights of the frame",
                "note": f"Square crops of {CLOSE_UPS} portraits of LFW, enlarged; of a face beyond 1 the rest is cut.",
                "rows": close,
            },
        ],
    }


def portraits(peer: OpenCV, number: int = 160) -> Iterator[Portrait]:
    """Portraits of LFW in which OpenCV finds the face in the middle, at their own size."""
    for photo in photos(number):
        pixels = np.asarray(cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR), np.uint8)
        rows = peer.faces(pixels)[:, :4]
        middle = np.abs(rows[:, :2] + rows[:, 2:] / 2 - np.array(pixels.shape[1::-1]) / 2).max(axis=1)
        if len(rows) and middle.min() < 30:
            yield Portrait(pixels, rows[int(middle.argmin())])


def found(true: Boxes, seen: Boxes) -> NDArray[np.bool_]:
    """Which of `true` (n, 4) are among `seen` (m, 4): the middle inside, half to twice as wide."""
    if not len(seen):
        return np.zeros(len(true), bool)
    middle = (seen[:, :2] + seen[:, 2:] / 2)[None]
    inside = ((middle > true[:, None, :2]) & (middle < (true[:, :2] + true[:, 2:])[:, None])).all(axis=2)
    wide = seen[None, :, 2] / true[:, None, 2]
    return np.asarray((inside & (wide > 0.5) & (wide < 2)).any(axis=1))


def scene(people: Sequence[Portrait], width: float, size: tuple[int, int], seed: int) -> tuple[Pixels, Boxes]:
    """A picture of `size` with as many faces of that width as a grid of it holds, and their boxes."""
    rng = np.random.default_rng(seed)
    scale = [width / float(p.box[2]) for p in people]
    side = max(round(p.pixels.shape[0] * s) for p, s in zip(people, scale, strict=True))
    columns, rows = size[0] // (side + 2), size[1] // (side + 2)
    number = min(len(people), columns * rows)
    cells = rng.permutation(columns * rows)[:number]
    drop = cv2.resize(people[0].pixels, (48, 36), interpolation=cv2.INTER_AREA)
    sheet = np.asarray(cv2.resize(cv2.GaussianBlur(drop, (0, 0), 5), size, interpolation=cv2.INTER_CUBIC), np.uint8)
    boxes = []
    for person, factor, cell in zip(people, scale, cells.tolist(), strict=False):
        left, top = cell % columns * (size[0] // columns), cell // columns * (size[1] // rows)
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        made = cv2.resize(person.pixels, None, fx=factor, fy=factor, interpolation=how)
        sheet[top : top + made.shape[0], left : left + made.shape[1]] = made
        boxes.append(person.box * factor + np.array([left, top, 0, 0]))
    grain = rng.integers(-4, 5, (*size[::-1], 1), dtype=np.int16)
    return np.asarray(np.clip(sheet.astype(np.int16) + grain, 0, 255), np.uint8), np.array(boxes, np.float32)


def close_up(person: Portrait, share: float, side: int) -> tuple[Pixels, Boxes]:
    """A square of `side` pixels whose height the face's box fills to `share`, and its box."""
    x, y = (person.box[:2] + person.box[2:] / 2).tolist()
    scale = side * share / float(person.box[3])
    matrix = np.array([[scale, 0, side / 2 - scale * x], [0, scale, side / 2 - scale * y]])
    made = cv2.warpAffine(person.pixels, matrix, (side, side), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    width, height = (person.box[2:] * scale).tolist()
    return np.asarray(made, np.uint8), np.array([[(side - width) / 2, (side - height) / 2, width, height]], np.float32)


def ours(engine: Engine, pixels: Pixels) -> Boxes:
    """The boxes that the engine gives, in pixels."""
    height, width = pixels.shape[:2]
    rows = [(f.box.left * width, f.box.top * height, f.box.width * width, f.box.height * height)
            for f in engine.look_at(pixels, EVERY).faces]  # fmt: skip
    return np.array(rows, np.float32).reshape(-1, 4)


def _scenes(
    people: Sequence[Portrait], width: int, size: tuple[int, int], engines: dict[int, Engine], peer: OpenCV
) -> dict[str, Any]:
    pixels, boxes = scene(people[:IN_A_SCENE], width, size, width)
    row: dict[str, Any] = {"megapixels": round(size[0] * size[1] / 1e6), "width, px": width, "faces": len(boxes)}
    times: dict[str, float] = {}
    for smallest, engine in engines.items():
        began = time.perf_counter()
        seen = ours(engine, pixels)
        times[f"s, ours at {smallest}"] = time.perf_counter() - began
        row[f"ours at {smallest}"] = share_found(found(boxes, seen))
    began = time.perf_counter()
    seen = peer.faces(pixels)[:, :4]
    times["s, OpenCV"] = time.perf_counter() - began
    row["OpenCV, full resolution"] = share_found(found(boxes, seen))
    print(row, times, flush=True)
    return row | times


def _close_ups(people: Sequence[Portrait], share: float, side: int, engine: Engine, peer: OpenCV) -> dict[str, Any]:
    hits: dict[str, list[bool]] = {"ours": [], "OpenCV, full resolution": []}
    for person in people[:: max(1, len(people) // CLOSE_UPS)][:CLOSE_UPS]:
        pixels, box = close_up(person, share, side)
        hits["ours"].append(bool(found(box, ours(engine, pixels))[0]))
        hits["OpenCV, full resolution"].append(bool(found(box, peer.faces(pixels)[:, :4])[0]))
    row: dict[str, Any] = {"frame, px": side, "height of the face, frames": share}
    row |= {name: share_found(np.array(each)) for name, each in hits.items()}
    print(row, flush=True)
    return row


def share_found(hit: NDArray[np.bool_]) -> str:
    """A share with its interval and counts, as text."""
    unit = np.arange(len(hit))
    return told(tally(unit, unit, hit).rate())


def told(rate: Rate) -> str:
    """A rate with its interval and counts, in per cent."""
    i = rate.interval
    return f"{rate.estimate:.1%} ({i.low:.1%} to {i.high:.1%}; {rate.errors} of {rate.trials})"
