"""Student's t without scipy, whose import takes longer than reading a bundle does; the rest of scipy.special on use."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

_TINY = 1e-300
_FAR = 300.0
"""The largest ln t that is looked at: beyond it t * t would overflow."""


def __getattr__(name: str) -> Any:
    """A function of scipy.special, which is imported only when one of them is first used."""
    from scipy import special

    return getattr(special, name)


def student_tail(freedom: float, t: float) -> float:
    """The chance that Student's t with `freedom` > 0 degrees of freedom lies above `t` > 0: 0..0.5."""
    return math.exp(_ln_tail(freedom, t)[0])


@lru_cache(maxsize=65536)
def student_quantile(freedom: float, chance: float) -> float:
    """The value that Student's t stays below with `chance`, 0.5 <= chance < 1; at most e^300.

    Newton's method on ln P(T > t) over ln t, which is concave and falls: it converges from anywhere.
    """
    if chance <= 0.5:
        return 0.0
    ln_t, target = 0.0, math.log(1 - chance)
    for _ in range(60):
        value, slope = _ln_tail(freedom, math.exp(ln_t))
        step = (value - target) / slope
        ln_t = min(ln_t - step, _FAR)
        if abs(step) < 1e-9 or ln_t == _FAR:
            break
    return math.exp(ln_t)


def _ln_tail(n: float, t: float) -> tuple[float, float]:
    """ln P(T > t), and its slope over ln t: the incomplete beta function by whichever of its two fractions is short."""
    ln_density = _ln_scale(n) + math.log(t) - (n + 1) / 2 * math.log1p(t * t / n)  # of ln t
    if t * t * (n + 2) > 3 * n:
        fraction = _fraction(n / 2, 0.5, n / (n + t * t))
        return ln_density + math.log(fraction / n), -n / fraction
    tail = 0.5 - math.exp(ln_density) * _fraction(0.5, n / 2, t * t / (n + t * t))
    return math.log(tail), -math.exp(ln_density) / tail


def _ln_scale(n: float) -> float:
    """ln of Γ((n+1)/2) / Γ(n/2) / √(πn); Stirling's series where two large logarithms would cancel."""
    m = n / 2
    if m < 100:
        return math.lgamma(m + 0.5) - math.lgamma(m) - 0.5 * math.log(math.pi * n)
    return math.log1p(-1 / (8 * m) + 1 / (128 * m**2) + 5 / (1024 * m**3)) - 0.5 * math.log(2 * math.pi)


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function I_x(a, b), by Lentz's method."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, 10_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d or _TINY)
            c = 1 + term / c or _TINY
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
