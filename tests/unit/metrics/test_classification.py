import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_score, recall_score

from countenance.errors import BadRequest
from countenance.metrics import classify, wilson

# Gender Shades (Buolamwini and Gebru 2018): rounded error rates by skin type and gender; counts follow from the cells'
# sizes. The Wilson intervals were computed independently of this project.
GENDER_SHADES = {
    ("Microsoft", "darker man"): (19, 318, 3.9, 9.1),
    ("Microsoft", "darker woman"): (56, 271, 16.3, 25.9),
    ("Microsoft", "lighter man"): (0, 385, 0.0, 0.99),
    ("Microsoft", "lighter woman"): (5, 296, 0.7, 3.9),
    ("Face++", "darker man"): (2, 318, 0.2, 2.3),
    ("Face++", "darker woman"): (93, 271, 28.9, 40.2),
    ("Face++", "lighter man"): (3, 385, 0.3, 2.3),
    ("Face++", "lighter woman"): (18, 296, 3.9, 9.4),
    ("IBM", "darker man"): (38, 318, 8.8, 16.0),
    ("IBM", "darker woman"): (94, 271, 29.3, 40.5),
    ("IBM", "lighter man"): (1, 385, 0.05, 1.5),
    ("IBM", "lighter woman"): (21, 296, 4.7, 10.6),
}


@pytest.mark.parametrize("system", ["Microsoft", "Face++", "IBM"])
def test_the_twelve_cells_of_gender_shades(system: str) -> None:
    truth, said, group = [], [], []
    for (name, cell), (errors, rows, *_) in GENDER_SHADES.items():
        if name == system:
            gender = cell.split()[1]
            other = "man" if gender == "woman" else "woman"
            truth += [gender] * rows
            said += [other] * errors + [gender] * (rows - errors)
            group += [cell] * rows
    found = classify(truth, said, group)
    assert found.everybody.rows == 1270
    for table in found.groups:
        errors, rows, low, high = GENDER_SHADES[system, table.group]
        assert (table.error.errors, table.error.trials) == (errors, rows)
        assert (100 * table.error.interval.low, 100 * table.error.interval.high) == pytest.approx((low, high), abs=0.06)
    men = {c.label: c for c in found.everybody.classes}
    assert men["man"].fpr.errors == men["woman"].tpr.trials - men["woman"].tpr.errors, "FPR of men mirrors TPR of women"


labels = st.lists(
    st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.sampled_from("xy")), min_size=1, max_size=60
)


@given(labels)
def test_rates_agree_with_sklearn(rows: list[tuple[str, str, str]]) -> None:
    truth, said, group = (np.array(c) for c in zip(*rows, strict=True))
    found = classify(truth, said, group)
    for table in found.groups:
        here = group == table.group
        classes = [c.label for c in table.classes]
        matrix = confusion_matrix(truth[here], said[here], labels=["a", "b", "c"])
        assert table.error.errors == matrix.sum() - np.trace(matrix)
        ppv = precision_score(truth[here], said[here], labels=classes, average=None, zero_division=np.nan)
        tpr = recall_score(truth[here], said[here], labels=classes, average=None, zero_division=np.nan)
        for i, c in enumerate(table.classes):
            assert c.ppv.estimate == pytest.approx(ppv[i], nan_ok=True)
            assert c.tpr.estimate == pytest.approx(tpr[i], nan_ok=True)
            assert c.ppv.known == bool((said[here] == c.label).any())


def test_no_answer_is_an_error_and_counted_apart() -> None:
    found = classify(["a", "a", "b"], ["a", "none", "b"], ["x", "x", "x"], no_answer="none")
    x = found.groups[0]
    assert (x.error.errors, x.no_answer.errors) == (1, 1)
    assert "strange-classes" not in {f.kind for f in found.findings}
    assert {c.label for c in x.classes} == {"a", "b"}


def test_one_row_for_each_person_has_plain_wilson_intervals_and_many_rows_do_not() -> None:
    truth, said = ["a"] * 100, ["a"] * 90 + ["b"] * 10
    single = classify(truth, said, ["x"] * 100).groups[0].error.interval
    assert (single.low, single.high) == pytest.approx((wilson(10, 100).low, wilson(10, 100).high))
    grouped = classify(truth, said, ["x"] * 100, people=np.arange(100) // 10).groups[0].error
    assert grouped.effective_trials < 20


def test_empty_and_odd_tables_are_said() -> None:
    found = classify(["a", "b"], ["a", "z"], ["x", "x"], groups=["x", "y"])
    assert {f.kind for f in found.findings} == {"empty-groups", "strange-classes"}
    assert not found.groups[1].error.known
    assert "single-class" in {f.kind for f in classify(["a"], ["a"], ["x"]).findings}
    with pytest.raises(BadRequest, match="no classified row"):
        classify([], [], [])
    with pytest.raises(BadRequest, match="no label"):
        classify(["a", ""], ["a", "a"], ["x", "x"])
    with pytest.raises(BadRequest, match="rows, expected"):
        classify(["a"], ["a", "b"], ["x"])
