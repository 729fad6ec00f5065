"""Measurements of a face's picture: sharpness, brightness, size. None is about the person."""

from __future__ import annotations

import cv2
import numpy as np

from countenance.faces import Pixels, Quality

HALF_SHARP = 0.35
"""Edges (see `quality`) that give sharpness 50.

The median over the largest face of every 60th image of LFW is 3.8, which gives 92: published answers of Amazon
Rekognition have 80 to 99 for ordinary pictures.
"""

BRIGHTNESS_POWER = 1 / 3
"""So the mean luma of ordinary faces, two fifths of white, gives 75: published answers have 60 to 90."""

STANDARD_CONTRAST, LEAST_CONTRAST = 48.0, 8.0
"""Standard deviations of luma: the one to which a face is stretched, and the least that is still stretched."""


def quality(face: Pixels, size_px: float) -> Quality:
    """The quality of an aligned face, uint8 (112, 112, 3) B, G, R; size_px is passed through.

    brightness: the cube root of mean luma (Rec. 601) as a share of white, 0..100. sharpness: e / (e + 0.35) x 100,
    where e is the mean absolute Laplacian of the luma in grey levels, after a Gaussian of 1 pixel (so that noise is no
    sharpness) and stretched to a standard contrast (so that a dim picture is not called blurred). A face that had to be
    enlarged to 112 x 112 is soft, and is measured as such. Both maps are monotone, so they keep the order of pictures.
    """
    luma = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(luma))
    smooth = cv2.GaussianBlur(luma.astype(np.float32), (5, 5), 1.0)
    edges = cv2.norm(cv2.Laplacian(smooth, cv2.CV_32F), cv2.NORM_L1) / luma.size
    edges *= STANDARD_CONTRAST / max(deviation, LEAST_CONTRAST)
    return Quality(
        sharpness=100.0 * edges / (edges + HALF_SHARP),
        brightness=100.0 * (mean / 255.0) ** BRIGHTNESS_POWER,
        size_px=size_px,
    )
