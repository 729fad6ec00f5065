"""Finds every face of a picture, of any size and any way up. It searches up to four times, each only if it can add
something: the picture at its working size; a quarter of that, for faces that fill the frame; tiles at a larger scale,
for small faces in large pictures, where what was seen there counts and not what was seen blurred; and turned copies, if
no upright face is certain. `turning` then decides which way up each face is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine import turning, yunet
from countenance.engine.manifest import Detection, Manifest, Upright
from countenance.engine.runtime import Network
from countenance.engine.yunet import Found
from countenance.errors import ModelError
from countenance.faces import Pixels

FOUND_PX = 20
"""Width in pixels, at the scale searched, of a face that is nearly always found (docs/models.md)."""

TILE, TILE_STEP = 1280, 128
"""The longest side of a tile in pixels: large tiles share less of the picture with their neighbours. Their sides are
multiples of the second, so that few different sizes occur.
"""

FAINT_PX, FAINT_SCORE = 32, 0.4
"""Small faces score low when found, and well in an enlarged crop: below this width, this score is enough for a closer
search.
"""

HINT_SCORE = 0.1
"""What most small faces score that lie on their side or on their head, where pictures without faces hardly score: from
this on tiles are turned as well, if nothing else was found.
"""

FRAME_PX, CLOSE_UP_PX = 320, 160
"""If the longer side searched exceeds the first number, faces may be too large to be found, so the picture is also
searched at the second (a sixteenth of the work), where faces of up to 1.6 times the frame are found.
"""

TURNED_SCORE = 0.89
"""What a find in a turned copy scores at most, below what tells that a face does not lie sideways: it may lie any way
in the picture, so every turn of it must be looked at."""

SHARED = 0.4
"""Two finds that share more than this part of the smaller box are one face if they are turned differently: a face has
one turn, and people who lie across each other share less.
"""

LEAST_CHECKED = 8
"""Small finds that are checked even where only the largest face is wanted, since the largest of them may be none."""

STEP = 32
"""The tiles' sides and overlaps are multiples of the detector's largest stride."""

NEAR_EDGE = 8
"""A box this near a tile's edge, in pixels, may be of a part of a face."""

Boxes = NDArray[np.float32]

