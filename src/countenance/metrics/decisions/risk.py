"""Risk scores by group, as in ProPublica's study of COMPAS.

Who is wrongly called high risk, and why no score can satisfy every definition of fairness.

Sources: Angwin, Larson, Mattu and Kirchner 2016 (ProPublica); Chouldechova 2017 (Big Data 5) for the identity
FPR = p/(1-p) · (1-PPV)/PPV · (1-FNR); 29 CFR 1607.4(D) for the four-fifths rule; DeLong, DeLong and Clarke-Pearson 1988
for the interval of the AUC, Obuchowski 1997 (Biometrics 53) where people have several scores.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from countenance.errors import BadRequest
from countenance.metrics import special
from countenance.metrics.statistics.dyads import clustered_rate
from countenance.metrics.statistics.intervals import (
    Floats,
    Interval,
    Rate,
    check_level,
    quantile,
    rule_of_three,
    unknown_rate,
)
from countenance.metrics.statistics.labels import Codes, Mask, Numbers, code_labels, column, flags, numbers
from countenance.metrics.statistics.ratios import Ratio
from countenance.metrics.verification.comparisons import DataFinding

FOUR_FIFTHS = 0.8
"""29 CFR 1607.4(D): a selection rate below four fifths of the highest is taken as evidence of adverse impact."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Chouldechova's identity with the audit's own numbers. fpr: measured; implied: from the other three."""

    prevalence: float
    ppv: float
    fnr: float
    fpr: float
    implied: float


@dataclass(frozen=True, slots=True)
class GroupRisk:
    """One group at the cut-off: score >= cutoff is "high".

    selected: share called high. prevalence: share with the outcome. auc: chance that somebody with the outcome scores
    above somebody without (ties half), NaN where one kind is missing.
    """

    group: str
    rows: int
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    fpr: Rate
    fnr: Rate
    ppv: Rate
    npv: Rate
    selected: Rate
    prevalence: Rate
    auc: float
    auc_interval: Interval
    identity: Identity | None
    """None where a denominator is zero; then a finding says so."""


@dataclass(frozen=True, slots=True)
class CalibrationCell:
    """Outcome among those of one group whose score lies in [low, high) (the last bin is closed)."""

    group: str
    low: float
    high: float
    observed: Rate


@dataclass(frozen=True, slots=True)
class FourFifths:
    """One group's rate of the favourable decision against the most favoured group's.

    ratio: with its interval. passes: the point estimate is at least 0.8. p_value: of equal rates, by Fisher's exact
    test, or, where people have several rows, by the ratio's own, clustered. flips: the fewest decisions that would have
    to change in this group for the ratio to be 0.8 (0 where it passes).
    """

    group: str
    favourable: Rate
    ratio: Ratio
    passes: bool
    p_value: float
    flips: int


@dataclass(frozen=True, slots=True)
class Risk:
    """The whole table: all rows first, then every group, empty ones included."""

    cutoff: float
    everybody: GroupRisk
    groups: tuple[GroupRisk, ...]
    calibration: tuple[CalibrationCell, ...]
    four_fifths: tuple[FourFifths, ...]
    findings: tuple[DataFinding, ...]


