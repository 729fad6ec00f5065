"""An audit that is interrupted while others count goes on with the parts that were not counted yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from tests.unit.metrics.test_counting_in_parts import comparisons

from countenance.audit.kept_counts import KeptCounts, Named, NamedCounts
from countenance.metrics import Counting, verify_each

THRESHOLDS = (-1.0, 0.5, 9.0)
PARTS = 6


class Helpers:
    """Count what they are given, the last first, until they have counted `strength` parts."""

    def __init__(self, strength: int = 100) -> None:
        self.strength, self.counted = strength, 0

    def __call__(self, work: Callable[[Named], NamedCounts], parts: Iterable[Named]) -> Iterator[NamedCounts]:
        for part in reversed(list(parts)):
            if self.counted == self.strength:
                raise KeyboardInterrupt
            self.counted += 1
            yield work(part)


def figures(kept: KeptCounts, thresholds: tuple[float, ...] = THRESHOLDS, *, people: bool = True) -> str:
    return repr(verify_each(comparisons(0, 3000, people), thresholds, spread=Counting(kept, PARTS)))


def interrupted(folder: Path, after: int, *, people: bool = True) -> None:
    with pytest.raises(KeyboardInterrupt):
        figures(KeptCounts(folder, Helpers(after)), people=people)


@pytest.mark.parametrize("people", [True, False])
def test_only_the_rest_is_counted_and_the_figures_are_those_of_one_run(tmp_path: Path, people: bool) -> None:
    interrupted(tmp_path / "kept", 4, people=people)
    kept = KeptCounts(tmp_path / "kept", rest := Helpers())
    assert figures(kept, people=people) == repr(verify_each(comparisons(0, 3000, people), THRESHOLDS))
    assert (kept.found, rest.counted) == (4, PARTS - 4)
    again = KeptCounts(tmp_path / "kept", nobody := Helpers(0))
    assert figures(again, people=people) == repr(verify_each(comparisons(0, 3000, people), THRESHOLDS))
    assert (again.found, nobody.counted) == (PARTS, 0)


def test_counts_of_something_else_are_not_taken(tmp_path: Path) -> None:
    interrupted(tmp_path / "kept", 4)
    kept = KeptCounts(tmp_path / "kept", Helpers())
    others = (*THRESHOLDS[:-1], 8.0)
    assert figures(kept, others) == repr(verify_each(comparisons(0, 3000, people=True), others))
    assert kept.found == 0


def test_a_file_that_was_cut_off_is_counted_again(tmp_path: Path) -> None:
    interrupted(tmp_path / "kept", 4)
    first, second, *_ = sorted((tmp_path / "kept").iterdir())
    first.write_bytes(first.read_bytes()[:-100])
    second.write_bytes(b"")
    kept = KeptCounts(tmp_path / "kept", Helpers())
    assert figures(kept) == repr(verify_each(comparisons(0, 3000, people=True), THRESHOLDS))
    assert kept.found == 2


def test_what_is_kept_is_its_owners_alone_and_goes_when_the_audit_is_over(tmp_path: Path) -> None:
    kept = KeptCounts(tmp_path / "kept", Helpers())
    figures(kept)
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
    assert len(list((tmp_path / "kept").iterdir())) == PARTS
    kept.forget()
    assert list(tmp_path.iterdir()) == []
