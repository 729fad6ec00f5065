"""What can be measured about the picture of a face: sharpness, brightness, size. Nothing here is about the person."""

from __future__ import annotations

import cv2
import numpy as np

from countenance.faces import Pixels, Quality

HALF_SHARP = 8.0
"""Mean absolute Laplacian (grey levels) of an aligned 112 x 112 face that counts as sharpness 50."""


def quality(face: Pixels, size_px: float) -> Quality:
    """The quality of an aligned face, uint8 (112, 112, 3) B, G, R; size_px is passed through.

    brightness: mean luma (Rec. 601) as a share of white, 0..100. sharpness: L / (L + 8) x 100, where L is the mean
    absolute Laplacian of the luma, after the aligned face was stretched to a standard deviation of 48 grey levels (so
    that dim and flat pictures are not called blurred). A face that had to be enlarged to 112 x 112 is soft, and counts
    as such.
    """
    luma = cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(luma))
    edges = float(np.abs(cv2.Laplacian(luma, cv2.CV_16S)).mean()) * 48.0 / max(deviation, 8.0)
    return Quality(sharpness=100.0 * edges / (edges + HALF_SHARP), brightness=mean / 2.55, size_px=size_px)
