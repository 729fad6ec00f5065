"""How much of a face is covered or blurred away, where people are told apart: around the eyes and the mouth.

Dark glasses, masks, hands and strong blur leave hardly any edges there. Strangers who both show nothing in the same
place resemble each other to an embedder, so that the scores of two such faces are lowered
(`countenance.scoring.normaliser`, the reserve).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from countenance.engine.alignment import TARGET_SIDE
from countenance.faces import Pixels

LEAST_EDGES = 0.04
"""Median edges, as a share of the face's mean luma, from which on a part shows all that it can. Of LFW's ordinary
pictures 19 in 20 have more in each part; drawn glasses and masks have less than 0.026.
"""

MOST_UNSEEN = 0.4
"""The share of a face that is unseen where one part shows nothing. This and `LEAST_EDGES` are the least that hold
strangers to one in a thousand at a similarity of 80 in the degraded pictures of 120 people of LFW that they were chosen
on (docs/calibration.md).
"""

_PARTS = ((38.0, 52.0, 18, 12), (73.5, 51.5, 18, 12), (56.0, 92.0, 34, 12))
"""Of a face aligned to 112 x 112: middle (x, y), width and height of both eyes and the mouth."""
_FACE = (slice(40, 104), slice(28, 84))


def unseen(face: Pixels) -> float:
    """The share of an aligned face, uint8 (height, width, 3) B, G, R, that shows nothing, 0..`MOST_UNSEEN`; 0 if eyes
    and mouth can be seen. Edges are taken relative to the face's own brightness, so that darker pictures count alike.
    """
    if face.shape[:2] != (TARGET_SIDE, TARGET_SIDE):
        face = np.asarray(cv2.resize(face, (TARGET_SIDE, TARGET_SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    luma = np.asarray(cv2.GaussianBlur(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY).astype(np.float32), (0, 0), 1.0))
    across, down = (cv2.Sobel(luma, cv2.CV_32F, *order, ksize=3) / 8 for order in ((1, 0), (0, 1)))
    edges = np.hypot(across, down)
    brightness = float(luma[_FACE].mean())
    least = min(float(np.median(_part(edges, *part))) for part in _PARTS)
    return MOST_UNSEEN * float(np.clip(1 - least / max(LEAST_EDGES * brightness, 1e-6), 0.0, 1.0))


def _part(edges: NDArray[np.float32], x: float, y: float, width: int, height: int) -> NDArray[np.float32]:
    return edges[int(y - height / 2) : int(y + height / 2), int(x - width / 2) : int(x + width / 2)]
