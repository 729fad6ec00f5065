"""FMR at thresholds that hardly any measured pair of strangers reaches, extrapolated by extreme-value theory.

Peaks over threshold: above a high floor u, scores minus u follow a generalised Pareto distribution (shape xi, scale
sigma) nearly whatever the body looks like. FMR(t) = rate(u) · (1 + xi (t-u)/sigma)^(-1/xi), with rate(u) counted. The
fit is by maximum likelihood, xi > -1/2; its covariance is the sandwich, clustered over both people of every pair (the
dyadic formula of `dyads`), because the largest scores belong to a few people. Intervals come from parameters drawn in
proportion to the likelihood, which is lopsided, and then stretched about the estimate as far as the sandwich asks.

Unless it is given, the floor leaves at most sqrt(trials) scores (200 where that is fewer) and is the lowest of a grid
at which the fit is not rejected (Anderson-Darling, p > 0.1, the null distribution simulated with the fitted shape).
What is extrapolated is marked as such: `horizon` is the FMR below which no count supports the number.

Sources: Pickands 1975 (Ann. Stat. 3) and Balkema and de Haan 1974 (Ann. Prob. 2) for the limit law; Davison and Smith
1990 (J. R. Stat. Soc. B 52) for the method; Grimshaw 1993 (Technometrics 35) for the one-dimensional likelihood;
Chandler and Bate 2007 (Biometrika 94) for stretching a likelihood to the sandwich. ISO/IEC 5152:2024 is the standard
that names extreme-value estimation of FMR from small sets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics.statistics.intervals import Floats, Interval, Rate, check_level
from countenance.metrics.statistics.labels import Codes

FEWEST = 50
"""Scores at or above the floor without which no tail is fitted."""
LOWEST_SHAPE = -0.5
"""Below this the maximum-likelihood fit is not regular, and a fit that ends there is not trusted."""
REGULAR = 1e-3
"""How far above `LOWEST_SHAPE` a shape must lie to be trusted: at the bound itself its variance has no limit."""
SIMULATED = 99
"""Samples of the simulated null distribution of the goodness-of-fit statistic."""
DRAWS = 4000
"""Parameter draws behind an interval."""
METHOD = "generalised Pareto tail, likelihood stretched for shared people"


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """A fitted tail.

    floor: u. rate: FMR at u, counted. shape (xi), scale (sigma) and their covariance, float64 (3, 3), of (ln rate, xi,
    ln sigma). exceedances: scores at or above u. trials: all non-mated comparisons. fit_p: p of the goodness-of-fit
    test at this floor. clustered: whether the covariance knows who the pairs were. draws: float64 (DRAWS, 3),
    plausible values of the same three parameters, behind the intervals.
    """

    floor: float
    rate: Rate
    shape: float
    scale: float
    covariance: Floats
    exceedances: int
    trials: int
    fit_p: float
    level: float
    clustered: bool
    draws: Floats

    @property
    def horizon(self) -> float:
        """FMR below which the numbers are extrapolated: 30 / trials (the rule of 30)."""
        return 30 / self.trials

    @property
    def endpoint(self) -> float:
        """The largest score this tail allows: u - sigma/xi for xi < 0, else infinite."""
        return self.floor - self.scale / self.shape if self.shape < 0 else math.inf

    def fmr(self, threshold: ArrayLike) -> Floats:
        """FMR at thresholds >= floor (same shape); below the floor a `BadRequest`: count there instead."""
        excess = np.asarray(threshold, np.float64) - self.floor
        if not (excess >= 0).all():
            raise BadRequest(f"this tail starts at a threshold of {self.floor:.6g}; count below it")
        return np.asarray(self.rate.estimate * _survival(excess, self.shape, self.scale), np.float64)

    def fmr_interval(self, threshold: float, level: float | None = None) -> Interval:
        """Interval of FMR at one threshold >= floor; level: the tail's own where None."""
        level = check_level(self.level if level is None else level)
        self.fmr(threshold)
        ln_rate, shape, ln_scale = self.draws.T
        draws = np.exp(ln_rate) * _survival(np.full(len(shape), threshold - self.floor), shape, np.exp(ln_scale))
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(low), min(float(high), 1.0), level, METHOD)

    def threshold(self, fmr: ArrayLike) -> Floats:
        """The threshold with that FMR (same shape), for 0 < FMR <= rate(u)."""
        target = np.asarray(fmr, np.float64)
        if not ((target > 0) & (target <= self.rate.estimate * (1 + 1e-12))).all():
            raise BadRequest(f"this tail reaches FMR up to {self.rate.estimate:.3g}, above 0")
        return np.asarray(self.floor + _quantile(target / self.rate.estimate, self.shape, self.scale), np.float64)

    def threshold_interval(self, fmr: float, level: float | None = None) -> Interval:
        """Interval of the threshold with that FMR; level: the tail's own where None."""
        level = check_level(self.level if level is None else level)
        self.threshold(fmr)
        ln_rate, shape, ln_scale = self.draws.T
        draws = self.floor + _quantile(np.minimum(fmr / np.exp(ln_rate), 1.0), shape, np.exp(ln_scale))
        low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
        return Interval(float(low), float(high), level, METHOD)


