"""Which way a face lies: crops of it, turned, put to the detector, which scores the upright one highest.

A detector that never saw a face upside down finds it all the same, and draws upright points on it. What tells is the
score: of the quarter turns of one crop the upright one wins. So every face whose score is not already beyond any that a
turned face reaches is looked at in small crops, a few thousand pixels each: upright and upside down where its score is
beyond that of faces that lie sideways; else, or where that does not tell, in every eighth of a turn. What that leaves
open is settled by the mean score of each quarter turn over crops of several sizes. Where a crop reaches beyond the
picture, the picture's edges are continued: with black there a face larger than the picture was hard to tell from one
upside down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine.alignment import TARGET, similarity
from countenance.engine.manifest import Upright
from countenance.engine.yunet import Found
from countenance.faces import Pixels

HALVES = (0.0, 180.0)
QUARTERS = (0.0, 90.0, 180.0, 270.0)
DIAGONALS = (45.0, 135.0, 225.0, 315.0)

SMALL, LARGE, WIDE, FINE = (64, 1.6), (128, 1.5), (128, 2.0), (256, 1.4)
"""Side of a crop in pixels, and in lengths of the longer side of the face's box."""

LEANING, STRAIGHT, STRAIGHTENINGS = 6.0, 1.5, 2
"""Degrees of lean from which a face is looked at again, turned upright and enlarged; degrees that then count as
upright; and the most such looks. Of a face 90 pixels wide the points lean by a third of what the face does, of one of
180 pixels by three quarters.
"""

_AT_ONCE = 32

Detect = Callable[[Pixels], tuple[Found, NDArray[np.intp]]]
"""Faces in (n, side, side, 3), whatever their score above a low one and however they overlap; and in which of n."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A face in the picture turned upright by `degrees`: box (4,), points (5, 2), score, lean."""

    degrees: float
    box: NDArray[np.float32]
    points: NDArray[np.float32]
    score: float
    lean: float