_UNKNOWN = Upright(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
"""For a detector whose manifest says nothing about turned faces: everything it finds counts as upright."""

_NONE = Found(np.empty((0, 4), np.float32), np.empty((0, 5, 2), np.float32), np.empty(0, np.float32))


class Finder:
    """A detector and its ways of searching. Any number of threads may call it."""

    def __init__(self, network: Network, manifest: Manifest, smallest: int) -> None:
        """smallest: width, in pixels of the original, of the smallest face for which large pictures are searched."""
        if manifest.detection is None:
            raise ModelError(f"{manifest.name} is no detector by its manifest")
        self._network, self._how = network, manifest.detection
        self._size = (manifest.input.width, manifest.input.height)
        self._upright = manifest.detection.upright or _UNKNOWN
        self._faint = replace(self._how, min_score=min(FAINT_SCORE, self._how.min_score))
        self._hint = replace(self._how, min_score=min(HINT_SCORE, self._how.min_score))
        self._smallest = smallest

    def wanted(self, width: int, height: int) -> int:
        """The longer side in pixels at which a picture of this size should be searched, at least the working size."""
        longer = max(width, height)
        return max(min(longer, max(self._size)), min(longer, round(longer * FOUND_PX / self._smallest)))

    def find(self, pixels: Pixels, longer: int, most: int) -> Found:
        """The faces in `pixels`, in its pixels, points in the order of an upright face; largest first, at most `most`.

        longer: longer side at which to search for the smallest ones, from `wanted`.
        """
        base = _shrunk(pixels, max(self._size))
        scale = base.shape[1] / pixels.shape[1]
        faces, turns = self._checked(pixels, self._sweep(pixels, base, 0).largest(2 * most))
        hinted = False
        if longer > max(self._size) and _wanted(faces, scale, most):
            small, hinted = self._tiled(pixels, longer)
            faces, turns = self._refined(pixels, scale, (faces, turns), small, most)
        steady = [t == 0 and s >= self._upright.sure_score for t, s in zip(turns, faces.scores, strict=True)]
        others = sorted(set(turns) - {0.0})
        if not any(steady):
            others = sorted({*others, 90.0, 180.0, 270.0})
        for group in (others, [] if len(turns) else [45.0, 135.0, 225.0, 315.0]):
            if group and not (group[0] == 45.0 and len(turns)):
                turned_faces = _merged([self._sweep(pixels, base, t) for t in group], self._faint)
                more, more_turns = self._checked(pixels, turned_faces.largest(2 * most))
                faces, turns = _joined([faces, more]), turns + more_turns
        if longer > max(self._size) and not any(steady):  # the whole picture may lie on its side or on its head
            lying = sorted(set(turns).intersection(turning.QUARTERS) - {0.0})
            for turn in lying or (turning.QUARTERS[1:] if hinted and not turns else []):
                if _wanted(faces, scale, most):
                    small, _ = self._tiled(pixels, longer, turn)
                    faces, turns = self._refined(pixels, scale, (faces, turns), small, most)
        return _apart(faces, turns, self._how).largest(most)

    def every(self, pixels: Pixels, longer: int, most: int, thorough: bool) -> Found:
        """Everything that scores enough in `pixels`, in every quarter turn, tiled or enlarged, unchecked; largest
        first. longer: as for `find`. most: the most that are returned. thorough: tiles in every quarter turn, too.
        """
        base = _shrunk(pixels, max(self._size))
        looks = [self._sweep(pixels, base, degrees) for degrees in turning.QUARTERS]
        height, width = pixels.shape[:2]
        enlarged = min(2.0, max(self._size) / max(height, width))
        if enlarged > 1:  # faces in small pictures are found better if enlarged
            sheet = cv2.resize(
                pixels, (round(width * enlarged), round(height * enlarged)), interpolation=cv2.INTER_CUBIC
            )
            enlarged_faces = self._once(np.asarray(sheet, np.uint8))
            looks.append(enlarged_faces.scaled(width / sheet.shape[1], height / sheet.shape[0]))
        if longer > max(self._size):
            turns = turning.QUARTERS if thorough else turning.QUARTERS[:1]
            looks += [self._tiled(pixels, longer, turn)[0] for turn in turns]
        return _merged(looks, self._how).largest(most)

    def _refined(
        self, pixels: Pixels, scale: float, known: tuple[Found, list[float]], small: Found, most: int
    ) -> tuple[Found, list[float]]:
        """The faces that are `known`, with their turns, and those of `small`, which tiles gave; of a face that is in
        both, what the tiles gave if it was blurred at the working size, which is `scale` times the picture's.
        """
        faces, turns = known
        if not len(small.scores):
            return known
        blurred = _blurred(faces, scale)
        clear = faces.at(~blurred)
        news = _merged([clear, small], self._faint, len(clear.scores))
        checked = news.largest(max(2 * most, LEAST_CHECKED))
        more, more_turns = self._checked(pixels, checked)
        seen = more if len(checked.scores) == len(news.scores) else news.at(news.scores >= self._how.min_score)
        kept = ~(blurred & _seen_in(faces.boxes, seen.boxes))
        turns = [turn for turn, good in zip(turns, kept, strict=True) if good] + more_turns
        return _joined([faces.at(kept), more]), turns

    def _checked(self, pixels: Pixels, faces: Found) -> tuple[Found, list[float]]:
        return turning.upright(pixels, faces, self._crops, self._upright, self._how.min_score)

    def _crops(self, crops: Pixels) -> tuple[Found, NDArray[np.intp]]:
        maps = self._network.run(crops)
        split = [array.reshape(len(crops), -1, array.shape[-1]) for array in maps]
        return yunet.candidates(split, crops.shape[2], self._faint)

    def _sweep(self, pixels: Pixels, base: Pixels, degrees: float) -> Found:
        """The faces in `base` turned upright by `degrees`, at its size and a quarter of it, in pixels of `pixels`."""
        height, width = base.shape[:2]
        across, down = pixels.shape[1] / width, pixels.shape[0] / height
        turned, back = _turned(base, degrees)
        looks = [self._once(turned)]
        if max(turned.shape[:2]) > FRAME_PX:
            quarter = _shrunk(turned, CLOSE_UP_PX)
            large = self._once(quarter)  # small ones are seen better in what it was shrunk from
            large = large.at(large.scores >= self._how.min_score)
            looks.append(large.scaled(turned.shape[1] / quarter.shape[1], turned.shape[0] / quarter.shape[0]))
        found = _merged(looks, self._faint)
        return _turned_back(found, back, degrees).scaled(across, down)

    def _tiled(self, pixels: Pixels, longer: int, degrees: float = 0.0) -> tuple[Found, bool]:
        """The small faces of `pixels` at a scale of `longer` pixels, a tile at a time, each turned by `degrees`, a
        quarter turn or none; in pixels of `pixels`. And whether there is a hint of any.
        """
        fine = _shrunk(pixels, longer)
        height, width = fine.shape[:2]
        # a face FOUND_PX wide at the working size, and half as high again, lies whole in one tile
        overlap = STEP * -(-3 * FOUND_PX * longer // (2 * max(self._size) * STEP))
        looks, hinted = [], False
        down, across = _tile(height, overlap), _tile(width, overlap)
        for top in _starts(height, down, overlap):
            for left in _starts(width, across, overlap):
                tile, back = _turned(np.ascontiguousarray(fine[top : top + down, left : left + across]), degrees)
                seen = self._all(tile, self._hint)
                hinted |= len(seen.scores) > 0
                faces = _turned_back(seen.at(self._good(seen)), back, degrees)
                inside = (faces.boxes[:, 2] <= 1.5 * overlap) & _whole(faces.boxes, (left, top), (across, down), fine)
                shift = np.array([left, top], np.float32)
                boxes = faces.boxes[inside] + np.concatenate((shift, np.zeros(2, np.float32)))
                looks.append(Found(boxes, faces.points[inside] + shift, faces.scores[inside]))
        return _merged(looks, self._faint).scaled(pixels.shape[1] / width, pixels.shape[0] / height), hinted

    def _once(self, picture: Pixels) -> Found:
        """The faces in `picture` as it is: those that score enough, and small ones that might."""
        faces = self._all(picture, self._faint)
        return faces.at(self._good(faces))

    def _all(self, picture: Pixels, how: Detection) -> Found:
        sheet = yunet.padded(picture, max(self._how.strides))
        return yunet.read_maps(self._network.run(sheet[np.newaxis]), sheet.shape[1], how)

    def _good(self, faces: Found) -> NDArray[np.bool_]:
        small = (faces.boxes[:, 2] < FAINT_PX) & (faces.scores >= self._faint.min_score)
        return (faces.scores >= self._how.min_score) | small


def _wanted(faces: Found, scale: float, most: int) -> bool:
    """Whether tiles may add a face that counts: one that is clear at the working size is larger than any of theirs."""
    return most > 1 or bool(_blurred(faces, scale).all())


def _blurred(faces: Found, scale: float) -> NDArray[np.bool_]:
    return np.asarray(faces.boxes[:, 2] * scale < FOUND_PX)


def _turned_back(found: Found, back: NDArray[np.float64], degrees: float) -> Found:
    """What was `found` in a copy turned by `degrees`, as it lies in the picture. back: the (2, 3) matrix to it."""
    if not degrees:
        return found
    points = found.points @ back[:, :2].T + back[:, 2]
    centres = (found.boxes[:, :2] + found.boxes[:, 2:] / 2) @ back[:, :2].T + back[:, 2]
    boxes = [turning.turned_box(c, b[2:], degrees) for c, b in zip(centres, found.boxes, strict=True)]
    scores = np.minimum(found.scores, np.float32(TURNED_SCORE))
    return Found(np.array(boxes, np.float32).reshape(-1, 4), points.astype(np.float32), scores)


def _shrunk(pixels: Pixels, longer: int) -> Pixels:
    height, width = pixels.shape[:2]
    size = yunet.working_size(width, height, (longer, longer))
    return pixels if size == (width, height) else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def _turned(pixels: Pixels, degrees: float) -> tuple[Pixels, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """`pixels` turned counter-clockwise by `degrees` without cutting anything off, and the (2, 3) matrix back."""
    height, width = pixels.shape[:2]
    if degrees == 0:
        return pixels, np.array([[1.0, 0, 0], [0, 1.0, 0]])
    angle = np.deg2rad(degrees)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    size = round(abs(width * cos) + abs(height * sin)), round(abs(width * sin) + abs(height * cos))
    forth = np.array([[cos, sin, 0.0], [-sin, cos, 0.0]])
    forth[:, 2] = (np.array(size) - 1) / 2 - forth[:, :2] @ ((np.array([width, height]) - 1) / 2)
    if degrees % 90 == 0:
        made = np.ascontiguousarray(np.rot90(pixels, round(degrees / 90)))
    else:
        made = np.asarray(cv2.warpAffine(pixels, forth, size, flags=cv2.INTER_LINEAR), dtype=np.uint8)
    return made, np.asarray(cv2.invertAffineTransform(forth))


def _whole(boxes: Boxes, start: tuple[int, int], side: tuple[int, int], picture: Pixels) -> NDArray[np.bool_]:
    """Which of `boxes`, in pixels of a tile, do not reach the edges that it shares with other tiles. The others may be
    parts of faces, which lie whole in a neighbour or are large enough to be found without tiles.
    """
    whole = np.ones(len(boxes), bool)
    for axis in (0, 1):
        low, high = boxes[:, axis], boxes[:, axis] + boxes[:, axis + 2]
        if start[axis] > 0:
            whole &= low >= NEAR_EDGE
        if start[axis] + side[axis] < picture.shape[1 - axis]:
            whole &= high <= side[axis] - NEAR_EDGE
    return whole


def _tile(length: int, overlap: int) -> int:
    """The side of the tiles that cover `length`: as few tiles as `TILE` allows, each as short as that number allows."""
    number = max(1, -(-(length - overlap) // (TILE - overlap)))
    return TILE_STEP * -(-(length + (number - 1) * overlap) // (number * TILE_STEP))


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Where tiles of `side` start so that they cover `length` and share at least `overlap` with their neighbours."""
    if length <= side:
        return [0]
    number = -(-(length - overlap) // (side - overlap))
    return [round(i * (length - side) / (number - 1)) for i in range(number)]


def _seen_in(boxes: Boxes, others: Boxes) -> NDArray[np.bool_]:
    """Which of `boxes` have the middle of one of `others` in them."""
    middles = others[:, :2] + others[:, 2:] / 2
    off = middles[np.newaxis] - boxes[:, np.newaxis, :2]
    inside = np.all((off >= 0) & (off <= boxes[:, np.newaxis, 2:]), axis=2)
    return np.asarray(np.any(inside, axis=1))


def _joined(parts: Sequence[Found]) -> Found:
    return Found(
        np.concatenate([part.boxes for part in parts] or [_NONE.boxes]),
        np.concatenate([part.points for part in parts] or [_NONE.points]),
        np.concatenate([part.scores for part in parts] or [_NONE.scores]),
    )


def _merged(parts: Sequence[Found], how: Detection, before: int = 0) -> Found:
    """`parts` without the weaker of two that overlap. before: how many of the first are known already and left out."""
    whole = _joined(parts)
    if len(parts) == 1 and len(whole.scores) < 2:
        return whole
    ranks = whole.scores.copy()
    ranks[:before] += 2
    kept = yunet.strongest(whole.boxes, ranks, how)
    kept = kept[kept >= before]
    return whole.at(kept)


def _apart(faces: Found, turns: Sequence[float], how: Detection) -> Found:
    """`faces` without the weaker of two that overlap, or that are turned differently and share more than `SHARED`."""
    kept: list[int] = []
    for row in yunet.strongest(faces.boxes, faces.scores, how).tolist():
        if all(turns[row] == turns[other] or _share(faces.boxes[row], faces.boxes[other]) <= SHARED for other in kept):
            kept.append(row)
    return faces.at(np.array(kept, np.intp))


def _share(one: Boxes, other: Boxes) -> float:
    """What two boxes, (4,) each, have in common, as a share of the smaller one: 0..1."""
    sides = np.minimum(one[:2] + one[2:], other[:2] + other[2:]) - np.maximum(one[:2], other[:2])
    return float(np.prod(np.maximum(sides, 0)) / min(np.prod(one[2:]), np.prod(other[2:])))
