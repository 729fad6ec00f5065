"""How often strangers match at thresholds that hardly any measured pair reaches: extreme-value extrapolation of FMR.

Peaks over threshold: above a high floor u, scores minus u follow a generalised Pareto distribution (shape xi, scale
sigma) nearly whatever the body looks like. FMR(t) = rate(u) · (1 + xi (t-u)/sigma)^(-1/xi), with rate(u) counted. The
fit is by maximum likelihood; its covariance is the sandwich, clustered over both people of every pair (the dyadic
formula of `dyads`), because the largest scores belong to a few people. The floor is the lowest of a grid above which
the fit is not rejected (Anderson-Darling, parametric-bootstrap critical value) unless it is given.

What is extrapolated is marked as such: `horizon` is the FMR below which no count supports the number.

Sources: Pickands 1975 and Balkema and de Haan 1974 (the limit law); Davison and Smith 1990 (J. R. Stat. Soc. B 52,
the method); Coles 2001, ch. 4. ISO/IEC 5152:2024 is the standard that names extreme-value estimation of FMR
from small sets.
"""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from countenance.audit.metrics.intervals import Floats, Interval, Rate


@dataclass(frozen=True, slots=True, eq=False)
class Tail:
    """A fitted tail.

    floor: u. rate: FMR at u, counted. shape (xi), scale (sigma) and their covariance, float64 (3, 3), with ln rate(u)
    first: (ln rate, xi, ln sigma). exceedances: scores at or above u. trials: all non-mated comparisons.
    fit_p: p of the goodness-of-fit test at this floor. horizon: 30 / trials, the FMR that counts alone support.
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

    @property
    def horizon(self) -> float:
        """FMR below which the numbers are extrapolated: 30 / trials (the rule of 30)."""
        raise NotImplementedError

    @property
    def endpoint(self) -> float:
        """The largest score this tail allows: u - sigma/xi for xi < 0, else infinite."""
        raise NotImplementedError

    def fmr(self, threshold: ArrayLike) -> Floats:
        """FMR at thresholds >= floor (same shape); below the floor a `BadRequest`: count there instead."""
        raise NotImplementedError

    def fmr_interval(self, threshold: float, level: float | None = None) -> Interval:
        """Interval of FMR at a threshold: delta method on ln FMR with the clustered covariance."""
        raise NotImplementedError

    def threshold(self, fmr: ArrayLike) -> Floats:
        """The threshold with that FMR (same shape), for FMR <= rate(u)."""
        raise NotImplementedError

    def threshold_interval(self, fmr: float, level: float | None = None) -> Interval:
        """Interval of that threshold: delta method with the clustered covariance."""
        raise NotImplementedError


def fit_tail(
    scores: ArrayLike,
    trials: int,
    people: ArrayLike | None = None,
    *,
    floor: float | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Tail:
    """Fit the tail of non-mated scores.

    scores: (m,) the largest scores, all that lie at or above their minimum (larger is more alike). trials: how many
    comparisons they are the top of. people: (m, 2) codes of the two people of each score; without them scores are
    taken as independent, and the covariance is too small where they are not. floor: u; None chooses it.

    BadRequest: fewer than 50 scores at or above the floor, NaN, or a fit that does not converge.
    """
    raise NotImplementedError
