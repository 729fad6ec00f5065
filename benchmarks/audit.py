"""The auditor's speed beside its peers, in CPU seconds of this process (BLAS threads included): the median of
a few runs, and the range of their CPU seconds.

Three workloads on made-up numbers: a curve of ten million scores, clustered intervals of a hundred thousand rows in
eight groups, and all pairs of twenty thousand templates. Peers: scikit-learn, fairlearn, and the bare matrix product;
pyeer where it is installed.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from countenance.metrics import PairSums, Tradeoff, all_pairs, bootstrap_totals, percentile
from countenance.metrics.all_pairs.blocks import BLOCK, Floats32, Ordered, each_block

IMPOSTORS, GENUINE = 10_000_000, 100_000
ROWS, PEOPLE, GROUPS, REPLICATES = 100_000, 10_000, 8, 1_000
TEMPLATES, WIDTH = 20_000, 512
FACES = 13_233  # as many as LFW has pictures; the vectors are random, as the work does not depend on what they are
FAIRLEARN_REPLICATES = 3


@dataclass(frozen=True)
class Took:
    """CPU and wall seconds, medians; the CPU seconds of every run."""

    cpu_s: float
    wall_s: float
    runs: tuple[float, ...] = ()


def median_of(times: int, work: Callable[[], object]) -> Took:
    """The same work a few times over."""
    cpu_s, wall_s = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        cpu_s.append(time.process_time() - cpu)
        wall_s.append(time.perf_counter() - wall)
    return Took(statistics.median(cpu_s), statistics.median(wall_s), tuple(cpu_s))


def row(what: str, took: Took, ours: Took, note: str = "") -> dict[str, object]:
    """ours: what the ratio of CPU seconds is taken to."""
    spread = f"{min(took.runs):.3g}-{max(took.runs):.3g} ({len(took.runs)} runs)" if took.runs else "extrapolated"
    ratio = took.cpu_s / ours.cpu_s
    return {"what": what, "CPU s": took.cpu_s, "range": spread, "wall s": took.wall_s, "x ours": ratio, "note": note}


def curves() -> dict[str, object]:
    """Exact EER, FNMR at four FMRs and a DET curve."""
    from sklearn.metrics import det_curve, roc_curve

    rng = np.random.default_rng(0)
    impostor, genuine = rng.standard_normal(IMPOSTORS), rng.normal(4.5, 1.2, GENUINE)
    eer = [0.0]

    def ours() -> None:
        curve = Tradeoff.of(impostor, genuine)
        eer[0] = curve.eer().rate
        curve.fnmr(curve.threshold_at([1e-3, 1e-4, 1e-5, 1e-6]))
        curve.det()

    mine = median_of(5, ours)
    rows = [row("countenance: EER, ROCCH-EER, FNMR at four FMRs, DET", mine, mine, f"EER {eer[0]:.6f}")]
    score, label = np.r_[impostor, genuine], np.r_[np.zeros(IMPOSTORS), np.ones(GENUINE)]
    rows.append(row("scikit-learn det_curve", median_of(3, lambda: det_curve(label, score)), mine))
    rows.append(row("scikit-learn roc_curve", median_of(3, lambda: roc_curve(label, score)), mine))
    if importlib.util.find_spec("pyeer"):
        from pyeer.eer_info import get_eer_stats  # type: ignore[import-not-found, unused-ignore]

        rows.append(row("pyeer get_eer_stats", median_of(1, lambda: get_eer_stats(genuine, impostor)), mine))
    return {"title": f"Exact curve of {IMPOSTORS:,} + {GENUINE:,} scores", "rows": rows}


def intervals() -> dict[str, object]:
    """Percentile intervals of FPR and FNR by group from resampled people."""
    import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate

    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(PEOPLE), ROWS // PEOPLE)
    group = person % GROUPS
    truth = rng.random(ROWS) < 0.4
    said = np.where(rng.random(ROWS) < 0.1 + 0.02 * group, ~truth, truth)

    def ours() -> None:
        columns = [said & ~truth, ~truth, ~said & truth, truth]
        counts = np.column_stack([np.bincount(person, c, PEOPLE) for c in columns]).astype(np.int64)
        totals = bootstrap_totals(counts, np.arange(PEOPLE) % GROUPS, REPLICATES, seed=0)
        percentile(totals[:, :, 0] / totals[:, :, 1])
        percentile(totals[:, :, 2] / totals[:, :, 3])

    metrics = {"fpr": false_positive_rate, "fnr": false_negative_rate}
    given = {"y_true": pd.Series(truth), "y_pred": pd.Series(said), "sensitive_features": pd.Series(group)}

    def frame(**how: object) -> None:
        MetricFrame(metrics=metrics, **given, **how).by_group  # noqa: B018

    ours()
    mine = median_of(5, ours)
    frame()
    plain = median_of(2, frame)
    some = median_of(1, lambda: frame(n_boot=FAIRLEARN_REPLICATES, ci_quantiles=[0.025, 0.975], random_state=0))
    each = max(some.cpu_s - plain.cpu_s, 0.0) / FAIRLEARN_REPLICATES
    wall = max(some.wall_s - plain.wall_s, 0.0) / FAIRLEARN_REPLICATES
    said_of = f"extrapolated from {FAIRLEARN_REPLICATES} replicates of rows, not people"
    rows = [
        row(f"countenance: {REPLICATES:,} replicates of people", mine, mine, f"{PEOPLE:,} people"),
        row("fairlearn MetricFrame without intervals", plain, mine),
        row(
            f"fairlearn MetricFrame, {REPLICATES:,} replicates",
            Took(each * REPLICATES, wall * REPLICATES),
            mine,
            said_of,
        ),
    ]
    return {"title": f"Clustered intervals, {ROWS:,} rows, {GROUPS} groups", "rows": rows}


def templates(count: int) -> Floats32:
    made = np.random.default_rng(0).standard_normal((count, WIDTH)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), np.float32)


def pairs() -> dict[str, object]:
    """All pairs by group against the same blocks multiplied and thrown away, one BLAS thread to a worker in both."""
    rows = []
    for count in (TEMPLATES, FACES):
        made = templates(count)
        people, group = np.arange(count), np.arange(count) % GROUPS
        names = [str(g) for g in range(GROUPS)]

        def ours(
            made: Floats32 = made, people: np.ndarray = people, group: np.ndarray = group, names: list[str] = names
        ) -> PairSums:
            return all_pairs(made, None, people, group, names, [0.13, 0.15, 0.18])

        def bare(made: Floats32 = made, people: np.ndarray = people, group: np.ndarray = group) -> None:
            each_block(Ordered.of(made, None, people, group), lambda a, b, scores: None, 0)

        found = ours()
        bare()
        mine, product = median_of(5, ours), median_of(5, bare)
        memory = f"{found.peak_bytes / 2**20:.0f} MiB stated beyond the input"
        note = f"{mine.cpu_s / product.cpu_s:.2f} x the bare product; {memory}"
        shape = f"{count:,} x {WIDTH}"
        rows.append(row(f"countenance: {shape}, {count * (count - 1) // 2:,} pairs, {GROUPS} groups", mine, mine, note))
        rows.append(row(f"bare product: {shape}, same blocks of {BLOCK}, {found.workers} workers", product, mine))
    cells = median_of(3, lambda: found.verification(1))
    rows.append(row(f"jackknife intervals of all cells, {FACES:,} people", cells, mine))
    made_of = f"random unit vectors, one a person ({FACES:,}: as many as LFW has pictures)"
    return {"title": f"All pairs of {made_of}: histograms, false matches by person", "rows": rows}


def run() -> dict[str, object]:
    """All three, for docs/benchmarks.md."""
    return {"what": (__doc__ or "").strip(), "tables": [curves(), intervals(), pairs()]}
