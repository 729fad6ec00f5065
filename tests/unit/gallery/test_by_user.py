"""From hits to users: the best score, at the rate that bounds all comparisons."""

import math
from typing import Any

import numpy as np
import pytest

from countenance.faces import ModelId
from countenance.gallery.by_user import grouped, settled
from countenance.scoring import Calibration

CALIBRATION = Calibration(ModelId("a" * 64), "raw", "c" * 64, np.array([0.0, 0.9]), np.array([0.0, -9.0]))


def at(fmr: float) -> float:
    """The score of that false match rate."""
    return -math.log10(fmr) / 10


def test_one_comparison_is_as_similar_as_its_face() -> None:
    for score in (0.0, 0.21, 0.3, 0.5, 0.77, 0.9, 2.0):
        assert CALIBRATION.similarity_of_best(score, 1) == CALIBRATION.similarity(score)
        assert CALIBRATION.fmr_of_best(score, 1) == CALIBRATION.fmr(score)


@pytest.mark.parametrize(
    ("comparisons", "similarity"), [(1, 99.0), (10, 90.0), (100, 80.0), (10**5, 0.0), (10**7, 0.0)]
)
def test_more_comparisons_are_worth_the_similarity_at_the_sum_of_their_rates(
    comparisons: int, similarity: float
) -> None:
    assert CALIBRATION.similarity_of_best(at(1e-5), comparisons) == pytest.approx(similarity, abs=1e-9)
    assert CALIBRATION.fmr_of_best(at(1e-5), comparisons) == pytest.approx(min(1.0, comparisons * 1e-5))


def test_a_users_score_is_its_best_at_as_many_comparisons_as_there_were() -> None:
    found = [[(1, at(1e-5)), (2, at(1e-4))], [(3, at(1e-6)), (1, at(1e-3))]]
    users = grouped(found, {1: "ann", 2: "bob", 3: "cy"}, {"ann": 5, "bob": 1, "cy": 70}, CALIBRATION, 0.0)
    said = {user.user_id: (user.score, user.fmr) for user in users}
    expected: dict[str, tuple[float, Any]] = {
        "ann": (at(1e-5), pytest.approx(2 * 5 * 1e-5)),
        "bob": (at(1e-4), pytest.approx(2 * 1 * 1e-4)),
        "cy": (at(1e-6), pytest.approx(2 * 70 * 1e-6)),
    }
    assert said == expected
    assert [user.user_id for user in users] == ["ann", "cy", "bob"]
    similarities = [user.similarity for user in users]
    assert similarities == sorted(similarities, reverse=True)
    assert users[0].similarity == pytest.approx(CALIBRATION.similarity(at(1e-4)))


def test_users_below_the_asked_similarity_are_left_out_and_one_at_it_is_not() -> None:
    found = [[(1, at(1e-5)), (2, at(1e-4))]]
    users = grouped(found, {1: "ann", 2: "bob"}, {"ann": 100, "bob": 100}, CALIBRATION, 80.0)
    assert [user.user_id for user in users] == ["ann"]


def test_equally_alike_users_come_by_score_and_then_by_face() -> None:
    found = [[(9, 2.0), (2, 1.0), (4, 1.0)]]
    users = grouped(found, {2: "bob", 4: "ann", 9: "cy"}, {"ann": 1, "bob": 1, "cy": 1}, CALIBRATION, 0.0)
    assert [user.user_id for user in users] == ["cy", "bob", "ann"]


def test_faces_without_an_owner_do_not_count() -> None:
    assert grouped([[(1, 0.9)]], {}, {}, CALIBRATION, 0.0) == []


def test_a_search_is_settled_when_no_further_row_could_change_the_answer() -> None:
    owner, size = {1: "ann", 2: "bob"}, {"ann": 10, "bob": 1}
    found = [[(1, at(1e-6)), (2, at(1e-5))]]
    users = grouped(found, owner, size, CALIBRATION, 80.0)

    def sure(asked: int, limit: int, similarity: float = 80.0, found: list[list[tuple[int, float]]] = found) -> bool:
        return settled(users, found, asked, limit, CALIBRATION, similarity)

    assert sure(3, 5)  # there were no more rows
    assert sure(2, 2)  # both are at least as alike as anybody else could be
    assert not sure(2, 3)  # a third one may be there
    assert sure(2, 3, 99.5)  # but none at that similarity
    few = [[(1, at(1e-6))]]
    unsure = grouped(few, owner, size, CALIBRATION, 80.0)
    assert not settled(unsure, few, 1, 1, CALIBRATION, 80.0)  # one face that scores nearly as high would be more alike
