import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.metrics import fdr, garbe, inequity, plain_rate, summarise
from countenance.metrics.statistics.summaries import gini
from countenance.metrics.statistics.summary_bounds import box_of, highest, lowest, spread

counts = st.integers(20, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.lists(counts, min_size=2, max_size=6))
def test_every_figure_lies_in_its_interval(cells: list[tuple[int, int]]) -> None:
    rates = [plain_rate(*cell) for cell in cells]
    for figure in summarise(rates, rates).all():
        if figure.interval is not None:
            assert figure.interval.low - 1e-12 <= figure.value <= figure.interval.high + 1e-12


@settings(max_examples=40, deadline=None)
@given(st.lists(counts, min_size=2, max_size=5), st.integers(0, 10**6))
def test_no_rates_within_the_box_give_a_figure_outside_its_range(cells: list[tuple[int, int]], seed: int) -> None:
    box = box_of([plain_rate(*cell) for cell in cells], 0.95, len(cells))
    rng = np.random.default_rng(seed)
    for figure in (spread, lambda rates: gini(list(rates))):
        low, high = lowest(figure, box), highest(figure, box)
        for point in rng.uniform(*box, (200, len(cells))):
            assert low - 1e-9 <= figure(point) <= high + 1e-9


def test_equal_groups_are_in_the_intervals_at_least_as_often_as_they_should() -> None:
    rng = np.random.default_rng(5)
    held = np.zeros(3)
    for _ in range(300):
        fmr = [plain_rate(int(rng.binomial(3000, 0.01)), 3000) for _ in range(4)]
        fnmr = [plain_rate(int(rng.binomial(800, 0.05)), 800) for _ in range(4)]
        found = summarise(fmr, fnmr)
        for at, figure in enumerate((found.fdr, found.inequity, found.garbe)):
            held[at] += figure.interval is not None and figure.interval.holds(figure.fair)
    assert (held / 300 >= 0.95).all()


def test_unequal_groups_are_in_the_intervals_too() -> None:
    rng = np.random.default_rng(6)
    p, q = [0.004, 0.01, 0.03], [0.02, 0.05, 0.1]
    true = fdr(p, q), inequity(p, q), garbe(p, q)
    held = np.zeros(3)
    for _ in range(300):
        fmr = [plain_rate(int(rng.binomial(3000, x)), 3000) for x in p]
        fnmr = [plain_rate(int(rng.binomial(800, x)), 800) for x in q]
        found = summarise(fmr, fnmr)
        for at, figure in enumerate((found.fdr, found.inequity, found.garbe)):
            assert figure.interval is not None
            held[at] += figure.interval.holds(true[at])
    assert (held / 300 >= 0.94).all()
