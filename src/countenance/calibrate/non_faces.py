"""Pictures without a face, cut from the evaluation data or generated, to find what a detector takes for a face. Each
kind is something that a camera may see, or that looks like parts of a face: clothes, walls, drawings, and faces cut to
pieces and rearranged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.faces import Pixels

SIDE = 256
"""Side in pixels of the generated pictures."""

Make = Callable[[Path, np.random.Generator], Pixels]
"""Makes a picture without a face from a file with one, which some kinds do not read."""


def pieces(file: Path, rng: np.random.Generator) -> Pixels:
    """A close-cut portrait (FairFace's), in 25 to 49 pieces that are rearranged."""
    picture, number = _read(file), int(rng.integers(5, 8))
    high, wide = picture.shape[0] // number, picture.shape[1] // number
    order = rng.permutation(number * number)
    cut = [picture[r * high : (r + 1) * high, c * wide : (c + 1) * wide] for r, c in np.ndindex(number, number)]
    rows = [np.hstack([cut[i] for i in order[r * number : (r + 1) * number]]) for r in range(number)]
    return np.ascontiguousarray(np.vstack(rows))


def clothes(file: Path, rng: np.random.Generator) -> Pixels:
    """What is below the face in a press photo (LFW's): the middle half of its lowest fifth, enlarged two to four times.
    Nearer the sides other people may be seen.
    """
    picture, factor = _read(file), float(rng.uniform(2, 4))
    height, width = picture.shape[:2]
    below = picture[height * 4 // 5 :, width // 4 : width * 3 // 4]
    return np.asarray(cv2.resize(below, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC), np.uint8)


def surface(file: Path, rng: np.random.Generator) -> Pixels:
    """An empty surface: noise whose power falls with frequency as in photographs (1/f to 1/f^4)."""
    frequency = np.fft.fftfreq(SIDE)
    falling = np.maximum(np.hypot(frequency[:, None], frequency[None]), 1 / SIDE) ** -float(rng.uniform(0.5, 2.0))
    shared, *own = (_field(falling, rng) for _ in range(4))
    mixed = np.dstack([0.8 * shared + 0.2 * channel for channel in own])
    return _bytes(rng.uniform(60, 190, 3) + rng.uniform(15, 60) * mixed)


def shapes(file: Path, rng: np.random.Generator) -> Pixels:
    """Balls, boxes and lines in front of a plain wall, under a camera's grain."""
    picture = np.full((SIDE, SIDE, 3), rng.uniform(0, 255, 3), np.float32)
    for _ in range(int(rng.integers(1, 12))):
        colour, at = _colour(rng), _at(rng, 0, SIDE)
        kind, size = int(rng.integers(3)), int(rng.integers(8, 90))
        if kind == 0:
            cv2.ellipse(picture, at, (size, int(size * rng.uniform(0.5, 1))), rng.uniform(0, 180), 0, 360, colour, -1)
        elif kind == 1:
            cv2.rectangle(picture, at, (at[0] + size, at[1] + int(size * rng.uniform(0.3, 2))), colour, -1)
        else:
            cv2.line(picture, at, _at(rng, 0, SIDE), colour, int(rng.integers(1, 12)))
    return _grainy(picture, rng)


def drawing(file: Path, rng: np.random.Generator) -> Pixels:
    """A face as children draw it: an outline, two eyes, a mouth, sometimes a nose and brows."""
    picture = np.full((SIDE, SIDE, 3), rng.uniform(120, 255, 3), np.float32)
    ink, thick = _colour(rng, 120), int(rng.integers(1, 6))
    x, y = _at(rng, 110, 146)
    wide, high = int(rng.integers(50, 90)), int(rng.integers(60, 100))
    cv2.ellipse(picture, (x, y), (wide, high), 0, 0, 360, _colour(rng) if rng.random() < 0.6 else ink, -1)
    cv2.ellipse(picture, (x, y), (wide, high), 0, 0, 360, ink, thick)
    apart, eye = int(wide * rng.uniform(0.3, 0.5)), int(rng.integers(3, 14))
    for side in (-1, 1):
        cv2.circle(picture, (x + side * apart, y - high // 4), eye, ink, -1 if rng.random() < 0.5 else thick)
        if rng.random() < 0.4:
            brow = y - high // 4 - 2 * eye
            cv2.line(picture, (x + side * apart - eye, brow), (x + side * apart + eye, brow), ink, thick)
    if rng.random() < 0.5:
        cv2.line(picture, (x, y - high // 10), (x, y + high // 8), ink, thick)
    mouth = (int(wide * rng.uniform(0.25, 0.5)), int(high * rng.uniform(0.05, 0.25)))
    cv2.ellipse(picture, (x, y + high // 3), mouth, 0, 0, 180, ink, thick)
    return _grainy(picture, rng)


KINDS: dict[str, Make] = {
    "pieces": pieces,
    "clothes": clothes,
    "surfaces": surface,
    "shapes": shapes,
    "drawings": drawing,
}
"""Every kind by its name."""


def non_face(number: int, tight: Sequence[Path], press: Sequence[Path]) -> tuple[str, Pixels]:
    """The kind and the picture at one number of an endless series, the same at every call. tight, press: files of
    close-cut portraits and of press photos to start from.
    """
    kind = list(KINDS)[number % len(KINDS)]
    files = press if kind == "clothes" else tight
    return kind, KINDS[kind](files[number // len(KINDS) % len(files)], np.random.default_rng([number, 13]))


def _read(file: Path) -> Pixels:
    return np.asarray(cv2.imread(str(file), cv2.IMREAD_COLOR), np.uint8)


def _field(falling: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    waves = falling * (rng.normal(size=falling.shape) + 1j * rng.normal(size=falling.shape))
    field = np.real(np.fft.ifft2(waves))
    return np.asarray((field - field.mean()) / field.std())


def _at(rng: np.random.Generator, low: int, high: int) -> tuple[int, int]:
    return int(rng.integers(low, high)), int(rng.integers(low, high))


def _colour(rng: np.random.Generator, below: int = 256) -> tuple[int, int, int]:
    return int(rng.integers(below)), int(rng.integers(below)), int(rng.integers(below))


def _grainy(picture: NDArray[np.float32], rng: np.random.Generator) -> Pixels:
    soft = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.3, 2.0)))
    return _bytes(np.asarray(soft) + rng.normal(0, rng.uniform(0, 8), picture.shape))


def _bytes(values: NDArray[np.floating]) -> Pixels:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
