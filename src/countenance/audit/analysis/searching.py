"""What the measured rates mean for 1:N searches in galleries of several sizes."""

from __future__ import annotations

from collections.abc import Sequence

from countenance.audit.analysis.cells import Cells
from countenance.audit.analysis.measurement import FaceData
from countenance.audit.analysis.rates import rate_of, share
from countenance.audit.formats.plan import GallerySizes
from countenance.audit.formats.results import GroupResult, SearchResult
from countenance.metrics import SearchRates, chance_of_any, expected_false_matches, lead


def searches(
    data: FaceData, cells: Cells, groups: Sequence[GroupResult], gallery: GallerySizes, threshold: float, seed: int
) -> tuple[SearchResult, ...]:
    """One line per gallery size and probe group: by formula, with the gallery mixed as the data is, and measured.

    The FMR is that of the group's people with anybody. Groups without a known FMR have no line.
    """
    sizes = sorted({*gallery.sizes, *_measurable(len(data.present))})
    measured = data.search(cells.grouping, sizes, threshold, seed)
    by_size: dict[int, SearchRates] = {} if measured is None else {rates.gallery: rates for rates in measured.rates}
    lines = []
    for size in sizes:
        for g, group in enumerate(groups):
            fmr = group.fmr_any
            if fmr.estimate is None or fmr.high is None:
                continue
            found = by_size.get(size)
            right = None
            if gallery.prior is not None and group.fnmr.estimate is not None:
                right = lead(gallery.prior, rate_of(fmr), group.fnmr.estimate, size).right
            lines.append(
                SearchResult(
                    gallery=size,
                    group=group.group,
                    expected_false=expected_false_matches([fmr.estimate], [size]),
                    chance_any=chance_of_any([fmr.estimate], [size]),
                    chance_high=chance_of_any([fmr.high], [size]),
                    lead_right=right,
                    measured=None if found is None else share(found.fpir_by_group[g]),
                    missed=None if found is None else share(found.fnir_by_group[g]),
                )
            )
    return tuple(lines)


def _measurable(people: int) -> list[int]:
    """Gallery sizes that the people at hand allow: half of them at most, in steps of about three."""
    sizes = [size for k in range(2, 7) for size in (10**k, 3 * 10**k)]
    return [size for size in sizes if size <= people // 2][-4:]
