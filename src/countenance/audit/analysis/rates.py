"""From rates to shares and back, withheld where too few people stand behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from countenance.audit.formats.shares import Bounds, Share
from countenance.metrics import Interval, Rate, unknown_rate


def rate_of(share: Share) -> Rate:
    """The rate that mathematics takes; an unknown one where numbers are withheld."""
    if share.errors is None or share.trials is None or share.effective_trials is None:
        return unknown_rate(share.reason, share.level)
    freedom = math.inf if share.freedom is None else share.freedom
    people = share.people or 0
    return Rate(share.errors, share.trials, people, share.effective_trials, freedom, share.level, share.method)


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


def bounds(interval: Interval) -> Bounds:
    """`interval` as a record."""
    return Bounds(finite(interval.low), finite(interval.high), interval.level)
