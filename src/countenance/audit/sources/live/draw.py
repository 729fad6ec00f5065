"""Which pairs of images are compared: drawn from the labels and a seed alone, so that a plan fixes them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from countenance.audit.formats.plan import LiveApi
from countenance.audit.labelled.people import Grouping
from countenance.audit.labelled.tables import Codes


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of images: first, second: (n,), int64, positions in the list of images; same: (n,), bool."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]


def draw_pairs(subjects: Codes, grouping: Grouping, source: LiveApi, seed: int) -> Pairs:
    """Draw genuine pairs of every subject, and pairs of two people within each group and over all.

    subjects: (images,), row of the people, -1 for images that are left out. Each unordered pair comes once.
    """
    random = np.random.default_rng(seed)
    usable = np.flatnonzero(subjects >= 0)
    chosen: dict[tuple[int, int], bool] = {}
    for _, members in _by(subjects[usable], usable):
        pairs = [(int(a), int(b)) for at, a in enumerate(members) for b in members[at + 1 :]]
        order = random.permutation(len(pairs))[: source.genuine_per_subject]
        chosen.update({pairs[at]: True for at in sorted(order)})
    groups = grouping.codes[subjects[usable]]
    for group, members in _by(groups, usable):
        if group >= 0:
            _add_impostors(chosen, members, subjects, source.impostors_per_group, random)
    _add_impostors(chosen, usable, subjects, source.impostors_across, random)
    first = np.array([a for a, _ in chosen], np.int64)
    second = np.array([b for _, b in chosen], np.int64)
    return Pairs(first, second, np.array(list(chosen.values()), bool))


def _by(codes: NDArray[np.int32], positions: NDArray[np.int64]) -> list[tuple[int, NDArray[np.int64]]]:
    if not codes.size:
        return []
    order = np.argsort(codes, kind="stable")
    names, starts = np.unique(codes[order], return_index=True)
    parts = np.split(positions[order], starts[1:])
    return [(int(name), part) for name, part in zip(names, parts, strict=True)]


def _add_impostors(
    chosen: dict[tuple[int, int], bool],
    members: NDArray[np.int64],
    subjects: Codes,
    wanted: int,
    random: np.random.Generator,
) -> None:
    """Add up to `wanted` new pairs; where nearly all are taken, fewer."""
    drawn = tries = 0
    while drawn < wanted and tries < 50 * wanted and len(members) > 1:
        a, b = (int(x) for x in random.choice(members, 2))
        pair = (min(a, b), max(a, b))
        tries += 1
        if subjects[a] != subjects[b] and pair not in chosen:
            chosen[pair] = False
            drawn += 1