def fit_tail(
    scores: ArrayLike,
    trials: int,
    people: ArrayLike | None = None,
    *,
    subjects: int | None = None,
    floor: float | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Tail:
    """Fit the tail of non-mated scores.

    scores: (m,) the largest scores, all that lie at or above their minimum (larger is more alike). trials: how many
    comparisons they are the top of. people: int (m, 2), codes of the two people of each score; without them scores are
    taken as independent, and intervals are too narrow where they are not. subjects: how many people all the trials
    involve. floor: u; None chooses it. seed: of the simulated null distribution and of the intervals' draws.

    BadRequest: fewer than `FEWEST` scores at or above the floor, NaN, more scores than trials, all scores equal, or
    scores that end so abruptly that the shape lies at `LOWEST_SHAPE`.
    """
    check_level(level)
    top = np.asarray(scores, np.float64)
    pairs = None if people is None else np.asarray(people, np.int64)
    if top.ndim != 1 or not np.isfinite(top).all():
        raise BadRequest("a tail is fitted to one column of finite scores")
    if pairs is not None and pairs.shape != (len(top), 2):
        raise BadRequest(f"each score belongs to two people: expected ({len(top)}, 2), got {pairs.shape}")
    if not len(top) <= trials:
        raise BadRequest(f"scores are the top of the trials, got {len(top)} scores in {trials} trials")
    if floor is not None:
        kept = top >= floor
        top, pairs = top[kept], None if pairs is None else pairs[kept]
    if len(top) < FEWEST:
        raise BadRequest(f"a tail needs {FEWEST} scores at or above its floor, got {len(top)}")
    ranked = np.sort(top)
    rng = np.random.default_rng(seed)
    if floor is not None:
        u, fit_p = floor, _fit_p(ranked - floor, rng)
    else:
        u, fit_p = _choose_floor(ranked, trials, rng)
        kept = top >= u
        top, pairs = top[kept], None if pairs is None else pairs[kept]
    excess = top - u
    shape, scale = _fit(excess)
    if not _regular(shape):
        raise BadRequest(
            "these scores end too abruptly for a tail: its shape would lie at the bound of what can be fitted"
        )
    base, covariance = _covariance(excess, shape, scale, trials, pairs, subjects)
    share = len(top) / trials
    effective = min((1 - share) / share / float(covariance[0, 0]), float(trials)) if share < 1 else float(trials)
    draws = _draws(excess, shape, scale, math.log(share), base, covariance, rng)
    rate = Rate(len(top), trials, subjects or 0, effective, math.inf, level, "Wilson, effective trials by person")
    return Tail(u, rate, shape, scale, covariance, len(top), trials, fit_p, level, pairs is not None, draws)


def _choose_floor(ranked: Floats, trials: int, rng: np.random.Generator) -> tuple[float, float]:
    """The lowest floor with p > 0.1 among ever smaller shares of the scores; the best p where none has it.

    Floors at which the shape ends at its bound come last.
    """
    best = (float(ranked[-FEWEST]), -1.0)
    count = min(len(ranked), max(4 * FEWEST, math.ceil(math.sqrt(trials))))
    while count >= FEWEST:
        u = float(ranked[len(ranked) - count])
        above = ranked[ranked >= u] - u
        p = _fit_p(above, rng) if _regular(_fit(above)[0]) else -1.0
        if p > 0.1:
            return u, p
        if p > best[1]:
            best = (u, p)
        count = int(count * 0.7)
    return best


def _fit_p(excess: Floats, rng: np.random.Generator) -> float:
    """p of the Anderson-Darling statistic; the null distribution is simulated, 250 scores at most."""
    shape, scale = _fit(excess)
    observed = _anderson_darling(excess, shape, scale)
    size = min(len(excess), 250)
    above = 0
    for _ in range(SIMULATED):
        sample = _quantile(1 - rng.random(size), np.float64(shape), np.float64(1.0))
        above += _anderson_darling(sample, *_fit(sample)) >= observed
    return (above + 1) / (SIMULATED + 1)


def _regular(shape: float) -> bool:
    return shape > LOWEST_SHAPE + REGULAR


def _anderson_darling(excess: Floats, shape: float, scale: float) -> float:
    survival = np.clip(_survival(np.sort(excess), shape, scale), 1e-300, 1 - 1e-16)
    n = len(survival)
    weight = 2 * np.arange(1, n + 1) - 1
    return float(-n - (weight * (np.log1p(-survival) + np.log(survival[::-1]))).sum() / n)


def _fit(excess: Floats) -> tuple[float, float]:
    """Shape and scale by maximum likelihood, over theta = xi/sigma alone: xi(theta) = mean ln(1 + theta·y)."""
    top, mean = float(excess.max()), float(excess.mean())
    if not top > 0 or not mean > 0:
        raise BadRequest("a tail needs scores that differ")

    def loss(theta: float) -> float:
        shape = float(np.log1p(theta * excess).mean())
        if shape < LOWEST_SHAPE:
            return math.inf
        scale = shape / theta if abs(shape) > 1e-9 else mean
        return math.log(scale) + shape

    grid = np.r_[-np.geomspace(1 - 1e-9, 1e-3, 24) / top, np.geomspace(1e-3, 20, 24) / mean]
    if len(excess) < 5000:
        shapes = np.log1p(grid[:, None] * excess).mean(axis=1)
        losses = np.where(shapes < LOWEST_SHAPE, math.inf, np.log(shapes / grid) + shapes)
    else:
        losses = np.array([loss(t) for t in grid])
    best = int(np.argmin(losses))
    bounds = (grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)])
    from scipy.optimize import minimize_scalar  # slow to import, and only this needs it

    minimum = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-10 / mean})
    theta = float(minimum.x) if minimum.fun <= losses[best] else float(grid[best])
    shape = float(np.log1p(theta * excess).mean())
    return (shape, shape / theta) if abs(shape) > 1e-9 else (0.0, mean)


