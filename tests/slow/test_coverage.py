"""The self-test behind every interval: do nominal 95 % intervals hold the truth in 93 to 98 % of simulated audits?

People are drawn anew in every replicate, as an audit draws them. How alike two strangers look to the system depends on
both: score = sqrt(rho/2)·(a_i + a_j) + sqrt(1-rho)·noise with standard normal a (rho 0: nobody is special; .05: weak;
.3: strong lambs and wolves, at an FMR of 1e-3 a relative variance of personal FMR near 4), or one person in twenty is
a wolf whose every score is raised by half a standard deviation. Mated comparisons fail with a personal rate likewise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import optimize, special, stats

from countenance.metrics import (
    Interval,
    Tally,
    clustered_rate,
    fit_tail,
    max_over_geomean,
    max_over_min,
    plain_rate,
    ratio,
    ratio_of_tallies,
)
from countenance.metrics.statistics.dyads import tally_pairs

REPLICATES = 2000  # Monte-Carlo s.e. of a coverage of 95 %: 0.5 points
LOWEST, HIGHEST = 0.93, 0.98
WOLVES, RAISE = 0.05, 0.5

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class People:
    """How people differ: share rho of the score's variance, or wolves."""

    rho: float = 0.0
    wolves: bool = False

    def draw(self, rng: np.random.Generator, n: int) -> np.ndarray:
        if self.wolves:
            return (RAISE * (rng.random(n) < WOLVES)).astype(np.float32)
        return (math.sqrt(self.rho / 2) * rng.standard_normal(n)).astype(np.float32)

    def threshold(self, fmr: float) -> float:
        """The threshold that has this FMR over all people that could be drawn."""
        if not self.wolves:
            return float(-special.ndtri(fmr))
        weights = [(1 - WOLVES) ** 2, 2 * WOLVES * (1 - WOLVES), WOLVES**2]

        def excess(t: float) -> float:
            return float(sum(w * special.ndtr(k * RAISE - t) for k, w in enumerate(weights)) - fmr)

        return float(optimize.brentq(excess, 0, 10))

    @property
    def noise(self) -> np.float32:
        return np.float32(1.0 if self.wolves else math.sqrt(1 - self.rho))


NOBODY, WEAK, STRONG, WOLFISH = People(), People(0.05), People(0.3), People(wolves=True)
NAMES = {NOBODY: "nobody special", WEAK: "weak", STRONG: "strong", WOLFISH: "wolves"}


def matched(rng: np.random.Generator, left: np.ndarray, right: np.ndarray, people: People, t: float) -> np.ndarray:
    noise = rng.standard_normal((len(left), len(right)), dtype=np.float32)
    return np.asarray(left[:, None] + right[None, :] + people.noise * noise >= np.float32(t))


def within(
    rng: np.random.Generator, effect: np.ndarray, images: int, people: People, t: float, first: int = 0
) -> Tally:
    """All pairs of one group; with several images each image adds noise of its own, the person's effect stays."""
    n = len(effect)
    table = np.zeros((n, n), np.int64)
    for _ in range(images * images):
        table += matched(rng, effect, effect, people, t)
    h = np.triu(table, 1)
    h = h + h.T
    return from_table(h, np.full((n, n), images * images) * (1 - np.eye(n, dtype=np.int64)), first)


def from_table(h: np.ndarray, n: np.ndarray, first: int) -> Tally:
    errors, trials = h.sum(axis=1), n.sum(axis=1)
    squares = (h * h).sum(axis=1), (h * n).sum(axis=1), (n * n).sum(axis=1)
    return Tally(
        people=np.arange(first, first + len(h)),
        side=np.zeros(len(h), np.int64),
        errors=errors,
        trials=trials,
        errors2=squares[0].astype(float),
        cross=squares[1].astype(float),
        trials2=squares[2].astype(float),
        total_errors=int(errors.sum()) // 2,
        total_trials=int(trials.sum()) // 2,
    )


