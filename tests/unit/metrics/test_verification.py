import math

import numpy as np
import pytest

from countenance.errors import BadRequest
from countenance.metrics import Comparisons, clustered_rate, failure_rates, protocol_effects, verify, verify_each

NAMES = ["x", "y", "z"]


def simulated(rows: int = 4000, people: int = 90, seed: int = 0) -> Comparisons:
    """z is declared and has nobody."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, people, (2, rows))
    b[: rows // 8] = a[: rows // 8]
    group = np.arange(people) % 2
    score = (
        rng.normal(3.0 * (a == b)) + 0.3 * rng.standard_normal(people)[a] + 0.5 * ((group[a] == 1) & (group[b] == 1))
    )
    return Comparisons.of(score, a == b, first=a, second=b, first_group=group[a], second_group=group[b], groups=NAMES)


def test_every_cell_is_counted_right() -> None:
    data = simulated()
    found = verify(data, 1.5)
    for cell in found.cells:
        pair = sorted((cell.first, cell.second))
        rows = ~data.mated & (np.sort(np.column_stack([data.first_group, data.second_group]), axis=1) == pair).all(
            axis=1
        )
        assert cell.rate.trials == rows.sum()
        assert cell.rate.errors == (rows & (data.score >= 1.5)).sum()
        assert found.cell(cell.second, cell.first) is cell
    strange = ~data.mated
    assert (found.fmr.errors, found.fmr.trials) == ((strange & (data.score >= 1.5)).sum(), strange.sum())
    for g, group in enumerate(found.groups):
        touching = strange & ((data.first_group == g) | (data.second_group == g))
        assert (group.fmr_any.errors, group.fmr_any.trials) == ((touching & (data.score >= 1.5)).sum(), touching.sum())
        mated = data.mated & (data.first_group == g)
        assert (group.fnmr.errors, group.fnmr.trials) == ((mated & (data.score < 1.5)).sum(), mated.sum())


def test_false_non_match_rates_are_clustered_by_person() -> None:
    data = simulated()
    mated = data.mated & (data.first_group == 0)
    errors = np.bincount(data.first[mated], data.score[mated] < 1.5).astype(int)
    assert verify(data, 1.5).groups[0].fnmr.interval == clustered_rate(errors, np.bincount(data.first[mated])).interval


def test_a_declared_group_without_data_stays_in_the_table_with_a_reason() -> None:
    found = verify(simulated(), 1.5)
    assert found.groups[2].group == "z"
    assert not found.groups[2].fmr.known
    assert "z" in found.groups[2].fnmr.reason
    assert math.isnan(found.groups[2].far)
    assert not found.cell(0, 2).rate.known


def test_rates_fall_and_rise_with_the_threshold() -> None:
    found = verify_each(simulated(), [0.0, 1.0, 2.0])
    assert [v.threshold for v in found] == [0.0, 1.0, 2.0]
    assert found[0].fmr.errors > found[1].fmr.errors > found[2].fmr.errors
    assert found[0].fnmr.errors < found[1].fnmr.errors < found[2].fnmr.errors


def test_the_order_of_rows_and_of_the_two_sides_does_not_matter() -> None:
    data = simulated()
    rng = np.random.default_rng(1)
    order, swap = rng.permutation(len(data)), rng.random(len(data)) < 0.5
    again = Comparisons.of(
        data.score[order],
        data.mated[order],
        first=np.where(swap, data.second, data.first)[order],
        second=np.where(swap, data.first, data.second)[order],
        first_group=np.where(swap, data.second_group, data.first_group)[order],
        second_group=np.where(swap, data.first_group, data.second_group)[order],
        groups=NAMES,
    )
    for one, other in zip(verify(data, 1.5).cells, verify(again, 1.5).cells, strict=True):
        assert one.rate.errors == other.rate.errors
        assert one.rate.effective_trials == pytest.approx(other.rate.effective_trials)
        assert one.rate.freedom == pytest.approx(other.rate.freedom)


def test_cells_of_one_group_share_people_and_their_ratio_knows() -> None:
    found = verify(simulated(), 1.0)
    assert found.ratio((1, 1), (0, 1)).correlation > 0
    assert found.ratio((1, 1), (0, 0)).correlation == 0
    assert found.ratio((1, 1), (0, 0)).estimate > 1
    with pytest.raises(BadRequest, match="numbered from 0 to 2"):
        found.cell(0, 3)


def test_without_people_trials_count_as_independent() -> None:
    data = simulated()
    alone = Comparisons.of(
        data.score, data.mated, first_group=data.first_group, second_group=data.second_group, groups=NAMES
    )
    found, known = verify(alone, 1.5), verify(data, 1.5)
    assert found.fmr.errors == known.fmr.errors
    assert found.fmr.effective_trials == found.fmr.trials
    assert found.groups[0].people == 0
    assert found.ratio((0, 0), (1, 1)).known


def test_one_threshold_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(BadRequest, match="finite"):
        verify(simulated(), math.nan)


def test_a_failure_counts_for_the_groups_of_both_sides() -> None:
    data = simulated()
    failed = (data.first_group == 0) & (data.second_group == 1) & ~data.mated & (data.score < 0)
    found = verify(
        Comparisons.of(
            data.score,
            data.mated,
            first=data.first,
            second=data.second,
            first_group=data.first_group,
            second_group=data.second_group,
            groups=NAMES,
            failed=failed,
        ),
        1.5,
    )
    assert failed.any()
    for g, group in enumerate(found.groups[:2]):
        touching = (data.first_group == g) | (data.second_group == g)
        assert (group.failures.errors, group.failures.trials) == (failed.sum(), touching.sum())
        fta = failed.sum() / touching.sum()
        assert group.far == pytest.approx((1 - fta) * group.fmr.estimate)
        assert group.frr == pytest.approx(fta + (1 - fta) * group.fnmr.estimate)
    assert not found.groups[2].failures.known


def test_failures_are_clustered_by_person_and_list_empty_groups() -> None:
    rates = failure_rates(NAMES, [0, 0, 0, 1, 1], [1, 1, 0, 0, 0], people=["a", "a", "b", "c", "d"])
    assert [(r.errors, r.trials, r.known) for r in rates] == [(2, 3, True), (0, 2, True), (0, 0, False)]
    assert rates[0].subjects == 2
    assert rates[2].reason == "no row of z"
    assert failure_rates(NAMES, ["x", "y"], [1, 0])[0].errors == 1
    with pytest.raises(BadRequest, match="rows, expected"):
        failure_rates(NAMES, [0, 1], [1])


def test_matched_impostors_raise_the_false_match_rate_here() -> None:
    data = simulated()
    sex = np.array(["m", "w"])
    columns = {"sex": sex[data.first_group]}, {"sex": sex[data.second_group]}
    effects = protocol_effects(data, 1.0, *columns, {"all": [], "same sex": ["sex"]})
    assert [e.name for e in effects] == ["all", "same sex"]
    assert effects[0].over_all == pytest.approx(1)
    assert effects[0].fmr == verify(data, 1.0).fmr
    assert effects[1].over_all > 1.1