def assess_risk(
    score: ArrayLike,
    outcome: ArrayLike,
    group: ArrayLike,
    cutoff: float,
    *,
    groups: Sequence[str] | None = None,
    people: ArrayLike | None = None,
    high_is_favourable: bool = False,
    calibration_edges: Sequence[float] | None = None,
    level: float = 0.95,
) -> Risk:
    """Error rates, calibration, AUC and the four-fifths rule of a score by group.

    score: (n,) finite; outcome: (n,) bool or 0/1; group: (n,) labels. people: (n,), clusters the intervals of rates.
    high_is_favourable: False for risk (being called low is the favourable decision). calibration_edges: bins of the
    score, the outer ones taking what lies outside; default: each value where there are at most 20, else its deciles.
    NaN, missing values and an empty table are a `BadRequest`; a group with one kind of outcome only is a finding.
    """
    check_level(level)
    values = numbers(score, "score")
    rows = len(values)
    if not rows:
        raise BadRequest("there is no scored row to measure")
    if not (np.isfinite(values).all() and np.isfinite(cutoff)):
        raise BadRequest("risk scores and their cut-off are finite numbers")
    happened = flags(outcome, "outcome", rows)
    names, code = code_labels(group, groups, "group", rows)
    who = np.arange(rows) if people is None else np.unique(column(people, "people", rows), return_inverse=True)[1]
    data = _RiskRows(values, happened, values >= cutoff, who, level)
    tables = tuple(data.group(name, code == g) for g, name in enumerate(names))
    edges = _edges(values, calibration_edges)
    return Risk(
        float(cutoff),
        data.group("everybody", np.ones(rows, bool)),
        tables,
        tuple(cell for g, name in enumerate(names) for cell in data.calibration(name, code == g, edges)),
        _four_fifths(tables, high_is_favourable, level),
        _findings(names, tables),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _RiskRows:
    """The checked columns, all (n,)."""

    score: Numbers
    happened: Mask
    high: Mask
    who: Codes
    level: float

    def rate(self, rows: Mask, errors: Mask, empty: str) -> Rate:
        """The clustered rate of `errors` among `rows`."""
        if not rows.any():
            return unknown_rate(empty, self.level)
        kept = self.who[rows]
        return clustered_rate(np.bincount(kept, errors[rows]).astype(np.int64), np.bincount(kept), self.level)

    def group(self, name: str, here: Mask) -> GroupRisk:
        """The table of one group."""
        yes, high = self.happened, self.high
        fpr = self.rate(here & ~yes, high, f"nobody in {name} is without the outcome")
        fnr = self.rate(here & yes, ~high, f"nobody in {name} has the outcome")
        ppv = self.rate(here & high, yes, f"nobody in {name} is called high")
        npv = self.rate(here & ~high, ~yes, f"nobody in {name} is called low")
        prevalence = self.rate(here, yes, f"no row of {name}")
        auc, interval = auc_delong(
            self.score[here & yes], self.score[here & ~yes], self.level, (self.who[here & yes], self.who[here & ~yes])
        )
        identity = None
        if fpr.known and fnr.known and ppv.errors and 0 < prevalence.errors < prevalence.trials:
            p, v = prevalence.estimate, ppv.estimate
            implied = p / (1 - p) * (1 - v) / v * (1 - fnr.estimate)
            identity = Identity(p, v, fnr.estimate, fpr.estimate, implied)
        return GroupRisk(
            name,
            int(here.sum()),
            int((here & yes & high).sum()),
            int((here & ~yes & high).sum()),
            int((here & yes & ~high).sum()),
            int((here & ~yes & ~high).sum()),
            fpr,
            fnr,
            ppv,
            npv,
            self.rate(here, high, f"no row of {name}"),
            prevalence,
            auc,
            interval,
            identity,
        )

    def calibration(self, name: str, here: Mask, edges: Numbers) -> list[CalibrationCell]:
        """Outcome by score bin, the last bin closed."""
        bins = np.clip(np.searchsorted(edges, self.score, "right") - 1, 0, len(edges) - 2)
        return [
            CalibrationCell(
                name,
                float(edges[b]),
                float(edges[b + 1]),
                self.rate(here & (bins == b), self.happened, f"nobody in {name} has such a score"),
            )
            for b in range(len(edges) - 1)
        ]


def auc_delong(
    with_outcome: ArrayLike, without: ArrayLike, level: float = 0.95, people: tuple[Codes, Codes] | None = None
) -> tuple[float, Interval]:
    """AUC (ties half) of two sets of scores, and its interval on the logit scale with DeLong's variance.

    people: whose the scores of each set are, whole numbers, where people may have several; then the variance is
    Obuchowski's, clustered by person. NaN and 0..1 where a set is empty; 0..1 where one has a single score or person.
    """
    yes, no = np.asarray(with_outcome, np.float64), np.asarray(without, np.float64)
    a, b = np.sort(yes), np.sort(no)
    nothing = Interval(0.0, 1.0, check_level(level), "one kind of outcome only")
    if not (len(a) and len(b)):
        return math.nan, nothing
    above = (np.searchsorted(b, a, "left") + np.searchsorted(b, a, "right")) / 2 / len(b)
    below = 1 - (np.searchsorted(a, b, "left") + np.searchsorted(a, b, "right")) / 2 / len(a)
    auc = float(above.mean())
    few = min((len(a), len(b)) if people is None else (len(np.unique(who)) for who in people))
    if few < 2:
        return auc, nothing
    sd = math.sqrt(float(above.var(ddof=1)) / len(a) + float(below.var(ddof=1)) / len(b))
    if people is not None and len(np.unique(np.concatenate(people))) < len(a) + len(b):
        above = (np.searchsorted(b, yes, "left") + np.searchsorted(b, yes, "right")) / 2 / len(b)
        below = 1 - (np.searchsorted(a, no, "left") + np.searchsorted(a, no, "right")) / 2 / len(a)
        whose = np.unique(np.concatenate(people), return_inverse=True)[1]
        parts = np.bincount(whose, np.concatenate([(above - auc) / len(a), (below - auc) / len(b)]))
        sd = math.sqrt(len(parts) / (len(parts) - 1) * float((parts**2).sum()))
    if not 0 < auc < 1 or sd == 0:
        bound = rule_of_three(few, level)
        return auc, Interval(max(auc - bound, 0.0), min(auc + bound, 1.0), level, "rule of three")
    half = float(quantile(level)) * sd / (auc * (1 - auc))
    centre = math.log(auc / (1 - auc))
    low, high = (1 / (1 + math.exp(-(centre + s * half))) for s in (-1, 1))
    return auc, Interval(low, high, level, "DeLong, logit scale")


def fisher_exact(errors: int, trials: int, other_errors: int, other_trials: int) -> float:
    """Two-sided p of Fisher's exact test: the chance of tables no likelier than this one, all margins fixed."""
    both = errors + other_errors
    k = np.arange(max(0, both - other_trials), min(trials, both) + 1)

    def ln_choose(n: int, m: Codes) -> Floats:
        return np.asarray(special.gammaln(n + 1) - special.gammaln(m + 1) - special.gammaln(n - m + 1), np.float64)

    chance = ln_choose(trials, k) + ln_choose(other_trials, both - k)
    chance -= special.logsumexp(chance)
    return float(min(np.exp(chance[chance <= chance[k == errors] + 1e-7]).sum(), 1.0))


def _edges(score: Numbers, given: Sequence[float] | None) -> Numbers:
    if given is not None:
        edges = np.asarray(given, np.float64)
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise BadRequest("calibration bins have two or more rising edges")
        return edges
    values = np.unique(score)
    if len(values) == 1:
        return np.array([values[0], values[0] + 1])
    if len(values) <= 20:
        return np.append(values, 2 * values[-1] - values[-2])
    return np.unique(np.quantile(score, np.linspace(0, 1, 11)))


def _four_fifths(tables: Sequence[GroupRisk], high_is_favourable: bool, level: float) -> tuple[FourFifths, ...]:
    """Each group with rows against the one with the highest rate of favourable decisions."""

    def favourable(table: GroupRisk) -> Rate:
        rate = table.selected
        return rate if high_is_favourable else replace(rate, errors=rate.trials - rate.errors)

    rates = {t.group: favourable(t) for t in tables if t.rows}
    if len(rates) < 2:
        return ()
    best = max(rates.values(), key=lambda r: r.estimate)
    results = []
    for name, rate in rates.items():
        least = math.ceil(FOUR_FIFTHS * best.estimate * rate.trials - 1e-9)
        p = _equal_rates(rate, best)
        flips = max(least - rate.errors, 0)
        results.append(FourFifths(name, rate, Ratio(rate, best), flips == 0, p, flips))
    return tuple(results)


def _equal_rates(one: Rate, other: Rate) -> float:
    if any(0 < rate.subjects < rate.trials for rate in (one, other)):
        return 1.0 if one is other else Ratio(one, other).p_value()
    return fisher_exact(one.errors, one.trials, other.errors, other.trials)


def _findings(names: tuple[str, ...], tables: Sequence[GroupRisk]) -> tuple[DataFinding, ...]:
    findings = []
    empty = tuple(t.group for t in tables if not t.rows)
    one = tuple(t.group for t in tables if t.rows and t.prevalence.errors in (0, t.rows))
    silent = tuple(t.group for t in tables if t.rows and t.identity is None)
    if empty:
        findings.append(DataFinding("empty-groups", "declared groups without any row", len(empty), empty))
    if one:
        findings.append(DataFinding("single-outcome", "groups with one kind of outcome only", len(one), one))
    if silent:
        findings.append(
            DataFinding("no-identity", "groups where the identity has a zero denominator", len(silent), silent)
        )
    if len(names) == 1:
        findings.append(DataFinding("single-group", "there is one group only: nothing can be compared", groups=names))
    return tuple(findings)
