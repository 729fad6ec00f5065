"""Work spread over processes of the cluster: every piece comes back, under its own place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cluster.ring import VARIABLES, Ring

from countenance.cluster import ClusterPlan, spread

pytestmark = pytest.mark.cluster


def opening() -> Callable[[int], object]:
    def work(item: int) -> object:
        return OSError("gone") if item == 7 else item * item

    return work


def test_every_piece_comes_back_under_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    ring = Ring()
    ring.start(0)
    try:
        plan = ClusterPlan(ring.address, "i" * 64, 1, 1, 1, int)  # type: ignore[arg-type]
        done = dict(spread(plan, opening, list(range(40)), workers=1))
    finally:
        ring.kill()
    assert isinstance(done.pop(7), OSError)
    assert done == {item: item * item for item in range(40) if item != 7}
