"""Templates together with the people they belong to, and the images that gave none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.audit.labelled.people import LabelledPeople
from countenance.audit.labelled.tables import Codes

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What became of every image: failures and quality are results, not missing rows.

    subjects: (images,), row of the people. failed: (images,), bool, no template could be made. unreadable: (images,),
    bool, those of the failed that could not be decoded at all. quality: by name ("sharpness", "brightness",
    "size_px", "confidence"), (images,), float64, NaN where there is no face.
    """

    subjects: Codes
    failed: NDArray[np.bool_]
    unreadable: NDArray[np.bool_]
    quality: dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Templates of labelled people, to be compared all with all.

    subjects: (n,), row of `people`. vectors: (n, d), float32, norm 1. model: sha256 of what made them, where known.
    outcomes: of every image, where the templates were made here. findings: what was wrong with the data.
    images_digest: sha256 over the sorted sha256 of all images, where images were read.
    """

    people: LabelledPeople
    subjects: Codes
    vectors: Vectors
    model: str | None
    outcomes: Outcomes | None
    findings: tuple[str, ...]
    images_digest: str = ""
