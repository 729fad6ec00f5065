"""The grid of degradations: pictures of faces made worse in stated ways, each at several strengths. Every function
takes a picture (uint8, B, G, R), the face's place, a strength and a random generator, and returns a picture. Lengths
are shares of the face's width, so that a strength means the same in every picture.

Faces that can hardly be told apart lie together in template space and match each other (Deng et al., "Harnessing
unrecognizable faces", 2023). Wherever this project promises something of degraded pictures, the grid defines them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.faces import DetectedFace, Pixels

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The place of a face, in pixels of its picture. box: left, top, width, height (4,). points: the five (5, 2)."""

    box: Floats
    points: Floats

    @classmethod
    def of(cls, face: DetectedFace, width: int, height: int) -> Place:
        """That of a face found in a picture of that size."""
        size = np.array([width, height], np.float32)
        box = np.array([face.box.left, face.box.top, face.box.width, face.box.height], np.float32) * np.tile(size, 2)
        marks = face.landmarks
        five = (marks.left_eye, marks.right_eye, marks.nose, marks.left_mouth, marks.right_mouth)
        return cls(box, np.array([(point.x, point.y) for point in five], np.float32) * size)

    @property
    def width(self) -> float:
        """Of the face, in pixels."""
        return float(self.box[2])


@dataclass(frozen=True, slots=True)
class Degradation:
    """One cell of the grid: a kind of degradation at a strength, whose meaning the kind's function states."""

    kind: str
    strength: float

    @property
    def name(self) -> str:
        """Such as "blur 0.035"."""
        return f"{self.kind} {self.strength:g}"


Degrade = Callable[[Pixels, Place, float, np.random.Generator], Pixels]