def across(rng: np.random.Generator, left: np.ndarray, right: np.ndarray, people: People, t: float) -> Tally:
    h = matched(rng, left, right, people, t).astype(np.int64)
    a, b = h.sum(axis=1), h.sum(axis=0)
    errors = np.r_[a, b]
    trials = np.r_[np.full(len(left), len(right)), np.full(len(right), len(left))]
    return Tally(
        people=np.arange(len(errors)),
        side=np.r_[np.zeros(len(left), np.int64), np.ones(len(right), np.int64)],
        errors=errors,
        trials=trials,
        errors2=errors.astype(float),
        cross=errors.astype(float),
        trials2=trials.astype(float),
        total_errors=int(h.sum()),
        total_trials=h.size,
    )


def coverage(one: Callable[[np.random.Generator], bool], replicates: int, seed: int = 1) -> float:
    rng = np.random.default_rng(seed)
    return sum(one(rng) for _ in range(replicates)) / replicates


def check(name: str, one: Callable[[np.random.Generator], bool], replicates: int = REPLICATES) -> None:
    """Tell the coverage (pytest's -s shows it as it comes, -rP at the end), then hold it to the band."""
    found = coverage(one, replicates)
    told = f"{name}: nominal 95 % intervals cover {found:.1%} of {replicates} simulated audits"
    print(told)  # noqa: T201  to be read after a run
    assert LOWEST <= found <= HIGHEST, told


WITHIN = [
    (n, fmr, images, people)
    for n, fmr, images in [(60, 1e-2, 1), (200, 1e-2, 1), (200, 1e-3, 1), (400, 1e-3, 1), (100, 1e-2, 2)]
    for people in NAMES
]


@pytest.mark.parametrize(
    ("n", "fmr", "images", "people"), WITHIN, ids=[f"{n}-{f:g}-{i}-{NAMES[p]}" for n, f, i, p in WITHIN]
)
def test_false_match_rates_within_a_group_hold_their_level(n: int, fmr: float, images: int, people: People) -> None:
    t = people.threshold(fmr)

    def one(rng: np.random.Generator) -> bool:
        return within(rng, people.draw(rng, n), images, people, t).rate().interval.holds(fmr)

    check(f"within {n} people, FMR {fmr:g}, {NAMES[people]}", one)


ACROSS = [
    (a, b, fmr, people) for a, b, fmr in [(60, 200, 1e-2), (200, 200, 1e-3), (100, 400, 1e-3)] for people in NAMES
]


@pytest.mark.parametrize(
    ("a", "b", "fmr", "people"), ACROSS, ids=[f"{a}x{b}-{f:g}-{NAMES[p]}" for a, b, f, p in ACROSS]
)
def test_false_match_rates_across_groups_hold_their_level(a: int, b: int, fmr: float, people: People) -> None:
    t = people.threshold(fmr)

    def one(rng: np.random.Generator) -> bool:
        return across(rng, people.draw(rng, a), people.draw(rng, b), people, t).rate().interval.holds(fmr)

    check(f"{a} by {b} people, FMR {fmr:g}, {NAMES[people]}", one)


MATED = [
    (k, attempts, fnmr, rho)
    for k, attempts, fnmr in [(200, 1, 0.05), (100, 4, 0.05), (200, 0, 0.02), (300, 8, 0.01)]
    for rho in (0.0, 0.1, 0.5)
]


@pytest.mark.parametrize(
    ("k", "attempts", "fnmr", "rho"), MATED, ids=[f"{k}x{a or 'mixed'}-{f:g}-{r:g}" for k, a, f, r in MATED]
)
def test_false_non_match_rates_hold_their_level(k: int, attempts: int, fnmr: float, rho: float) -> None:
    """attempts 0: one to ten for each person, unequally."""
    t = special.ndtri(fnmr)

    def one(rng: np.random.Generator) -> bool:
        trials = np.full(k, attempts) if attempts else 1 + rng.binomial(9, 0.3, k)
        personal = special.ndtr((t - math.sqrt(rho) * rng.standard_normal(k)) / math.sqrt(1 - rho))
        return clustered_rate(rng.binomial(trials, personal), trials).interval.holds(fnmr)

    check(f"{k} people with {attempts or 'mixed'} attempts, FNMR {fnmr:g}, rho {rho:g}", one)


RATIOS = [
    (n, fmr, factor, people) for n, fmr, factor in [(200, 1e-2, 1), (200, 2e-3, 3), (400, 1e-3, 5)] for people in NAMES
]


