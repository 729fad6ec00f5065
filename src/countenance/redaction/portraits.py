"""One face of a picture, for people to look at: cut out, alone, of fixed size, with nothing else of the file."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from countenance.errors import BadRequest
from countenance.faces import BoundingBox, Pixels

SIDE = 512
"""Pixels of a portrait, each way."""
_WIDER = 1.8  # how much wider than the face: hair, ears and neck are compared too
_GREY = 128


def portrait(pixels: Pixels, box: BoundingBox, others: Iterable[BoundingBox] = ()) -> bytes:
    """The face in `box` as a JPEG of 512 x 512 pixels; other faces beside it are covered, outside the picture is grey.

    pixels: the upright picture, uint8 (h, w, 3) in B, G, R. All portraits are made in the same way, so none reveals its
    source.
    """
    square = _square(pixels, box, others)
    way = cv2.INTER_AREA if len(square) > SIDE else cv2.INTER_CUBIC
    good, content = cv2.imencode(
        ".jpg", cv2.resize(square, (SIDE, SIDE), interpolation=way), [cv2.IMWRITE_JPEG_QUALITY, 92]
    )
    assert good, "OpenCV writes JPEG"
    return content.tobytes()


def cut_out(pixels: Pixels, box: BoundingBox, others: Iterable[BoundingBox] = ()) -> bytes:
    """The same square as PNG, pixel by pixel: fit to be searched with."""
    return _png(_square(pixels, box, others))


def cropped(pixels: Pixels, left: float, top: float, right: float, bottom: float) -> bytes:
    """A part of a picture as PNG, pixel by pixel; edges in ratios of its width and height.

    `BadRequest` unless it lies in the picture and has 16 pixels each way.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = round(left * width), round(top * height), round(right * width), round(bottom * height)
    if min(x0, y0) < 0 or x1 > width or y1 > height or min(x1 - x0, y1 - y0) < 16:
        raise BadRequest("a part of a picture lies within it and has at least 16 pixels each way")
    return _png(pixels[y0:y1, x0:x1])


def _square(pixels: Pixels, box: BoundingBox, others: Iterable[BoundingBox] = ()) -> Pixels:
    """The square round the face in `box`, uint8 (n, n, 3)."""
    height, width = pixels.shape[:2]
    shown = pixels.copy()
    for other in others:
        cv2.rectangle(shown, *_corners(other, width, height), (_GREY,) * 3, -1)
    (left, top), (right, bottom) = _corners(box, width, height)
    left, top, right, bottom = max(0, left), max(0, top), min(width, right), min(height, bottom)
    shown[top:bottom, left:right] = pixels[top:bottom, left:right]  # the part that another box overlaps
    side = max(8, round(_WIDER * max(box.width * width, box.height * height)))
    x = round((box.left + box.width / 2) * width - side / 2)
    y = round((box.top + box.height / 2) * height - side / 2)
    square = np.full((side, side, 3), _GREY, np.uint8)
    x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + side), min(height, y + side)
    if x0 < x1 and y0 < y1:
        square[y0 - y : y1 - y, x0 - x : x1 - x] = shown[y0:y1, x0:x1]
    return square


def _png(pixels: Pixels) -> bytes:
    good, content = cv2.imencode(".png", pixels)
    assert good, "OpenCV writes PNG"
    return content.tobytes()


def _corners(box: BoundingBox, width: int, height: int) -> tuple[tuple[int, int], tuple[int, int]]:
    return (
        (round(box.left * width), round(box.top * height)),
        (round((box.left + box.width) * width), round((box.top + box.height) * height)),
    )
