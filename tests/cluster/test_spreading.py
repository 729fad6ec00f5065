"""Work spread over processes of the cluster: every piece comes back, under its own place, whoever dies."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.cluster.ring import VARIABLES, Ring

from countenance.cluster import ClusterPlan, spread, spread_large

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def plan() -> Iterator[ClusterPlan]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in VARIABLES.items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
        ring = Ring()
        ring.start(0)
        try:
            yield ClusterPlan(ring.address, "i" * 64, 1, 1, 1, int)  # type: ignore[arg-type]
        finally:
            ring.kill()


class Dying:
    """Ends its process at the 7th piece, the first time."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __call__(self) -> Callable[[int], object]:
        return self.work

    def work(self, item: int) -> object:
        if item == 7 and not self._mark.exists():
            self._mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return OSError("gone") if item == 8 else item * item

    def large(self, items: NDArray[np.int64]) -> int:
        if 7 in items:
            self.work(7)
        return int(items.sum())


def test_every_piece_comes_back_under_its_place(plan: ClusterPlan, tmp_path: Path) -> None:
    done = list(spread(plan, Dying(tmp_path / "died"), list(range(40)), workers=1))
    assert (tmp_path / "died").exists()
    results = dict(done)
    assert len(done) == len(results)
    assert isinstance(results.pop(8), OSError)
    assert results == {item: item * item for item in range(40) if item != 8}


def test_large_pieces_are_made_as_they_are_needed_and_each_comes_back_once(plan: ClusterPlan, tmp_path: Path) -> None:
    made: list[int] = []

    def pieces() -> Iterator[NDArray[np.int64]]:
        for number in range(12):
            made.append(number)
            yield np.arange(1000 * number, 1000 * (number + 1))

    answers = spread_large(plan, Dying(tmp_path / "died").large, pieces(), workers=1)
    first = next(answers)
    assert len(made) < 5
    rest = list(answers)
    assert (tmp_path / "died").exists()
    assert sum([first, *rest]) == sum(range(12_000))
    assert len(rest) == 11