@pytest.mark.parametrize(
    ("n", "fmr", "factor", "people"), RATIOS, ids=[f"{n}-{f:g}x{r}-{NAMES[p]}" for n, f, r, p in RATIOS]
)
def test_ratios_of_two_groups_hold_their_level(n: int, fmr: float, factor: int, people: People) -> None:
    low, high = people.threshold(fmr), people.threshold(fmr * factor)

    def one(rng: np.random.Generator) -> bool:
        better = within(rng, people.draw(rng, n), 1, people, low).rate()
        worse = within(rng, people.draw(rng, n), 1, people, high).rate()
        return ratio(worse, better).at(0.95).holds(factor)

    check(f"ratio {factor} of two groups of {n}, FMR {fmr:g}, {NAMES[people]}", one)


@pytest.mark.parametrize("people", NAMES, ids=NAMES.values())
def test_ratios_that_share_people_hold_their_level(people: People) -> None:
    """A group's impostors within over its impostors across: the same people are in both."""
    n, fmr, factor = 200, 2e-3, 3
    low, high = people.threshold(fmr), people.threshold(fmr * factor)

    def one(rng: np.random.Generator) -> bool:
        mine, theirs = people.draw(rng, n), people.draw(rng, n)
        inside, outside = within(rng, mine, 1, people, high), across(rng, mine, theirs, people, low)
        return ratio_of_tallies(inside, outside).at(0.95).holds(factor)

    check(f"ratio with shared people, {NAMES[people]}", one)


@pytest.mark.parametrize("shape", [-0.25, 0.0, 0.2])
@pytest.mark.parametrize("share", [0.1, 0.01])
def test_extrapolated_rates_hold_their_level_where_the_tail_is_a_pareto_tail(shape: float, share: float) -> None:
    """One and two decades past the floor, from 400 scores above it."""
    threshold = float(stats.genpareto.isf(share, shape, scale=0.3))

    def one(rng: np.random.Generator) -> bool:
        scores = stats.genpareto.rvs(shape, scale=0.3, size=400, random_state=rng)
        return fit_tail(scores, 400_000, floor=0.0).fmr_interval(threshold).holds(1e-3 * share)

    check(f"Pareto tail of shape {shape:g}, {share:g} of the floor's rate", one, 500)


@pytest.mark.parametrize(("rho", "fmr"), [(0.05, 1e-5), (0.2, 1e-5), (0.2, 1e-6)])
def test_extrapolated_rates_hold_their_level_for_people_who_differ(rho: float, fmr: float) -> None:
    """Normal scores, whose tail is a Pareto tail only in the limit: 700 people, so counts alone support 1.2e-4."""
    people = People(rho)
    threshold = people.threshold(fmr)
    i, j = np.triu_indices(700, 1)

    def one(rng: np.random.Generator) -> bool:
        effect = people.draw(rng, 700)
        score = effect[i] + effect[j] + people.noise * rng.standard_normal(len(i), dtype=np.float32)
        top = score >= np.partition(score, -2500)[-2500]
        tail = fit_tail(score[top], len(score), np.column_stack([i[top], j[top]]), subjects=700)
        return tail.fmr_interval(threshold).holds(fmr)

    check(f"extrapolation to {fmr:g}, rho {rho:g}", one, 1500)


EXTREMES = {
    "equal": ([0.01] * 6, 20_000),
    "two": ([0.01, 0.03], 1000),
    "two, nearly equal": ([0.01, 0.012], 5000),
    "six, few trials": ([0.01, 0.011, 0.012, 0.03, 0.02, 0.015], 1000),
    "six": ([0.01, 0.05, 0.012, 0.03, 0.02, 0.015], 20_000),
    "one bad": ([0.01] * 7 + [0.1], 20_000),
    "one slightly bad": ([0.01] * 7 + [0.014], 5000),
    "one good": ([0.01] + [0.03] * 7, 5000),
    "two camps": ([0.01] * 4 + [0.02] * 4, 5000),
    "wide steps": ([0.01 * 1.4**i for i in range(8)], 5000),
    "steps": ([0.01 * 1.1**i for i in range(8)], 5000),
    "small steps": ([0.01 * 1.05**i for i in range(8)], 5000),
    "twenty, one bad": ([0.01] * 19 + [0.03], 3000),
    "three errors each": ([0.002] * 5 + [0.01], 1500),
    "large rates": ([0.4, 0.45, 0.5, 0.6], 300),
}


