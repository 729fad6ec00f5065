import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import BadRequest
from countenance.metrics import Comparisons, direction, impostor_protocol, intersections, verify

SCORE = [0.9, 0.8, 0.7, 0.2, 0.1, 0.3]
MATED = [1, 1, 1, 0, 0, 0]
FIRST = ["a", "b", "c", "a", "b", "c"]
SECOND = ["a", "b", "c", "b", "c", "a"]


def made(**changes: object) -> Comparisons:
    given = {"score": SCORE, "mated": MATED, "first": FIRST, "second": SECOND, "first_group": ["x", "y", "x"] * 2}
    given["second_group"] = ["x", "y", "x", "y", "x", "x"]
    given |= {"larger_is_more_alike": True} | changes
    score, mated = given.pop("score"), given.pop("mated")
    return Comparisons.of(score, mated, **{k: v for k, v in given.items() if v is not None})  # type: ignore[arg-type]


def kinds(data: Comparisons) -> set[str]:
    return {f.kind for f in data.findings}


def test_a_sound_table_has_no_findings() -> None:
    assert kinds(made()) == set()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"score": [0.9, float("nan"), 0.7, 0.2, 0.1, 0.3]}, "1 scores are NaN or infinite"),
        ({"score": [0.9, float("inf"), 0.7, 0.2, 0.1, 0.3]}, "1 scores are NaN or infinite"),
        ({"score": SCORE[:5]}, "rows, expected"),
        ({"score": ["high"] * 6}, "score is a number"),
        ({"score": [[1, 2]]}, "score is one column"),
        ({"mated": [1, 1, 2, 0, 0, 0]}, "mated is 0 or 1"),
        ({"mated": [1, 1, None, 0, 0, 0]}, "mated has missing values"),
        ({"mated": [1, 1, 0, 0, 0, 0]}, "one person with themselves are marked as not mated"),
        ({"mated": [1, 1, 1, 1, 0, 0]}, "two different people are marked as mated"),
        ({"second": None}, "one side only"),
        ({"first_group": ["x", "", "x"] * 2}, "no label"),
        ({"first_group": None}, "the first has none"),
        ({"groups": ["x"]}, "not among those declared"),
        ({"groups": ["x", "y", "x"]}, "given twice"),
        ({"censored": [0, 0, 0, 1, 1, 1]}, "the threshold is not given"),
        ({"censored": [0, 0, 0, 1, 1, 0], "censor_point": 0.5}, "lies beyond the threshold"),
        ({"score": [], "mated": [], "first": [], "second": [], "first_group": [], "second_group": []}, "no comparison"),
    ],
)
def test_bad_input_is_a_clear_error(changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        made(**changes)


def test_group_codes_out_of_range_are_refused() -> None:
    with pytest.raises(BadRequest, match="codes run from 0 to 1"):
        made(first_group=[0, 1, 2, 0, 1, 2], second_group=[0, 1, 1, 1, 1, 0], groups=["x", "y"])


def test_what_is_missing_or_odd_is_said() -> None:
    assert kinds(made(first=None, second=None)) == {"no-people"}
    assert "empty-groups" in kinds(made(groups=["x", "y", "z"]))
    assert "single-group" in kinds(made(first_group=["x"] * 6, second_group=["x"] * 6))
    assert "no-mated" in kinds(
        Comparisons.of([0.1, 0.2], [0, 0], first=["a", "b"], second=["b", "c"], larger_is_more_alike=True)
    )
    assert "no-non-mated" in kinds(
        Comparisons.of([0.1, 0.2], [1, 1], first=["a", "b"], second=["a", "b"], larger_is_more_alike=True)
    )
    assert "several-groups" in kinds(made(second_group=["x", "y", "x", "x", "x", "x"]))
    assert "failed" in kinds(made(failed=[1, 0, 0, 0, 0, 0]))
    twice = made(
        score=[*SCORE, 0.1], mated=[*MATED, 0], first=[*FIRST, "c"], second=[*SECOND, "b"],
        first_group=None, second_group=None,
    )  # fmt: skip
    assert {f.kind: f.count for f in twice.findings}["duplicates"] == 1


def test_direction_is_found_and_stated() -> None:
    assert direction(SCORE, MATED).larger_is_more_alike
    assert direction(SCORE, MATED).auc == 1.0
    distances = made(score=[-s for s in SCORE], larger_is_more_alike=None)
    assert kinds(distances) == {"direction-uncertain"}, "six scores are too few to be sure"
    assert distances.negated
    assert distances.natural(0.5) == -0.5
    assert distances.internal(-0.5) == 0.5
    assert list(distances.score) == SCORE
    many = np.r_[np.ones(20), np.zeros(20)]
    with pytest.raises(BadRequest, match="run the other way"):
        Comparisons.of(many, many, larger_is_more_alike=False)
    with pytest.raises(BadRequest, match="say whether they are similarities or distances"):
        Comparisons.of([0.1, 0.2], [0, 0])
    with pytest.raises(BadRequest, match="mated and non-mated"):
        direction([0.1, 0.2], [1, 1])


def test_a_direction_that_cannot_be_told_is_a_finding() -> None:
    rng = np.random.default_rng(0)
    data = Comparisons.of(rng.random(2000), rng.random(2000) < 0.5)
    assert "direction-uncertain" in kinds(data)


def test_groups_whose_scores_run_opposite_ways_are_refused() -> None:
    rng = np.random.default_rng(0)
    mated = np.tile([1, 0], 500)
    group = np.repeat(["x", "y"], 500)
    score = rng.normal(mated * np.where(group == "x", 5.0, -1.0))
    with pytest.raises(BadRequest, match="'y' run the other way"):
        Comparisons.of(score, mated, first_group=group)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=2, max_size=50))
