"""The scan that a GPU runs, on the processor: onnxruntime's graph is the same."""

import numpy as np
import pytest
from benchmarks import gpu_scan
from benchmarks.gpu_scan import Scan, slack
from numpy.typing import NDArray

from countenance.gallery.search.index import ranked


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_scan, "PART", 4 * gpu_scan.BLOCK)


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("count", [900, 6 * 1024, 9 * 1024 + 77])
def test_a_scan_finds_what_computing_every_score_finds(count: int) -> None:
    chance = np.random.default_rng(1)
    rows = unit(chance.normal(size=(count, 48)) + 0.3)
    scan = Scan(rows, "CPUExecutionProvider", "cpu")
    for i in (0, count // 2, count - 1):
        probe = unit(rows[i : i + 1] + 0.1 * chance.normal(size=(1, 48)))[0]
        assert scan.search(probe, 10) == ranked(np.arange(1, count + 1), rows, probe, 10, -1e9)
    assert scan.fallbacks == 0


def test_where_half_precision_cannot_tell_rows_apart_every_score_is_computed() -> None:
    chance = np.random.default_rng(2)
    rows = unit(np.ones((4096, 32)) + 1e-4 * chance.normal(size=(4096, 32)))
    scan = Scan(rows, "CPUExecutionProvider", "cpu")
    assert scan.search(rows[5], 10) == ranked(np.arange(1, 4097), rows, rows[5], 10, -1e9)
    assert scan.fallbacks == 1


@pytest.mark.parametrize("size", [1e-3, 1.0, 40.0])
def test_half_precision_is_off_by_less_than_the_slack_says(size: float) -> None:
    chance = np.random.default_rng(3)
    rows = (size * unit(chance.normal(size=(2000, 512)))).astype(np.float32)
    probe = unit(rows[:1] / size + 0.02 * chance.normal(size=(1, 512)))[0]
    exact = rows.astype(np.float64) @ probe.astype(np.float64)
    halved = rows.astype(np.float16).astype(np.float32) @ probe.astype(np.float16).astype(np.float32)
    off = np.abs(halved.astype(np.float16).astype(np.float64) - exact).max()
    allowed = slack(probe, float(np.linalg.norm(rows, axis=1).max()))
    assert 0.01 * allowed < off < allowed
