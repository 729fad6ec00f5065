"""A set of many numbers in little memory behaves as any set does."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.ledger import fingerprints
from countenance.ledger.fingerprints import Fingerprints

ASKED = (0, 1, 2, 3, 4, 2**63, 2**64 - 2, 2**64 - 1)
NUMBERS = st.sets(st.sampled_from(ASKED))


@given(st.lists(st.tuples(st.booleans(), NUMBERS)), st.integers(0, 4))
def test_it_holds_what_a_set_holds_whenever_it_settles(steps: list[tuple[bool, set[int]]], loose: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fingerprints, "_LOOSE", loose)
        ours, theirs = Fingerprints(), set[int]()
        for puts, numbers in steps:
            (ours.add if puts else ours.remove)(numbers)
            theirs = theirs | numbers if puts else theirs - numbers
            assert {n for n in ASKED if n in ours} == theirs
            assert ours.equals(frozenset(theirs))
            assert not ours.equals(frozenset(theirs ^ {2}))
        assert ours.numbers().tolist() == sorted(theirs)


def test_many_take_little_more_than_eight_bytes_each() -> None:
    numbers = np.random.default_rng(1).integers(0, 2**64, 200_000, np.uint64)
    tracemalloc.start()
    ours = Fingerprints()
    for some in np.split(numbers, 200):
        ours.add(some.tolist())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 8 * len(numbers) + 150 * fingerprints._LOOSE
    assert int(numbers[7]) in ours