def test_direction_agrees_with_sklearn(rows: list[tuple[int, bool]]) -> None:
    from sklearn.metrics import roc_auc_score

    score, mated = zip(*rows, strict=True)
    if len(set(mated)) == 2:
        assert direction(score, mated).auc == pytest.approx(roc_auc_score(mated, score))


def test_censored_scores_count_as_non_matches_above_the_vendors_threshold_and_nowhere_else() -> None:
    score = [0.9, 0.8, float("nan"), float("nan"), 0.85, 0.9]
    data = made(score=score, censored=[0, 0, 1, 1, 0, 0], censor_point=0.8, larger_is_more_alike=True)
    found = verify(data, 0.85)
    assert (found.fmr.errors, found.fmr.trials) == (2, 3)
    assert (found.fnmr.errors, found.fnmr.trials) == (2, 3)
    with pytest.raises(BadRequest, match=r"nothing is known at a threshold of 0\.7"):
        verify(data, 0.7)


def test_censored_distances_are_censored_from_above() -> None:
    nan = float("nan")
    data = Comparisons.of(
        [0.1, 0.2, nan, nan], [1, 1, 1, 0], censored=[0, 0, 1, 1], censor_point=0.4, larger_is_more_alike=False
    )
    assert (verify(data, data.internal(0.15)).fnmr.errors, verify(data, data.internal(0.4)).fmr.errors) == (2, 0)
    with pytest.raises(BadRequest, match=r"beyond 0\.4"):
        verify(data, data.internal(0.5))


def test_failed_comparisons_are_outcomes_and_not_missing_rows() -> None:
    data = made(failed=[1, 0, 0, 0, 0, 0], score=[float("nan"), *SCORE[1:]])
    found = verify(data, 0.5)
    x, y = found.groups
    assert (found.fnmr.trials, found.fmr.trials) == (2, 3)
    assert x.failures.errors == 1
    assert y.failures.errors == 0
    assert x.frr == pytest.approx(1 / x.failures.trials)


def test_only_keeps_the_rows_and_all_names() -> None:
    data = made()
    kept = data.only(np.array(MATED) == 1)
    assert len(kept) == 3
    assert kept.groups == data.groups
    rows = [1, 3, 5]
    chosen = data.only(np.isin(np.arange(6), rows))
    for column in ("score", "mated", "first", "second", "first_group", "second_group", "failed"):
        assert list(getattr(chosen, column)) == list(getattr(data, column)[rows]), column


def test_intersections_name_every_combination() -> None:
    labels = intersections({"sex": ["woman", "man"], "age": ["20-29", "60+"]})
    assert list(labels) == ["woman / 20-29", "man / 60+"]
    with pytest.raises(BadRequest, match="one length"):
        intersections({"sex": ["woman"], "age": ["20-29", "60+"]})


def test_matched_impostors_agree_in_every_column_and_mated_pairs_stay() -> None:
    mated = np.array([True, False, False, False])
    first = {"sex": ["w", "w", "w", "m"], "race": ["1", "1", "2", "1"]}
    second = {"sex": ["m", "w", "w", "w"], "race": ["1", "1", "1", "1"]}
    assert list(impostor_protocol(mated, first, second, [])) == [True, True, True, True]
    assert list(impostor_protocol(mated, first, second, ["sex"])) == [True, True, True, False]
    assert list(impostor_protocol(mated, first, second, ["sex", "race"])) == [True, True, False, False]
    with pytest.raises(BadRequest, match="no such column"):
        impostor_protocol(mated, first, second, ["age"])