@dataclass(frozen=True, slots=True)
class _Cut:
    """A square crop of `pixels`: of side `side` around (x, y), turned by `degrees`, scaled to `size`."""

    x: float
    y: float
    side: float
    size: int
    degrees: float

    def matrix(self) -> NDArray[np.float64]:
        """(2, 3), from the picture to the crop."""
        scale, angle = self.size / self.side, math.radians(self.degrees)
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        middle = (self.size - 1) / 2
        return np.array(
            [[cos, sin, middle - cos * self.x - sin * self.y], [-sin, cos, middle + sin * self.x - cos * self.y]]
        )

    def pixels(self, picture: Pixels) -> Pixels:
        """The crop, (size, size, 3); the picture's edges are continued where it ends."""
        matrix, source = self.matrix(), picture
        factor = int(self.side / self.size)
        if factor > 1:  # warpAffine reads only four pixels for each that it writes, so shrink by averages first
            reach = self.side * 0.75 + factor
            left, top = max(0, int(self.x - reach)), max(0, int(self.y - reach))
            part = picture[top : int(self.y + reach) + 1, left : int(self.x + reach) + 1]
            if min(part.shape[:2]) >= factor:
                height, width = part.shape[0] // factor, part.shape[1] // factor
                whole = part[: height * factor, : width * factor]
                source = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
                shift = np.array([left, top]) + (factor - 1) / 2
                matrix[:, 2] += matrix[:, :2] @ shift
                matrix[:, :2] *= factor
        size, edge = (self.size, self.size), cv2.BORDER_REPLICATE
        return np.asarray(cv2.warpAffine(source, matrix, size, flags=cv2.INTER_LINEAR, borderMode=edge), np.uint8)

    def back(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points of the crop, (..., 2), in the picture."""
        scale, angle = self.side / self.size, math.radians(self.degrees)
        cos, sin = scale * math.cos(angle), scale * math.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]])
        return np.asarray((points - (self.size - 1) / 2) @ turn + np.array([self.x, self.y]))

    def seen(self, faces: Found, row: int) -> _Seen:
        """The face in this row of `faces`, which is of this crop."""
        box = faces.boxes[row]
        return _Seen(
            self.degrees,
            turned_box(self.back(box[:2] + box[2:] / 2), box[2:] * (self.side / self.size), self.degrees),
            self.back(faces.points[row]).astype(np.float32),
            float(faces.scores[row]),
            roll(faces.points[row]),
        )


def roll(points: NDArray[np.floating]) -> float:
    """Degrees, -180..180, clockwise, by which five points are turned from upright."""
    across = similarity(points, TARGET)
    return -math.degrees(math.atan2(across[1, 0], across[0, 0]))


def turned_box(centre: NDArray[np.floating], size: NDArray[np.floating], degrees: float) -> NDArray[np.float32]:
    """The upright box around an ellipse with axes `size`, turned by `degrees`: left, top, width, height."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    width, height = float(size[0]), float(size[1])
    across, down = math.hypot(width * cos, height * sin), math.hypot(width * sin, height * cos)
    return np.array([centre[0] - across / 2, centre[1] - down / 2, across, down], dtype=np.float32)


def upright(
    pixels: Pixels, candidates: Found, detect: Detect, how: Upright, min_score: float
) -> tuple[Found, list[float]]:
    """The `candidates` that are confirmed as faces in one of their turns, with its points; and those turns.
    candidates: in pixels of `pixels`. An upright face keeps its box and points, and its score if that is enough.
    The turns are degrees, multiples of 45, and 0 for a face that was not turned.
    """
    unclear = [i for i in range(len(candidates.scores)) if not candidates.scores[i] >= how.clear_score]
    seen: dict[int, _Seen | None] = {}
    likely = [i for i in unclear if candidates.scores[i] >= how.likely_score]  # these lie upright or upside down
    cuts = [_around(candidates.boxes[i], SMALL) for i in likely]
    for i, turns in zip(likely, _look(pixels, cuts, HALVES, detect), strict=True):
        best, lead = _best(turns, 1)
        if best and best.degrees == 0 and best.score >= how.sure_score and lead >= how.sure_margin:
            seen[i] = best
    open_ = [i for i in unclear if i not in seen]
    looks: dict[int, list[_Seen]] = {i: [] for i in open_}
    for views, size in enumerate((LARGE, WIDE, FINE), 1):
        around = {i: _around(candidates.boxes[i], size) for i in open_}
        for i, turns in zip(open_, _look(pixels, list(around.values()), QUARTERS, detect), strict=True):
            looks[i] += turns
        if size is LARGE:  # a face that lies askew shows in quarter turns as well, and any of them may lead
            shown = [i for i in open_ if looks[i]]
            for i, turns in zip(shown, _look(pixels, [around[i] for i in shown], DIAGONALS, detect), strict=True):
                looks[i] += turns
        for i in open_:
            best, lead = _best(looks[i], views)
            odd = best is not None and best.degrees != 0 and best.score < how.turned_score
            seen[i] = None if odd or lead < how.turned_margin else best
        open_ = [i for i in open_ if seen[i] is None and candidates.scores[i] >= how.sure_score]
    kept: list[_Seen] = []
    for i in range(len(candidates.scores)):
        own = _Seen(
            0.0, candidates.boxes[i], candidates.points[i], float(candidates.scores[i]), roll(candidates.points[i])
        )
        face = seen.get(i, own)
        if face is not None and face.degrees == 0:
            face = replace(own, score=own.score if own.score >= min_score else face.score)
        if face is not None and (face.degrees != 0 or abs(face.lean) >= LEANING):
            face = _straightened(pixels, face, detect)
        if face is not None and face.score >= min_score:
            kept.append(face)
    if not kept:
        return Found(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32)), []
    faces = Found(
        np.stack([face.box for face in kept]),
        np.stack([face.points for face in kept]).astype(np.float32),
        np.array([face.score for face in kept], np.float32),
    )
    return faces, [45.0 * round(face.degrees / 45.0) % 360 for face in kept]