def _covariance(
    excess: Floats, shape: float, scale: float, trials: int, pairs: Codes | None, subjects: int | None
) -> tuple[Floats, Floats]:
    """Covariance of (ln rate, xi, ln sigma) for independent scores, and with people shared (the sandwich)."""
    m = len(excess)
    z = excess / scale
    grown = 1 + shape * z
    by_shape = z * z / 2 - z if abs(shape) < 1e-5 else np.log(grown) / shape**2 - (1 + 1 / shape) * z / grown
    by_scale = (1 + shape) * z / grown - 1
    # expected information of (xi, ln sigma) per exceedance (Smith 1984)
    information = np.array([[2 / ((1 + shape) * (1 + 2 * shape)), 1 / ((1 + shape) * (1 + 2 * shape))],
                            [1 / ((1 + shape) * (1 + 2 * shape)), 1 / (1 + 2 * shape)]])  # fmt: skip
    influence = np.column_stack(
        [np.full(m, 1 / m), np.column_stack([by_shape, by_scale]) @ np.linalg.inv(m * information)]
    )
    alone = influence.T @ influence
    base = np.zeros((3, 3))
    base[0, 0] = 1 / m - 1 / trials  # binomial: (1 - rate) / m
    base[1:, 1:] = np.linalg.inv(m * information)
    total = base
    if pairs is not None:
        _, at = np.unique(np.sort(pairs, axis=1), axis=0, return_inverse=True)
        by_pair = np.column_stack([np.bincount(at.ravel(), c) for c in influence.T])
        names, who = np.unique(pairs, return_inverse=True)
        who = who.reshape(-1, 2)
        by_person = np.column_stack([np.bincount(who[:, 0], c, len(names)) + np.bincount(who[:, 1], c, len(names))
                                     for c in influence.T])  # fmt: skip
        shared = by_person.T @ by_person - by_pair.T @ by_pair
        if subjects:
            shared[0, 0] -= 4 / subjects  # what everybody has on average is no spread
        # how much sharing people inflates each direction, measured; never below independence
        inverse = np.linalg.inv(np.linalg.cholesky(alone))
        values, vectors = np.linalg.eigh(inverse @ shared @ inverse.T)
        root = np.linalg.cholesky(base)
        total = root @ (vectors * np.maximum(values, 1.0)) @ vectors.T @ root.T
    return base, np.asarray((total + total.T) / 2, np.float64)


