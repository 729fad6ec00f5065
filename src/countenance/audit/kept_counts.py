"""Counts of the parts of comparisons, kept until an audit is over: one that is interrupted goes on with the others.

A part's counts lie under a name that follows from the part, the thresholds and this version of the program, so they are
found again by what they are counts of, and by nothing else. They say nobody's id and no group's name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from countenance.metrics import ComparisonParts, Comparisons, CountAt, PairCounts
from countenance.metrics.statistics.dyads import Tally
from countenance.metrics.verification.counting import TalliesAt

_FORMAT = 1
_BY_PERSON = ("people", "side", "errors", "trials", "errors2", "cross", "trials2")
Named = tuple[str, Comparisons]
"""A part and its name."""
NamedCounts = tuple[str, PairCounts]
"""A part's name and its counts."""


@dataclass
class KeptCounts:
    """Counts parts by `over`, which applies a function to each, in any order, and keeps what was counted in `folder`.

    found: parts that had been counted before.
    """

    folder: Path
    over: Callable[[Callable[[Named], NamedCounts], Iterable[Named]], Iterable[NamedCounts]]
    found: int = 0

    def __call__(self, work: CountAt, parts: ComparisonParts) -> Iterator[PairCounts]:
        """The counts of each part, in any order. Only parts that are not kept are counted."""
        before = deque[PairCounts]()

        def others() -> Iterator[Named]:
            for part in parts:
                name = _name(part, work.thresholds)
                known = _read(self.folder / name)
                if known is None:
                    yield name, part
                else:
                    self.found += 1
                    before.append(known)

        for name, counts in self.over(partial(_counts, work), others()):
            self._keep(name, counts)
            while before:
                yield before.popleft()
            yield counts
        yield from before

    def forget(self) -> None:
        """Delete what is kept: the audit is over."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _keep(self, name: str, counts: PairCounts) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        written = self.folder / f"{name}.{os.getpid()}"
        with written.open("wb") as file:
            np.savez(file, **_arrays(counts))
        written.replace(self.folder / name)


def _counts(work: CountAt, named: Named) -> NamedCounts:
    name, part = named
    return name, work(part)


def _name(part: Comparisons, thresholds: Sequence[float]) -> str:
    hashed = hashlib.sha256(repr((_FORMAT, version("countenance"), tuple(thresholds))).encode())
    for each in fields(part):
        value = getattr(part, each.name)
        if isinstance(value, np.ndarray):
            hashed.update(repr((each.name, value.dtype.str, value.shape)).encode())
            hashed.update(np.ascontiguousarray(value).data)
        else:
            hashed.update(repr((each.name, value)).encode())
    return hashed.hexdigest()


def _arrays(counts: PairCounts) -> dict[str, Any]:
    tallies = [*(tally for at in counts.at for tally in _of(at)), *counts.failures]
    columns = {name: np.concatenate([getattr(tally, name) for tally in tallies]) for name in _BY_PERSON}
    return {
        **columns,
        "lengths": np.array([len(tally.people) for tally in tallies]),
        "totals": np.array([(tally.total_errors, tally.total_trials) for tally in tallies]),
        "sizes": np.array([len(counts.at), len(counts.failures)]),
        "seen": counts.seen,
    }


def _of(at: TalliesAt) -> tuple[Tally, ...]:
    return (*at.cells, *at.any_group, at.strangers, *at.mated, at.all_mated)


def _read(place: Path) -> PairCounts | None:
    """None where there is no such file, or one that was cut off, as by a power failure."""
    try:
        with np.load(place, allow_pickle=False) as file:
            kept = dict(file)
    except (OSError, ValueError, EOFError, BadZipFile):
        return None
    ends = np.cumsum(kept["lengths"])[:-1]
    columns = zip(*(np.split(kept[name], ends) for name in _BY_PERSON), strict=True)
    totals = kept["totals"].tolist()
    coming = iter([Tally(*column, *total) for column, total in zip(columns, totals, strict=True)])
    thresholds, groups = kept["sizes"].tolist()

    def some(count: int) -> tuple[Tally, ...]:
        return tuple(next(coming) for _ in range(count))

    cells = groups * (groups + 1) // 2
    at = tuple(
        TalliesAt(some(cells), some(groups), next(coming), some(groups), next(coming)) for _ in range(thresholds)
    )
    return PairCounts(at, some(groups), kept["seen"])
