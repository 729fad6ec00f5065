"""Fit the weights of a `Crowding`, so that different people of every group score alike.

Minimised, over the centres' weights, the strength and one score level per target rate:

- for each set of groups, how far log10 FMR at the levels is off: from the target itself (race and gender together),
  from the groups' own mean (ages), or above a ceiling (degraded pictures, which may match less often but not more),
  counts smoothed by a logistic of width `WIDTH`;
- smooth counts of mated pairs that miss the levels of FMR 1e-3 and 1e-4, women and men weighing the same;
- the squares of the weights (a ridge), so that 300 numbers cannot learn single people.

Labels are read here, when the weights are fitted. The result contains none, and none is read when faces are compared.
Minimised by L-BFGS from the plain crowding (all weights 0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

SHARPNESS = 20.0
RATES = np.array([1e-2, 3e-3, 1e-3, 3e-4, 1e-4])
WIDTH = 0.012
RIDGE = 1e-4
MATED_WEIGHT = 1.0
PLACE = 0.12
"""Of a doubt: so far along its direction that the templates of sharp pictures lie before it, whoever they are of."""
_DOUBT_RIDGE = 3e-3
_MATED_WIDTH = 0.03
_FEWEST = 3.0  # a group with a lower expected count says nothing about a rate
_STARTS = np.array([0.05, 0.10, 0.15, 0.20, 0.25])
_MISSED_AT = (2, 4)  # places in RATES: the levels that mated pairs should pass
_KEPT_FROM = 0.15

Aim = Literal["target", "together", "ceiling"]
"""The aim for a set's rates: the target, their own mean, or at most the target less a margin."""
MARGIN = 0.2
"""How far a ceiling is below the target, in log10 FMR."""

Vectors = NDArray[np.float32]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class ImpostorPairs:
    """The high-scoring pairs of different people within each group, and how many pairs there are in all.

    first, second, group: int32 (p,). cosine: float32 (p,). trials: float64 (g,). aim: for the groups' rates. weight: of
    this set in the loss.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    group: NDArray[np.int32]
    cosine: Vectors
    trials: Numbers
    aim: Aim
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class Mated:
    """Pairs of the same person: first, second int (q,), their cosine (q,) and weight (q,) with mean 1."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    cosine: Numbers
    weight: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Evened:
    """The result of a fit: weights (m,), strength, the scores at which it has `RATES`, its loss and number of steps."""

    weights: Numbers
    strength: float
    levels: Numbers
    loss: float
    steps: int