def ratio_of_extremes(truth: np.ndarray) -> float:
    return float(truth.max() / truth.min())


def ratio_to_the_mean(truth: np.ndarray) -> float:
    return float(truth.max() / np.exp(np.log(truth).mean()))


CONTRASTS = {"max/min": (max_over_min, ratio_of_extremes), "max/geometric mean": (max_over_geomean, ratio_to_the_mean)}


def holds(interval: Interval, truth: float) -> bool:
    """Whether the truth lies inside, rounding aside: equal groups have a ratio of 1, which is a low end, too."""
    return interval.low <= truth * (1 + 1e-9) and truth <= interval.high * (1 + 1e-9)


@pytest.mark.parametrize("contrast", CONTRASTS)
@pytest.mark.parametrize("case", EXTREMES)
def test_the_worst_group_holds_its_level(contrast: str, case: str) -> None:
    interval_of, of = CONTRASTS[contrast]
    rates, trials = np.array(EXTREMES[case][0]), EXTREMES[case][1]
    truth = of(rates)

    def one(rng: np.random.Generator) -> bool:
        seen = [plain_rate(int(k), trials) for k in rng.binomial(trials, rates)]
        return holds(interval_of(seen, 300, int(rng.integers(2**31))).interval, truth)

    check(f"{contrast}, {case}: {len(rates)} groups of {trials} trials, truth {truth:.3g}", one)


@pytest.mark.parametrize("people", NAMES, ids=NAMES.values())
@pytest.mark.parametrize("contrast", CONTRASTS)
def test_the_worst_group_holds_its_level_where_people_differ(contrast: str, people: People) -> None:
    """Effective numbers of trials that are themselves uncertain."""
    interval_of, of = CONTRASTS[contrast]
    fmrs = np.array([0.005, 0.005, 0.005, 0.02])
    thresholds = [people.threshold(fmr) for fmr in fmrs]

    def one(rng: np.random.Generator) -> bool:
        seen = [within(rng, people.draw(rng, 200), 1, people, t).rate() for t in thresholds]
        return holds(interval_of(seen, 300, int(rng.integers(2**31))).interval, of(fmrs))

    check(f"{contrast} of 4 groups of 200 people, {NAMES[people]}", one)


def test_the_self_test_would_catch_a_winners_curse() -> None:
    """The self-test's own test: the worst and the best seen, taken as chosen beforehand, cover too rarely."""
    rates = np.array([0.01] * 8)

    def naive(rng: np.random.Generator) -> bool:
        seen = sorted((plain_rate(int(k), 20_000) for k in rng.binomial(20_000, rates)), key=lambda r: r.errors)
        return ratio(seen[-1], seen[0]).at(0.95).holds(1.0)

    assert coverage(naive, 300) < 0.7


def test_the_simulator_would_catch_intervals_that_ignore_who_was_compared() -> None:
    """The self-test's own test: trials taken as independent cover far too seldom with strong lambs and wolves."""
    t = STRONG.threshold(1e-2)

    def naive(rng: np.random.Generator) -> bool:
        found = within(rng, STRONG.draw(rng, 200), 1, STRONG, t)
        return plain_rate(found.total_errors, found.total_trials).interval.holds(1e-2)

    assert coverage(naive, 300) < 0.7


def test_counts_by_pair_and_counts_by_person_are_the_same_tally() -> None:
    rng = np.random.default_rng(3)
    made = within(rng, STRONG.draw(rng, 30), 2, STRONG, 1.0)
    h = np.zeros((30, 30), np.int64)
    again = np.random.default_rng(3)
    effect = STRONG.draw(again, 30)
    for _ in range(4):
        h += matched(again, effect, effect, STRONG, 1.0)
    i, j = np.triu_indices(30, 1)
    told = tally_pairs(i, j, h[i, j], np.full(len(i), 4))
    assert np.array_equal(told.errors, made.errors)
    assert np.array_equal(told.errors2, made.errors2)
    assert told.rate() == made.rate()
