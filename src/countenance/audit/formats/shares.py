"""Error rates and intervals as bundles and evidence hold them, made of measured rates and turned back into them.

Whoever only reads records loads no mathematics: `countenance.metrics` is imported where a record becomes a rate again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from countenance.metrics import Interval, Rate


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
    def known(self) -> bool:
        """Whether there is a number."""
        return self.estimate is not None


@dataclass(frozen=True, slots=True)
class Bounds:
    """An interval; a null end is unbounded or unknown."""

    low: float | None
    high: float | None
    level: float


def share(rate: Rate, small_cell: int = 0) -> Share:
    """`rate` as a record; its counts are withheld where fewer than `small_cell` people (or trials) stand behind it."""
    if not rate.known:
        return Share(0, 0, 0, None, None, None, rate.level, None, None, rate.method, rate.reason or "no trials")
    if 0 < (rate.subjects or rate.trials) < small_cell:
        return withheld(small_cell, rate.level)
    interval = rate.interval
    freedom = rate.freedom if math.isfinite(rate.freedom) else None
    return Share(
        rate.errors, rate.trials, rate.subjects or None, rate.estimate, interval.low, interval.high, rate.level,
        rate.effective_trials, freedom, rate.method, rate.reason,
    )  # fmt: skip


def withheld(small_cell: int, level: float = 0.95) -> Share:
    """The record of a rate with too few people behind it to be published."""
    reason = f"withheld: fewer than {small_cell} people"
    return Share(None, None, None, None, None, None, level, None, None, "withheld", reason)


def rate_of(share: Share) -> Rate:
    """The rate behind a record, for computing with it; an unknown rate where its numbers are withheld."""
    from countenance.metrics import Rate, unknown_rate

    if share.errors is None or share.trials is None or share.effective_trials is None:
        return unknown_rate(share.reason, share.level)
    freedom = math.inf if share.freedom is None else share.freedom
    people = share.people or 0
    return Rate(share.errors, share.trials, people, share.effective_trials, freedom, share.level, share.method)


def finite(number: float) -> float | None:
    """`number`, or None where it is NaN or infinite: a record holds finite numbers only."""
    return float(number) if math.isfinite(number) else None


def bounds(interval: Interval) -> Bounds:
    """`interval` as a record."""
    return Bounds(finite(interval.low), finite(interval.high), interval.level)
