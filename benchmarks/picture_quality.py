"""Error rates by how sharp the pictures are: what a normalisation does where faces are blurred.

Thirds of the sharpness that the engine measures. Strangers: FairFace pictures of one third, whoever is in them. The
same person: LFW pairs by the less sharp of the two pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from countenance.calibrate.curve import Impostors
from countenance.calibrate.fit import People, mated_pairs
from countenance.metrics import Rate, tally
from countenance.scoring.normaliser import Normaliser

THIRDS = ("blurred", "middling", "sharp")
Rows = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SharpnessGuess:
    """How sharp a picture was, read from its template alone: ridge regression, in standard deviations.

    The normaliser's seam shows templates only, so a method that is to know quality has to read it there.
    """

    weights: Numbers
    mean: Numbers = field(repr=False)

    def of(self, vectors: Rows) -> Numbers:
        """(n, d) templates to (n,)."""
        return (vectors - self.mean) @ self.weights

    @classmethod
    def fitted(cls, vectors: Rows, sharpness: Numbers, ridge: float = 10.0) -> SharpnessGuess:
        """Fitted to those of `vectors` whose sharpness is known."""
        known = np.isfinite(sharpness)
        x, y = vectors[known].astype(np.float64), sharpness[known]
        mean = x.mean(axis=0)
        x, y = x - mean, (y - y.mean()) / y.std()
        return cls(np.linalg.solve(x.T @ x + ridge * np.eye(x.shape[1]), x.T @ y), mean)


def by_quality(parts: Sequence[tuple[People, Normaliser]], threshold: float) -> dict[str, Any]:
    """FMR and FNMR of each third at `threshold`. Thirds are the same for every method: they are of the pictures."""
    faces = np.concatenate([p.tight.sharpness[np.isfinite(p.tight.sharpness)] for p, _ in parts])
    pairs = [mated_pairs(p.press) for p, _ in parts]
    least = [
        np.minimum(p.press.sharpness[m.first], p.press.sharpness[m.second])
        for (p, _), m in zip(parts, pairs, strict=True)
    ]
    face_cuts, pair_cuts = (np.quantile(x, [1 / 3, 2 / 3]) for x in (faces, np.concatenate(least)))
    fmr, fnmr = {}, {}
    for third, name in enumerate(THIRDS):
        sides = []
        for people, normaliser in parts:
            known = np.isfinite(people.tight.sharpness)
            own = people.tight.vectors[known & (np.digitize(people.tight.sharpness, face_cuts) == third)]
            sides.append((normaliser.probe_side(own), normaliser.gallery_side(own)))
        fmr[name] = Impostors.of(name, sides).counted(threshold).rate()
        fnmr[name] = _misses(parts, pairs, [np.digitize(x, pair_cuts) == third for x in least], threshold)
    return {"fmr": fmr, "fnmr": fnmr}


def _misses(
    parts: Sequence[tuple[People, Normaliser]], pairs: Sequence[Any], wanted: Sequence[Any], threshold: float
) -> Rate:
    missed, person, before = [], [], 0
    for (people, normaliser), mated, rows in zip(parts, pairs, wanted, strict=True):
        probe = normaliser.probe_side(people.press.vectors[mated.first[rows]])
        gallery = normaliser.gallery_side(people.press.vectors[mated.second[rows]])
        missed.append(np.einsum("ij,ij->i", probe, gallery) < threshold)
        codes = np.unique(people.press.person, return_inverse=True)[1] + before
        person.append(codes[mated.first[rows]])
        before = int(codes.max()) + 1
    of = np.concatenate(person)
    return tally(of, of, np.concatenate(missed)).rate()
