"""Every pair of n templates, by group, without ever holding n² scores.

The score of two templates is the inner product of the one's probe side and the other's gallery side (for plain cosine
both sides are the template). Blocks of the upper triangle go through one matrix product into a reused buffer and at
once through one compiled pass that fills histograms by pair of groups and counts, per person, the non-mated scores at
or above each threshold: what the jackknife needs. Mated pairs (same person) are taken out and returned as they are.

Memory: n·d floats twice at most (sorted copies), a block of scores per worker, and counts; `PairSums.peak_bytes` says
how much.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from countenance.audit.metrics.comparisons import Finding
from countenance.audit.metrics.dyads import Counts, Tally
from countenance.audit.metrics.intervals import Floats
from countenance.audit.metrics.labels import Codes
from countenance.audit.metrics.tradeoff import Tradeoff
from countenance.audit.metrics.verification import Verification


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """What is kept of all pairs.

    groups: g names. thresholds: float64 (t,), ascending. edges: float64 (b+1,) of the histogram.
    impostor_histogram: int64 (g, g, b), upper triangle: non-mated scores between two groups; first and last bin hold
    what lies outside. genuine, genuine_person, genuine_group: (m,) mated scores, the person, the group (a mated pair
    over two groups counts for the first image's). templates, people: how many there are in each group, int64 (g,).
    pairs: number of scores computed. peak_bytes: largest memory of the working buffers and counts, beyond the input.
    """

    groups: tuple[str, ...]
    thresholds: Floats
    edges: Floats
    impostor_histogram: Counts
    genuine: Floats
    genuine_person: Codes
    genuine_group: Codes
    templates: Counts
    people: Counts
    pairs: int
    peak_bytes: int
    findings: tuple[Finding, ...]

    def impostors(self, first: int, second: int) -> int:
        """Number of non-mated pairs between two groups, in either order."""
        raise NotImplementedError

    def tally(self, threshold: int, first: int, second: int) -> Tally:
        """False matches between two groups at `thresholds[threshold]`, by person."""
        raise NotImplementedError

    def verification(self, threshold: int, level: float = 0.95) -> Verification:
        """Error rates by group and pair of groups at `thresholds[threshold]`: what `verify` is for score files."""
        raise NotImplementedError

    def threshold_at(self, fmr: float, first: int | None = None, second: int | None = None) -> float:
        """The lowest histogram edge with FMR <= target, of all non-mated pairs or of two groups: exact counts, and at
        most one bin above the exact threshold. Just above the last edge where even that has more."""
        raise NotImplementedError

    def tradeoff(self, first: int | None = None, second: int | None = None) -> Tradeoff:
        """The curve, impostors taken at their bins' lower edges (right to one bin's width)."""
        raise NotImplementedError


def all_pairs(
    probe_side: ArrayLike,
    gallery_side: ArrayLike | None,
    people: ArrayLike,
    group: ArrayLike,
    groups: Sequence[str],
    thresholds: Sequence[float] = (),
    *,
    low: float = -1.0,
    high: float = 1.0,
    bins: int = 4096,
    workers: int = 0,
) -> PairSums:
    """All pairs of n templates.

    probe_side, gallery_side: float32 (n, d); the score of rows i and j is probe_side[i] · gallery_side[j], which must
    not depend on the order (it is checked on a sample: `BadRequest`); None: the same as probe_side. people: (n,)
    anything comparable; group: int (n,), codes into `groups`. thresholds: up to 64, for false-match counts per person.
    low, high, bins: the histogram. workers: threads; 0 means all cores.

    BadRequest: NaN or infinite numbers, shapes that do not fit, fewer than two templates, a code out of range.
    Findings: no mated pairs, a single person, empty groups, a person in several groups.
    """
    raise NotImplementedError


def top_scores(
    probe_side: ArrayLike,
    gallery_side: ArrayLike | None,
    people: ArrayLike,
    floor: float,
    limit: int,
    *,
    workers: int = 0,
) -> tuple[Floats, Counts]:
    """Non-mated scores at or above `floor`, and who they belong to: what `tail.fit_tail` needs.

    Returns scores float64 (m,) and row numbers int64 (m, 2) with first < second, in no particular order. More than
    `limit` of them are a `BadRequest` that says how many there are.
    """
    raise NotImplementedError