def impostor_pairs(
    vectors: Vectors,
    rows: NDArray[np.intp],
    labels: NDArray[np.str_],
    *,
    aim: Aim,
    weight: float,
    within: NDArray[np.str_] | None = None,
) -> ImpostorPairs:
    """The pairs within each label among `rows` of `vectors`, one picture per person and label.

    labels: one per row. within: one per row; pairs that differ in it are left out, and the rest counts as one group.
    """
    first, second, group, cosine, trials = [], [], [], [], []
    names = np.unique(labels)
    for code, label in enumerate(names):
        whole = np.flatnonzero(labels == label)
        parts = [whole] if within is None else [whole[within[whole] == w] for w in np.unique(within[whole])]
        number = 0.0
        for part in parts:
            own = rows[part]
            number += len(own) * (len(own) - 1) / 2
            scores = vectors[own] @ vectors[own].T
            i, j = np.nonzero(np.triu(scores > _KEPT_FROM, 1))
            first.append(own[i])
            second.append(own[j])
            group.append(np.full(len(i), code))
            cosine.append(scores[i, j])
        trials.append(number)
    return ImpostorPairs(
        np.concatenate(first).astype(np.int32),
        np.concatenate(second).astype(np.int32),
        np.concatenate(group).astype(np.int32),
        np.concatenate(cosine).astype(np.float32),
        np.array(trials),
        aim,
        weight,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """What offsets (n,) of scores and the levels (t,) at which they should have `RATES` cost: value and gradients.

    margin: how far a ceiling is below the target, in log10 FMR.
    """

    sets: Sequence[ImpostorPairs]
    mated: Mated
    margin: float = MARGIN

    def __call__(self, offset: Numbers, levels: Numbers) -> tuple[float, Numbers, Numbers]:
        """The value, and its derivatives by every offset and level."""
        from countenance.calibrate.soft_counts import add_gradient, soft_counts  # numba is slow to import

        by_offset, by_level = np.zeros(len(offset)), np.zeros(len(levels))
        targets, mated = np.log10(RATES), self.mated
        value = 0.0
        for s in self.sets:
            pairs = (s.first, s.second, s.group, s.cosine, offset.astype(np.float32), levels, WIDTH)
            counts = soft_counts(*pairs, len(s.trials)) + 0.5
            known = s.trials[:, None] * RATES > _FEWEST
            logs = np.where(known, np.log10(counts / np.maximum(s.trials[:, None], 1.0)), 0.0)
            middle = logs.sum(axis=0) / np.maximum(known.sum(axis=0), 1) if s.aim == "together" else targets
            away = (logs - middle) * known
            if s.aim == "ceiling":
                away = np.maximum(away + self.margin * known, 0.0)
            cells = max(int(known.sum()), 1)
            value += s.weight * float((away**2).sum()) / cells
            add_gradient(*pairs, s.weight * 2 * away / cells / np.log(10) / counts, by_offset, by_level)
        weight = MATED_WEIGHT / len(_MISSED_AT) / max(len(mated.cosine), 1)
        for at in _MISSED_AT:
            miss = (levels[at] - mated.cosine + offset[mated.first] + offset[mated.second]) / _MATED_WIDTH
            value += weight * float((np.logaddexp(0, miss) * mated.weight).sum())
            slope = weight * mated.weight / (1 + np.exp(-miss)) / _MATED_WIDTH
            by_level[at] += slope.sum()
            np.add.at(by_offset, mated.first, slope)
            np.add.at(by_offset, mated.second, slope)
        return value, by_offset, by_level


def even(vectors: Vectors, centres: Vectors, loss: Loss, steps: int = 140) -> Evened:
    """Fit weights and strength to `loss`, whose pairs are rows of `vectors` (n, d). centres: (m, d)."""
    near = vectors @ centres.T * np.float32(SHARPNESS)
    m = near.shape[1]

    def whole(z: Numbers) -> tuple[float, Numbers]:
        weights, strength, levels = z[:m], z[m], z[m + 1 :]
        raised = near + weights.astype(np.float32)
        top = raised.max(axis=1, keepdims=True)
        share = np.exp(raised - top)
        total = share.sum(axis=1, keepdims=True)
        crowd = ((np.log(total) + top)[:, 0].astype(np.float64) - np.log(m)) / SHARPNESS
        value, by_offset, by_level = loss(strength * crowd, levels)
        value += RIDGE * float(weights @ weights)
        by_weight = (share / total).T @ by_offset.astype(np.float32) * (strength / SHARPNESS) + 2 * RIDGE * weights
        return value, np.concatenate([by_weight, [by_offset @ crowd], by_level])

    start = np.concatenate([np.zeros(m), [0.5], _STARTS])
    minimum = minimize(whole, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 20})
    return Evened(minimum.x[:m], float(minimum.x[m]), minimum.x[m + 1 :], float(minimum.fun), int(minimum.nit))


@dataclass(frozen=True, slots=True, eq=False)
class Doubted:
    """The result of a fit: direction (d,) of a doubt, and the scores at which there are then `RATES`."""

    direction: Numbers
    levels: Numbers


def doubt(vectors: Vectors, crowding: Numbers, levels: Numbers, loss: Loss, steps: int = 50) -> Doubted:
    """Fit the direction of a `Doubt` to `loss`, beside the offsets `crowding` (n,) that are there already."""
    d = vectors.shape[1]

    def whole(z: Numbers) -> tuple[float, Numbers]:
        direction, levels = z[:d], z[d:]
        unlike = SHARPNESS * ((vectors @ direction.astype(np.float32)).astype(np.float64) - PLACE)
        value, by_offset, by_level = loss(crowding + np.logaddexp(0, unlike) / SHARPNESS, levels)
        by_direction = vectors.T @ (by_offset / (1 + np.exp(-unlike))).astype(np.float32)
        value += _DOUBT_RIDGE * float(direction @ direction)
        return value, np.concatenate([by_direction + 2 * _DOUBT_RIDGE * direction, by_level])

    start = np.concatenate([np.zeros(d), levels])
    x = minimize(whole, start, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 20}).x
    return Doubted(x[:d], x[d:])
