"""The picture of Eileen Collins that scikit-image brings along: one face, looking into the camera."""

import numpy as np
import skimage.data

from countenance.faces import Pixels

ASTRONAUT: Pixels = np.ascontiguousarray(
    skimage.data.astronaut()[..., ::-1],  # type: ignore[no-untyped-call]  # scikit-image has no types here
)
"""512 x 512."""
