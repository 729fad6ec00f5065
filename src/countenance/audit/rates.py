"""Error rates as a bundle holds them: counts and intervals, withheld where too few people stand behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from countenance.audit.metrics import Interval, Rate, unknown_rate


@dataclass(frozen=True, slots=True)
class Share:
    """Errors among trials and what is known about the rate. Numbers are null where nothing can be told: see reason."""

    errors: int | None
    trials: int | None
    people: Annotated[int | None, "different people involved; null where not known or withheld"]
    estimate: Annotated[float | None, "errors / trials, 0..1"]
    low: Annotated[float | None, "lower bound at `level`"]
    high: Annotated[float | None, "upper bound at `level`"]
    level: Annotated[float, "confidence, 0..1"]
    effective_trials: Annotated[float | None, "independent trials that would tell as much"]
    freedom: Annotated[float | None, "degrees of freedom of the variance; null: unbounded"]
    method: str
    reason: Annotated[str, "why there is no number; empty where there is one"] = ""

    @property
    def rate(self) -> Rate:
        """The rate that mathematics takes; an unknown one where numbers are withheld."""
        if self.errors is None or self.trials is None or self.effective_trials is None:
            return unknown_rate(self.reason, self.level)
        freedom = math.inf if self.freedom is None else self.freedom
        people = self.people or 0
        return Rate(self.errors, self.trials, people, self.effective_trials, freedom, self.level, self.method)

    @property
    def known(self) -> bool:
        """Whether there is a number."""
        return self.estimate is not None


def share(rate: Rate, small_cell: int = 0) -> Share:
    """`rate` as a record; its counts are withheld where fewer than `small_cell` people stand behind it."""
    if not rate.known:
        return Share(0, 0, 0, None, None, None, rate.level, None, None, rate.method, rate.reason or "no trials")
    if 0 < rate.subjects < small_cell:
        return withheld(small_cell, rate.level)
    interval = rate.interval
    freedom = rate.freedom if math.isfinite(rate.freedom) else None
    return Share(
        rate.errors, rate.trials, rate.subjects or None, rate.estimate, interval.low, interval.high, rate.level,
        rate.effective_trials, freedom, rate.method, rate.reason,
    )  # fmt: skip


def withheld(small_cell: int, level: float = 0.95) -> Share:
    """The record of a rate that too few people stand behind."""
    reason = f"withheld: fewer than {small_cell} people"
    return Share(None, None, None, None, None, None, level, None, None, "withheld", reason)


def pooled(rates: Sequence[Rate]) -> Rate:
    """The rate of several rates over disjoint people, taken together.

    With the pooled p, Var = p(1-p) · sum(n_i² / e_i) / (sum n_i)², e_i the effective trials, so the pooled effective
    number is (sum n_i)² / sum(n_i² / e_i).
    """
    known = [rate for rate in rates if rate.known]
    if not known:
        return unknown_rate("no trials", rates[0].level if rates else 0.95)
    trials = sum(rate.trials for rate in known)
    effective = trials**2 / sum(rate.trials**2 / rate.effective_trials for rate in known)
    return Rate(
        sum(rate.errors for rate in known),
        trials,
        sum(rate.subjects for rate in known),
        effective,
        sum(rate.freedom for rate in known),
        known[0].level,
        known[0].method,
    )


def finite(number: float) -> float | None:
    """`number`, or None where it is NaN or infinite: a record holds finite numbers only."""
    return float(number) if math.isfinite(number) else None


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval; a null end is unbounded or unknown."""

    low: float | None
    high: float | None
    level: float


def bounds(interval: Interval) -> Bounds:
    """`interval` as a record."""
    return Bounds(finite(interval.low), finite(interval.high), interval.level)