def blur(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Gaussian blur; strength: its standard deviation as a share of the face's width."""
    return _bytes(cv2.GaussianBlur(picture, (0, 0), max(strength * face.width, 0.1)))


def motion(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Blur along a line in a random direction; strength: its length as a share of the face's width."""
    length = max(round(strength * face.width), 2)
    line = np.zeros((length, length), np.float32)
    angle, middle = rng.uniform(0, np.pi), (length - 1) / 2
    along = np.array([np.cos(angle), np.sin(angle)]) * middle
    ends = [tuple(round(v) for v in (middle - s * along[0], middle - s * along[1])) for s in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 1.0)
    return _bytes(cv2.filter2D(picture, -1, line / line.sum()))


def noise(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Gaussian noise on every channel; strength: its standard deviation in grey levels."""
    return _bytes(picture + rng.normal(0, strength, picture.shape))


def dark(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Little light; strength: the share of light that is left. The sensor's noise stays (3 grey levels)."""
    return _bytes(np.round(picture * strength) + rng.normal(0, 3.0, picture.shape))


def infrared(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """The look of an infrared camera: the red channel alone, skin bright and flat, edges dark; strength: 0 to 1."""
    red = picture[..., 2].astype(np.float32) / 255
    flat = cv2.GaussianBlur(red, (0, 0), 0.03 * face.width)
    bright = np.clip(red, 0, 1) ** (1 - 0.55 * strength)
    glow = np.clip(bright + 0.35 * strength * flat, 0, 1)
    grey = 255 * ((1 - 0.5 * strength) * glow + 0.5 * strength * cv2.GaussianBlur(glow, (0, 0), 0.015 * face.width))
    return _bytes(np.repeat((grey + rng.normal(0, 8 * strength, grey.shape))[..., None], 3, axis=2))


def jpeg(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Compression; strength: libjpeg's quality, 1 to 100."""
    content = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(strength)])[1]
    return _bytes(np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR)))


def small(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Few pixels, enlarged again; strength: the width in pixels that the face had."""
    height, width = picture.shape[:2]
    share = min(strength / face.width, 1.0)
    size = max(round(width * share), 2), max(round(height * share), 2)
    shrunk = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return _bytes(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_CUBIC))


def old_print(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """A faded brown photograph with blur, grain and scratches; strength: 0 to 1."""
    grey = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (0, 0), 0.005 + 0.02 * strength * face.width)
    faded = 128 + (np.asarray(grey, np.float32) - 128) * (1 - 0.6 * strength) + 30 * strength
    grain = cv2.GaussianBlur(np.asarray(rng.normal(0, 1, grey.shape), np.float32), (0, 0), 1.0) * 50 * strength
    tinted = (faded + grain)[..., None] * np.array([0.78, 0.92, 1.05], np.float32)
    height, width = grey.shape
    for _ in range(round(10 * strength)):
        ends = (
            (int(rng.integers(width)), int(rng.integers(height))),
            (int(rng.integers(width)), int(rng.integers(height))),
        )
        cv2.line(tinted, *ends, (215.0, 225.0, 230.0), 1)
    return _bytes(np.asarray(tinted))


def sunglasses(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Dark glasses over both eyes; strength: how opaque, 0 to 1."""
    covered = picture.copy()
    left, right = face.points[0], face.points[1]
    across = right - left
    apart, angle = float(np.hypot(*across)), float(np.degrees(np.arctan2(across[1], across[0])))
    for eye in (left, right):
        lens = (round(0.42 * apart), round(0.30 * apart))
        at = (round(float(eye[0])), round(float(eye[1] + 0.05 * apart)))
        cv2.ellipse(covered, at, lens, angle, 0, 360, (18, 18, 18), -1)
    bridge = [(round(float(p[0])), round(float(p[1]))) for p in (left, right)]
    cv2.line(covered, bridge[0], bridge[1], (18, 18, 18), max(round(0.08 * apart), 1))
    return _bytes(picture * (1 - strength) + covered * strength)


def mask(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Nose and mouth covered by a light cloth; strength: where it begins, 0 at the eyes to 1 at the mouth."""
    eyes, mouth = face.points[:2].mean(axis=0), face.points[3:].mean(axis=0)
    down, across = mouth - eyes, face.points[1] - face.points[0]
    top = eyes + (0.25 + 0.5 * strength) * down
    corners = np.array([top - across, top + across, eyes + 2.0 * down + 0.6 * across, eyes + 2.0 * down - 0.6 * across])
    covered = picture.copy()
    shade = int(rng.integers(140, 235))
    cv2.fillConvexPoly(covered, np.round(corners).astype(np.int32), (shade, shade, max(shade - 12, 0)))
    return covered


def half(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """One side of the face covered by something dark; strength: the share of the face's width."""
    covered = picture.copy()
    left, top, width, height = (float(v) for v in face.box)
    edge = left if rng.random() < 0.5 else left + width * (1 - strength)
    start = max(int(edge - (0.2 * width if edge == left else 0)), 0)
    end = int(edge + strength * width + (0 if edge == left else 0.2 * width))
    covered[max(int(top - 0.2 * height), 0) : int(top + 1.2 * height), start : max(end, 0)] = int(rng.integers(20, 60))
    return covered


def cut_off(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """The picture ends within the face, on a random side; strength: the share of the face that is outside."""
    left, top, width, height = (float(v) for v in face.box)
    side = int(rng.integers(4))
    rows, columns = picture.shape[:2]
    if side == 0:
        kept = picture[:, max(int(left + strength * width), 0) :]
    elif side == 1:
        kept = picture[:, : min(int(left + (1 - strength) * width), columns)]
    elif side == 2:
        kept = picture[max(int(top + strength * height), 0) :]
    else:
        kept = picture[: min(int(top + (1 - strength) * height), rows)]
    return np.ascontiguousarray(kept)


def left_cut_off(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """The picture ends within the face, always on its left side; strength: the share of the face that is outside.

    Faces that all lack the same part resemble each other more than faces that lack different parts (`cut_off`).
    """
    left, _, width, _ = (float(v) for v in face.box)
    return np.ascontiguousarray(picture[:, max(int(left + strength * width), 0) :])


def right_cut_off(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """As `left_cut_off`, on the right."""
    left, _, width, _ = (float(v) for v in face.box)
    return np.ascontiguousarray(picture[:, : max(int(left + (1 - strength) * width), 1)])


def top_cut_off(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """As `left_cut_off`, above."""
    _, top, _, height = (float(v) for v in face.box)
    return np.ascontiguousarray(picture[max(int(top + strength * height), 0) :])


def bottom_cut_off(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """As `left_cut_off`, below."""
    _, top, _, height = (float(v) for v in face.box)
    return np.ascontiguousarray(picture[: max(int(top + (1 - strength) * height), 1)])


def tight(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """A portrait cut close; strength: the margin around the face's box as a share of it (below 0: within it)."""
    left, top, width, height = (float(v) for v in face.box)
    rows, columns = picture.shape[:2]
    x0, x1 = max(int(left - strength * width), 0), min(int(left + (1 + strength) * width), columns)
    y0, y1 = max(int(top - strength * height), 0), min(int(top + (1 + strength) * height), rows)
    return np.ascontiguousarray(picture[y0:y1, x0:x1])


def grey(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Without colour; strength: how much of it is gone, 0 to 1."""
    luma = np.repeat(np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY))[..., None], 3, axis=2)
    return _bytes(picture * (1 - strength) + luma * strength)


def grey_blur(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Without colour, then blurred; strength: as of `blur`."""
    return blur(grey(picture, face, 1.0, rng), face, strength, rng)


def grey_sunglasses(picture: Pixels, face: Place, strength: float, rng: np.random.Generator) -> Pixels:
    """Without colour, then behind dark glasses; strength: as of `sunglasses`."""
    return sunglasses(grey(picture, face, 1.0, rng), face, strength, rng)


# of each kind the strengths, mildest first
_KINDS: dict[str, tuple[Degrade, tuple[float, ...]]] = {
    "blur": (blur, (0.02, 0.035, 0.055, 0.08)),
    "motion": (motion, (0.1, 0.18, 0.26)),
    "noise": (noise, (10, 20, 30)),
    "dark": (dark, (0.3, 0.15, 0.07)),
    "infrared": (infrared, (0.5, 1.0)),
    "jpeg": (jpeg, (10, 5, 2)),
    "small": (small, (24, 16, 11)),
    "old print": (old_print, (0.5, 1.0)),
    "sunglasses": (sunglasses, (0.8, 1.0)),
    "mask": (mask, (0.5, 0.0)),
    "half": (half, (0.35, 0.5)),
    "cut off": (cut_off, (0.25, 0.45, 0.5)),
    "left cut off": (left_cut_off, (0.35, 0.5)),
    "right cut off": (right_cut_off, (0.35, 0.5)),
    "top cut off": (top_cut_off, (0.25, 0.4)),
    "bottom cut off": (bottom_cut_off, (0.25, 0.4)),
    "tight": (tight, (0.1, -0.08)),
    "grey": (grey, (1.0,)),
    "grey blur": (grey_blur, (0.035, 0.055, 0.08)),
    "grey sunglasses": (grey_sunglasses, (1.0,)),
}
GRID = tuple(Degradation(kind, strength) for kind, (_, strengths) in _KINDS.items() for strength in strengths)
"""Every cell to which the promises apply."""
HARDER = tuple(Degradation(kind, strength) for kind, (_, each) in _KINDS.items() for strength in each[len(each) > 1 :])
"""The grid without the mildest strength of every kind that has several."""


def degrade(picture: Pixels, face: Place, how: Degradation, rng: np.random.Generator) -> Pixels:
    """`picture` made worse as `how` says."""
    return _KINDS[how.kind][0](picture, face, how.strength, rng)


def _bytes(values: NDArray[np.generic]) -> Pixels:
    return np.clip(np.round(values.astype(np.float32)), 0, 255).astype(np.uint8)
