"""Decisions about people: predicted and true classes, or risk scores and outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.audit.labelled.people import LabelledPeople
from countenance.audit.labelled.tables import Codes

NO_ANSWER = "(no answer)"


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Classification results. subjects: (rows,), row of `people`. truth, predicted: (rows,), text.

    clustered: whether rows name their subjects. findings: what was wrong with the data.
    """

    people: LabelledPeople
    subjects: Codes
    truth: NDArray[np.str_]
    predicted: NDArray[np.str_]
    clustered: bool
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Risk scores, one row per person. scores: (rows,), float64, finite. happened: (rows,), bool."""

    people: LabelledPeople
    scores: NDArray[np.float64]
    happened: NDArray[np.bool_]
    findings: tuple[str, ...]
