"""What stops a use, and what would let it go on: decided again with the safeguards that an asker could bring.

A conditional law is not a ban. `ways` finds sets of safeguards with which a denied request is permitted, each as small
as can be: without any one of its safeguards it is denied again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence

from countenance.policy.fine_print.table import Safeguard, leaves

_MOST_WAYS = 3
"""Most ways that are looked for: a reader needs to know that there is one and what it asks, not all of them."""

Way = tuple[Safeguard, ...]


def ways(safeguards: Sequence[Safeguard], permitted: Callable[[Way], bool]) -> tuple[Way, ...]:
    """Up to three minimal sets of `safeguards` for which `permitted` holds; () if there is none.

    No set asks for all that another asks for, and more. The first is found among all; the others by barring a safeguard
    of an earlier one at a time.
    """
    smallest: list[Way] = []
    waiting: list[frozenset[str]] = [frozenset()]
    tried: set[frozenset[str]] = set()
    while waiting and len(smallest) < _MOST_WAYS:
        barred = waiting.pop(0)
        if barred in tried or len(tried) >= 3 * _MOST_WAYS:
            continue
        tried.add(barred)
        way = _one(tuple(s for s in safeguards if s.id not in barred), permitted)
        if way is None:
            continue
        if not any(_facts(way) >= _facts(other) for other in smallest):
            smallest = [other for other in smallest if not _facts(other) >= _facts(way)] + [way]
        waiting += [barred | {safeguard.id} for safeguard in way]
    return tuple(smallest)


def _one(safeguards: Sequence[Safeguard], permitted: Callable[[Way], bool]) -> Way | None:
    for everything in _sets(safeguards):
        if permitted(everything):
            return _minimal(everything, permitted)
    return None


def _sets(safeguards: Sequence[Safeguard]) -> Iterator[Way]:
    """All safeguards, with each choice among those of which only one is brought; none of them first."""
    together = tuple(s for s in safeguards if not s.instead_of)
    choices = [
        ((), *((s,) for s in safeguards if s.instead_of == kind))
        for kind in dict.fromkeys(s.instead_of for s in safeguards if s.instead_of)
    ]
    for chosen in itertools.product(*choices):
        yield (*itertools.chain.from_iterable(chosen), *together)


def _facts(way: Way) -> set[tuple[str, str]]:
    return {(path, str(value)) for safeguard in way for path, value in leaves(safeguard.facts).items()}


def _minimal(way: Way, permitted: Callable[[Way], bool]) -> Way:
    for safeguard in way:
        fewer = tuple(s for s in way if s is not safeguard)
        if permitted(fewer):
            way = fewer
    return way
