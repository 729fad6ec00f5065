"""Obligations are values, written as one line and read back as the same."""

from __future__ import annotations

import typing

import pytest

from countenance.policy.obligations import (
    Addressee,
    AuthoriseWithin,
    BlurOthers,
    CarryLabel,
    Count,
    DeleteNonMatches,
    KeepAtMost,
    KeepRecord,
    Label,
    Obligation,
    Reviewers,
    ShredOnRefusal,
    Tell,
    obligations,
    words,
)

ONE_OF_EACH: list[Obligation] = [
    Reviewers(2, "c"),
    AuthoriseWithin(24, "c"),
    ShredOnRefusal("c"),
    Count("eu.real-time", "c"),
    KeepAtMost(365, "c"),
    KeepRecord(184, "c"),
    DeleteNonMatches("c"),
    BlurOthers("c"),
    Tell(Addressee.DEFENCE, "c"),
    CarryLabel(Label.NOT_PROBABLE_CAUSE, "c"),
]


def test_the_list_above_holds_one_of_each() -> None:
    assert {type(o) for o in ONE_OF_EACH} == set(typing.get_args(Obligation))


@pytest.mark.parametrize("obligation", ONE_OF_EACH, ids=lambda o: type(o).__name__)
def test_each_is_read_back_as_it_was_written(obligation: Obligation) -> None:
    assert obligations(words(obligation), "c") == (obligation,)


def test_several_stand_in_one_annotation() -> None:
    text = "; ".join(words(o) for o in ONE_OF_EACH)
    assert obligations(text, "c") == tuple(ONE_OF_EACH)
    assert obligations("", "c") == ()


@pytest.mark.parametrize(
    "text",
    [
        "reviewers", "reviewers 0", "reviewers two", "reviewers -1", "authorise-within 24", "authorise-within 24d",
        "keep-at-most 1h", "shred-on-refusal now", "tell everybody", "label sure", "count A B", "smile", "reviewers 2h",
    ],
)  # fmt: skip
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        obligations(text, "c")
