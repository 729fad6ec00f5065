"""Score normalisations that the literature knows, written so that a comparison stays one inner product.

Each is fitted to people that it is not tested on, reads no label at run time, and symmetrises what its source states
for one side. Cohorts here are templates or means of templates; what ships must hold nobody's template.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.picture_quality import SharpnessGuess
from countenance.calibrate.centroids import cohort
from countenance.calibrate.fit_crowding import Mated

Rows = NDArray[np.float32]
Kinds = Sequence[Rows]
"""Templates of each kind of picture, one of a person in each."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TopScores:
    """Mean and standard deviation of a template's `k` highest scores against a cohort (all of it where k is 0)."""

    cohort: Rows
    k: int

    def of(self, vectors: Rows) -> tuple[Numbers, Numbers]:
        means, spreads = [], []
        for start in range(0, len(vectors), 2000):
            scores = vectors[start : start + 2000] @ self.cohort.T
            if 0 < self.k < scores.shape[1]:
                scores = np.partition(scores, scores.shape[1] - self.k, axis=1)[:, -self.k :]
            means.append(scores.mean(axis=1))
            spreads.append(scores.std(axis=1))
        return np.concatenate(means).astype(np.float64), np.concatenate(spreads).astype(np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """score = cosine · (slope_a + slope_b) - offset_a - offset_b: every normalisation below is one of these.

    Subclasses give `terms`: slope and offset of each template. Sides have 2d + 2 columns.
    """

    def terms(self, vectors: Rows) -> tuple[Numbers, Numbers]:
        raise NotImplementedError

    @property
    def identity(self) -> str:
        return type(self).__name__

    @property
    def reserve(self) -> float:
        return 0.0

    def probe_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        slope, offset = self.terms(vectors)
        return np.hstack([vectors * slope[:, None], vectors, -offset[:, None], np.ones((len(vectors), 1))]).astype(
            np.float32
        )

    def gallery_side(self, vectors: Rows, unseen: Rows | None = None) -> Rows:
        slope, offset = self.terms(vectors)
        return np.hstack([vectors, vectors * slope[:, None], np.ones((len(vectors), 1)), -offset[:, None]]).astype(
            np.float32
        )


@dataclass(frozen=True, slots=True, eq=False)
class MeanOnly(Affine):
    """Cosine less the mean of the k highest cohort scores of both sides, averaged."""

    top: TopScores

    def terms(self, vectors: Rows) -> tuple[Numbers, Numbers]:
        mean, _ = self.top.of(vectors)
        return np.full(len(vectors), 0.5), mean / 2


@dataclass(frozen=True, slots=True, eq=False)
class AdaptiveSNorm(Affine):
    """AS-norm (Cumani et al. 2011, Matejka et al. 2017): the mean of both sides' z-scores against their k nearest.

    With k = 0, the whole cohort: symmetrised Z/T-norm, methods M1 and M2 of Linghu et al. (IJCB 2024).
    """

    top: TopScores

    def terms(self, vectors: Rows) -> tuple[Numbers, Numbers]:
        mean, spread = self.top.of(vectors)
        return 0.5 / spread, 0.5 * mean / spread


@dataclass(frozen=True, slots=True, eq=False)
class ClusterNorm(Affine):
    """Terms by the cluster that a template is nearest to, the two sides averaged."""

    centres: Rows
    slope: Numbers
    offset: Numbers

    def terms(self, vectors: Rows) -> tuple[Numbers, Numbers]:
        nearest = np.argmax(vectors @ self.centres.T, axis=1)
        return self.slope[nearest] / 2, self.offset[nearest] / 2


def clusters(kinds: Kinds, wanted: int, seed: int) -> tuple[Rows, list[Numbers]]:
    """Centres of k-means over all kinds of pictures, and the scores of every pair of strangers that has a member in
    each, descending. Pairs are of one kind: a person is in several kinds, once in each.
    """
    centres, _ = cohort(np.vstack(kinds), wanted, seed)
    scores: list[list[Rows]] = [[] for _ in centres]
    for vectors in kinds:
        nearest = np.argmax(vectors @ centres.T, axis=1)
        for c in range(len(centres)):
            own = np.flatnonzero(nearest == c)
            table = vectors[own] @ vectors.T
            others = np.ones(table.shape, bool)
            others[np.arange(len(own)), own] = False
            scores[c].append(table[others])
    return centres, [np.sort(np.concatenate(of))[::-1].astype(np.float64) for of in scores]


def fair_score(kinds: Kinds, wanted: int, seed: int, fmr: float = 1e-3) -> ClusterNorm:
    """Fair score normalisation (Terhörst et al. 2020): shift by the threshold that gives each cluster the FMR."""
    centres, scores = clusters(kinds, wanted, seed)
    thresholds = np.array([s[int(fmr * len(s))] for s in scores])
    return ClusterNorm(centres, np.ones(len(centres)), thresholds)


def faircal(kinds: Kinds, wanted: int, seed: int) -> ClusterNorm:
    """Cluster-conditional calibration after FairCal (Salvador et al. 2022), for data without mated pairs.

    FairCal calibrates the chance of a match per cluster, and averages the two templates' maps. FairFace has one
    picture of each person, so what is calibrated here is -log10 FMR of each cluster, a straight line through its
    tail from FMR 1e-2 to 1e-4, which keeps the score an inner product.
    """
    centres, scores = clusters(kinds, wanted, seed)
    slope, offset = np.empty(len(centres)), np.empty(len(centres))
    for c, s in enumerate(scores):
        rates = np.geomspace(1e-2, 1e-4, 12)
        at = s[np.minimum((rates * len(s)).astype(int), len(s) - 1)]
        line = np.polyfit(at, -np.log10(rates), 1)
        slope[c], offset[c] = line[0], -line[1]
    return ClusterNorm(centres, slope, offset)


def cluster_z(kinds: Kinds, wanted: int, seed: int) -> ClusterNorm:
    """Z-score by the mean and spread of all scores within a cluster.

    Methods M1.2, M2.2 and M3 of Linghu et al. (IJCB 2024), which use demographic groups; here clusters stand for
    them, since no label may be read at run time. Their M4 and M5 need mated pairs of every group, which no data set at
    hand has.
    """
    centres, _ = cohort(np.vstack(kinds), wanted, seed)
    slope, offset = np.empty(len(centres)), np.empty(len(centres))
    for c in range(len(centres)):
        within = [vectors[np.argmax(vectors @ centres.T, axis=1) == c] for vectors in kinds]
        scores = np.concatenate([(own @ own.T)[np.triu_indices(len(own), 1)] for own in within])
        slope[c], offset[c] = 1 / scores.std(), scores.mean() / scores.std()
    return ClusterNorm(centres, slope, offset)


@dataclass(frozen=True, slots=True, eq=False)
class LearnedMap(Affine):
    """A small learned map: log odds of a match, rising in the score, with both sides' cohort statistics and quality.

    weights: of cosine, then of the statistics of `features`: the 20 nearest centroids of a mixed cohort, and how sharp
    the picture seems by its template.
    """

    top: TopScores
    sharpness: SharpnessGuess
    weights: Numbers

    def terms(self, vectors: Rows) -> tuple[Numbers, Numbers]:
        found = features(vectors, self.top, self.sharpness)
        return np.full(len(vectors), self.weights[0] / 2), -(found @ self.weights[1:])


def features(vectors: Rows, top: TopScores, sharpness: SharpnessGuess) -> Numbers:
    mean, spread = top.of(vectors)
    sharp = sharpness.of(vectors)
    return np.column_stack([mean, spread, mean * mean, sharp, mean * sharp])


def learned_map(
    vectors: Rows, group: NDArray[np.str_], press: Rows, mated: Mated, top: TopScores, sharpness: SharpnessGuess
) -> LearnedMap:
    """Logistic regression of mated press pairs against the hardest strangers of each FairFace group."""
    own = features(vectors, top, sharpness)
    theirs = features(press, top, sharpness)
    rows, answer = [], []
    for name in np.unique(group):
        at = np.flatnonzero(group == name)
        i, j = np.triu_indices(len(at), 1)
        cosine = (vectors[at] @ vectors[at].T)[i, j]
        hard = np.argsort(cosine)[-len(cosine) // 100 :]
        rows.append(np.column_stack([cosine[hard], own[at[i[hard]]] + own[at[j[hard]]]]))
        answer.append(np.zeros(len(hard)))
    rows.append(np.column_stack([mated.cosine, theirs[mated.first] + theirs[mated.second]]))
    answer.append(np.ones(len(mated.first)))
    x, y = np.vstack(rows), np.concatenate(answer)
    balance = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean()))

    def loss(w: Numbers) -> tuple[float, Numbers]:
        z = x @ w[:-1] + w[-1]
        value = (np.logaddexp(0, np.where(y == 1, -z, z)) * balance).mean() + 1e-4 * float(w @ w)
        slope = (1 / (1 + np.exp(-z)) - y) * balance / len(y)
        return float(value), np.append(x.T @ slope, slope.sum()) + 2e-4 * w

    start = np.zeros(x.shape[1] + 1)
    start[0] = 10.0
    bounds = [(0.0, None)] + [(None, None)] * (len(start) - 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300})
    return LearnedMap(top, sharpness, np.asarray(found.x[:-1], np.float64))
