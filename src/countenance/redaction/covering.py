"""Covers heads with a few large blocks of mean colour, jittered and blurred, or with one plain colour. Of a head of any
size at most `CELLS` x `CELLS` means remain, margins around the face included, so larger pictures reveal no more. Each
mean is changed by a random amount, so that the same photograph, covered again, does not give the same colours.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Literal

import cv2
import numpy as np

from countenance.faces import BoundingBox, Pixels

Style = Literal["blur", "fill"]
STYLES: tuple[Style, ...] = ("blur", "fill")
"""blur: blocks and blur. fill: one grey, for when nothing at all may remain."""

CELLS = 4
"""The most blocks across and down a head."""
CELL_PX = 8
"""Side of the smallest block: small heads get fewer blocks, at least two each way."""
JITTER = 12
"""The most grey levels by which each mean is raised or lowered at random."""

ASIDE, ABOVE, BELOW = 0.4, 0.5, 0.4
"""How far beyond the face's box the cover reaches, in lengths of the box: over hair, ears and chin."""

_FINE = 16
_GREY = 127


def head(box: BoundingBox) -> BoundingBox:
    """The whole head around the face at `box`, whichever way up it is."""
    side = max(box.width, 0.0)
    return BoundingBox(
        box.left - ASIDE * side,
        box.top - ABOVE * box.height,
        box.width + 2 * ASIDE * side,
        box.height * (1 + ABOVE + BELOW),
    )


def cover(pixels: Pixels, boxes: Iterable[BoundingBox], style: Style = "blur") -> Pixels:
    """A copy of `pixels` in which the heads around the faces at `boxes` are covered."""
    made = pixels.copy()
    height, width = made.shape[:2]
    random = np.random.default_rng(secrets.randbits(64))
    for box in map(head, boxes):
        left, right = max(0, int(box.left * width)), min(width, int(np.ceil((box.left + box.width) * width)))
        top, bottom = max(0, int(box.top * height)), min(height, int(np.ceil((box.top + box.height) * height)))
        if left < right and top < bottom:
            part = made[top:bottom, left:right]
            part[:] = _GREY if style == "fill" else _blocks(part, random)
    return made


def _blocks(part: Pixels, random: np.random.Generator) -> Pixels:
    height, width = part.shape[:2]
    across, down = (max(1, min(side, CELLS, max(2, side // CELL_PX))) for side in (width, height))
    means = cv2.resize(part, (across, down), interpolation=cv2.INTER_AREA).astype(np.int16)
    means += random.integers(-JITTER, JITTER + 1, means.shape, np.int16)
    sheet = np.clip(means, 0, 255).astype(np.uint8).repeat(_FINE, axis=0).repeat(_FINE, axis=1)
    soft = cv2.GaussianBlur(sheet, (0, 0), _FINE / 2)
    return np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)