def _draws(
    excess: Floats,
    shape: float,
    scale: float,
    ln_rate: float,
    base: Floats,
    covariance: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Parameters drawn from the likelihood on a grid of 6 s.d. either way, stretched from `base` to `covariance`."""
    steps = np.linspace(-6, 6, 97)
    root = np.linalg.cholesky(base)
    a, b = (axis.ravel() for axis in np.meshgrid(steps, steps, indexing="ij"))
    near = np.array([shape, math.log(scale)])[:, None] + root[1:, 1:] @ np.vstack([a, b])
    xi, ln_sigma = near
    theta = xi / np.exp(ln_sigma)
    nodes = np.linspace(max(theta.min(), -(1 - 1e-9) / excess.max()), max(theta.max(), 1e-9), 400)
    sums = np.array([np.log1p(t * excess).sum() for t in nodes])
    flat = np.abs(xi) < 1e-6
    total = np.interp(theta, nodes, sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        loglik = -len(excess) * ln_sigma - np.where(flat, excess.sum() / np.exp(ln_sigma), (1 + 1 / xi) * total)
    loglik = np.where((theta <= nodes[0]) | (xi <= LOWEST_SHAPE), -math.inf, loglik)
    weight = np.exp(loglik - loglik.max())
    chosen = rng.choice(len(weight), DRAWS, p=weight / weight.sum())
    jitter = (rng.random((2, DRAWS)) - 0.5) * (steps[1] - steps[0])
    white = np.vstack([rng.standard_normal(DRAWS), np.vstack([a[chosen], b[chosen]]) + jitter])
    centre = np.array([ln_rate, shape, math.log(scale)])
    return np.asarray(centre + (np.linalg.cholesky(covariance) @ white).T, np.float64)


def _survival(excess: Floats, shape: Floats | float, scale: Floats | float) -> Floats:
    """(1 + xi·y/sigma)^(-1/xi), 0 past the endpoint; exp(-y/sigma) at xi = 0."""
    xi = np.asarray(shape, np.float64)
    z = np.asarray(excess, np.float64) / scale
    safe = np.where(np.abs(xi) < 1e-9, 1.0, xi)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.exp(-np.log1p(np.maximum(safe * z, -1.0)) / safe)
    return np.asarray(np.where(np.abs(xi) < 1e-9, np.exp(-z), power), np.float64)


def _quantile(survival: Floats, shape: Floats | float, scale: Floats | float) -> Floats:
    """The excess that a share `survival` of exceedances reaches: sigma/xi · (survival^-xi - 1)."""
    xi = np.asarray(shape, np.float64)
    safe = np.where(np.abs(xi) < 1e-9, 1.0, xi)
    ln = np.log(survival)
    return np.asarray(np.where(np.abs(xi) < 1e-9, -ln * scale, np.expm1(-safe * ln) / safe * scale), np.float64)
