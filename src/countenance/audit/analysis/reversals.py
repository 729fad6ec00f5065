"""Simpson's paradox: a difference by one factor that runs the other way within every group of another factor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from countenance.audit.labelled.people import LabelledPeople
from countenance.audit.labelled.tables import Codes

FEWEST = 20
"""Trials that each side needs within a group of the other factor, for its direction to be told."""
_CLEAR = 2.58
"""Standard errors by which both the difference and its opposite within groups stand out: 99 %."""
_MOST_GROUPS = 12
_MOST_TOLD = 3
_Counts = NDArray[np.float64]


def reversals(
    people: LabelledPeople, whose: Codes, errors: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]
) -> tuple[str, ...]:
    """Findings about pairs of groups whose difference turns round within every group of another factor.

    people: the factors. whose: (rows,), row of `people`, -1 where set aside. errors: by what happened, in words
    ("wrongly called high risk"): (rows,) which rows count, and (rows,) in which of them it did. The strongest come
    first, three at most.
    """
    found: list[tuple[float, str]] = []
    for what, (counted, wrong) in errors.items():
        rows = counted & (whose >= 0)
        for first, second in permutations(range(len(people.factors)), 2):
            names, strata = people.labels[first], people.labels[second]
            if max(len(names), len(strata)) > _MOST_GROUPS:
                continue
            own, other = (people.codes[whose[rows], at] for at in (first, second))
            table = _table(own, other, wrong[rows], (len(names), len(strata)))
            for one, two in combinations(range(len(names)), 2):
                turned = _turned(table[:, one], table[:, two])
                if turned is None:
                    continue
                z, more = turned
                a, b = (names[one], names[two]) if more else (names[two], names[one])
                factor, by = people.factors[second], people.factors[first]
                found.append((
                    z,
                    f"people of {by} {a!r} are {what} more often than those of {b!r}, and less often within every "
                    f"group of {factor}: {factor} may explain that difference, so compare them within its groups "
                    f"(under [groups]: intersections)",
                ))  # fmt: skip
    return tuple(text for _, text in sorted(found, reverse=True)[:_MOST_TOLD])


def one_row_each(whose: Codes) -> NDArray[np.bool_]:
    """The first row of each person, (rows,): rows of one person are not independent of each other."""
    first = np.zeros(len(whose), bool)
    first[np.unique(whose, return_index=True)[1]] = True
    return first


def _table(own: Codes, other: Codes, wrong: NDArray[np.bool_], shape: tuple[int, int]) -> _Counts:
    """Errors and trials by group and by group of the other factor, (2, groups, strata)."""
    known = (own >= 0) & (other >= 0)
    place = own[known].astype(np.int64) * shape[1] + other[known]
    size = shape[0] * shape[1]
    counts = np.stack([np.bincount(place, wrong[known], size), np.bincount(place, minlength=size)])
    return counts.reshape(2, *shape).astype(np.float64)


def _turned(one: _Counts, other: _Counts) -> tuple[float, bool] | None:
    """How clearly a difference turns round within the strata, and whether `one` has the higher rate in all.

    one, other: errors and trials, (2, strata). None: it does not, or one side lacks the trials in a stratum that holds
    more than a tenth of all.
    """
    told = (one[1] >= FEWEST) & (other[1] >= FEWEST)
    trials = one[1] + other[1]
    if told.sum() < 2 or trials[~told].sum() > trials.sum() / 10:
        return None
    (k, n), (j, m) = one[:, told], other[:, told]
    within = k / n - j / m
    whole = k.sum() / n.sum() - j.sum() / m.sum()
    if not whole or not (np.sign(within) == -np.sign(whole)).all():
        return None
    pooled = (k + j) / (n + m)
    weight = n * m / (n + m)
    spread = math.sqrt(float((weight * pooled * (1 - pooled)).sum()))
    share = (k.sum() + j.sum()) / (n.sum() + m.sum())
    error = math.sqrt(float(share * (1 - share) * (1 / n.sum() + 1 / m.sum())))
    if not spread or not error:
        return None
    z = min(abs(float((weight * within).sum())) / spread, abs(float(whole)) / error)
    return (z, bool(whole > 0)) if z >= _CLEAR else None
