from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from countenance.audit.analysis.disclosure import publishable
from countenance.audit.labelled.people import Grouping, Labelled, people_of_rows
from countenance.audit.labelled.tables import read_table
from countenance.errors import BadRequest


def people(tmp_path: Path, text: str, contradictions: str = "error") -> Labelled:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    return people_of_rows(read_table(path), "who", ["race", "sex"], contradictions)


def test_each_subject_has_one_label_however_many_rows(tmp_path: Path) -> None:
    found = people(tmp_path, "who,race,sex\na,x,f\nb,y,m\na,x,f\na,,f\n")
    assert found.people.ids == ("a", "b")
    assert found.people.codes.tolist() == [[0, 0], [1, 1]]
    assert found.subjects.tolist() == [0, 1, 0, 0]
    assert found.findings == ()


def test_intersections_name_both_labels_and_lack_those_who_lack_one(tmp_path: Path) -> None:
    found = people(tmp_path, "who,race,sex\na,x,f\nb,y,m\nc,y,\n")
    grouping = found.people.grouping("race x sex")
    assert grouping.groups == ("x · f", "x · m", "y · f", "y · m")
    assert grouping.codes.tolist() == [0, 3, -1]
    assert found.findings == ("1 of 3 subjects have no label for sex; they count in no group of it",)


def test_a_subject_in_two_groups_is_an_error_that_counts_and_names_nobody(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"1 of 2 subjects in labels.csv belong to two groups") as caught:
        people(tmp_path, "who,race,sex\nanna,x,f\nb,y,m\nanna,y,f\n")
    assert "anna" not in str(caught.value)


def test_or_it_is_set_aside_with_a_finding(tmp_path: Path) -> None:
    found = people(tmp_path, "who,race,sex\nb,x,f\na,y,m\nb,y,f\n", "set aside")
    assert found.people.ids == ("a",)
    assert found.subjects.tolist() == [-1, 0, -1]
    assert "1 of 2 subjects" in found.findings[0] and "set aside" in found.findings[0]


def test_rows_without_a_subject_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="1 empty cells"):
        people(tmp_path, "who,race,sex\n,x,f\nb,y,m\n")


def test_groups_that_are_expected_are_listed_though_nobody_is_in_them(tmp_path: Path) -> None:
    found = people(tmp_path, "who,race,sex\na,x,f\nb,z,m\n").people.expecting({"race": ["y"]})
    assert found.grouping("race").groups == ("x", "y", "z")
    assert found.grouping("race").codes.tolist() == [0, 2]
    cells = publishable(found.grouping("race"), np.array([0, 1], np.int32), 1)
    assert cells.empty == ("y",)


def test_an_unknown_factor_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no factor 'age'; there are race, sex"):
        people(tmp_path, "who,race,sex\na,x,f\n").people.grouping("age")


def grouping(*sizes: int) -> Grouping:
    codes = np.concatenate([np.full(n, at, np.int32) for at, n in enumerate(sizes)])
    return Grouping("g", tuple("abcdef"[: len(sizes)]), codes)


def everybody(g: Grouping) -> np.ndarray:
    return np.arange(len(g.codes), dtype=np.int32)


def test_small_groups_are_merged_into_one_that_is_large_enough() -> None:
    g = grouping(20, 6, 7, 0)
    cells = publishable(g, everybody(g), 10)
    assert cells.grouping.groups == ("a", "d", "other groups of fewer than 10 people")
    assert cells.people == (20, 0, 13)
    assert cells.merged == ("b", "c")
    assert cells.empty == ("d",)
    assert np.bincount(cells.grouping.codes).tolist() == [20, 0, 13]


def test_a_single_small_group_is_left_out_entirely() -> None:
    g = grouping(20, 6)
    cells = publishable(g, everybody(g), 10)
    assert cells.grouping.groups == ("a",)
    assert cells.merged == ("b",)
    assert (cells.grouping.codes[20:] == -1).all()


def test_nothing_that_leaves_has_fewer_people_than_the_bound() -> None:
    random = np.random.default_rng(1)
    for _ in range(200):
        g = grouping(*random.integers(0, 15, random.integers(1, 7)))
        cells = publishable(g, everybody(g), 8)
        counts = np.bincount(cells.grouping.codes[cells.grouping.codes >= 0], minlength=len(cells.grouping.groups))
        assert tuple(counts) == cells.people
        assert all(n == 0 or n >= 8 for n in counts)
        assert {*cells.grouping.groups, *cells.merged} >= set(g.groups)