def _straightened(pixels: Pixels, face: _Seen, detect: Detect) -> _Seen:
    """`face` as found in a larger crop that is turned so that the face is straight, if it is found there. The points of
    a leaning face lean less than the face itself, so this is repeated while a lean remains.
    """
    for _ in range(STRAIGHTENINGS):
        if abs(face.lean) < STRAIGHT:
            break
        x, y = (face.box[:2] + face.box[2:] / 2).tolist()
        side = max(float(max(face.box[2:])), 1.0) * FINE[1]
        cut = _Cut(x, y, side, FINE[0], face.degrees + face.lean)
        again = _seen([cut], [cut.pixels(pixels)], detect)[0]
        if again is None or again.score < min(face.score, 0.9) - 0.05 or not _alike(again.box, face.box):
            break
        face = again
    return face


def _look(pixels: Pixels, cuts: list[_Cut], turns: Sequence[float], detect: Detect) -> list[list[_Seen]]:
    """For each of `cuts`, its face in each of `turns`, right angles apart, in which one is found."""
    jobs = [replace(cut, degrees=turn) for cut in cuts for turn in turns]
    seen: list[_Seen | None] = []
    step = max(1, _AT_ONCE // len(turns)) * len(turns)
    for start in range(0, len(jobs), step):
        part = jobs[start : start + step]
        sheets: list[Pixels] = []
        for number, job in enumerate(part):
            at = number % len(turns)  # the first crop's pixels are turned, in place of reading the picture again
            quarters = round((turns[at] - turns[0]) / 90)
            sheets.append(np.rot90(sheets[-at], quarters) if at else job.pixels(pixels))
        seen += _seen(part, sheets, detect)
    width = len(turns)
    return [[s for s in seen[i : i + width] if s is not None] for i in range(0, len(seen), width)]


def _seen(cuts: Sequence[_Cut], crops: Sequence[Pixels], detect: Detect) -> list[_Seen | None]:
    """The best face in the middle of each of the `crops`, or none; crops of one size."""
    faces, which = detect(np.ascontiguousarray(np.stack(crops)))
    size = cuts[0].size
    centre = faces.boxes[:, :2] + faces.boxes[:, 2:] / 2
    middle = (np.abs(centre - size / 2) < size / 5).all(axis=1) & (faces.boxes[:, 2:].max(axis=1) > size / 4)
    best: dict[int, int] = {}
    for row in np.flatnonzero(middle)[np.argsort(faces.scores[middle], kind="stable")].tolist():
        best[int(which[row])] = row
    return [cut.seen(faces, best[i]) if i in best else None for i, cut in enumerate(cuts)]


def _best(seen: list[_Seen], views: int) -> tuple[_Seen | None, float]:
    """The face in the turn whose mean score over so many views is the highest, and by how much that leads the means of
    turns a right angle or more away.
    """
    total: dict[float, float] = {}
    for face in seen:
        total[face.degrees] = total.get(face.degrees, 0.0) + face.score
    best = max(seen, key=lambda face: (total[face.degrees], face.score), default=None)
    if best is None:
        return None, 0.0
    rest = max((score for turn, score in total.items() if _apart(turn, best.degrees) >= 90), default=0.0)
    return best, (total[best.degrees] - rest) / views


def _alike(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether two boxes are of nearly the same size: edges that were continued may look like more of the face."""
    ratios = one[2:] / other[2:]
    return bool((ratios > 0.75).all() and (ratios < 1.33).all())


def _apart(one: float, other: float) -> float:
    """Degrees between two turns, 0..180."""
    return abs((one - other + 180) % 360 - 180)


def _around(box: NDArray[np.float32], size: tuple[int, float]) -> _Cut:
    """The crop of this size (`SMALL`, `LARGE`) around a face."""
    side = float(max(box[2:])) * size[1]
    return _Cut(float(box[0] + box[2] / 2), float(box[1] + box[3] / 2), side, size[0], 0.0)
