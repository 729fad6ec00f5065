"""Progress of long work: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def track(items: Iterable[T], what: str, total: int | None = None, unit: str = "it") -> Iterator[T]:
    """Yield `items`, showing on stderr how far it is. total: how many there are, where `items` cannot say."""
    on_terminal = sys.stderr.isatty()
    yield from tqdm(
        items,
        desc=what,
        total=total,
        unit=unit,
        file=sys.stderr,
        ascii=not on_terminal,
        mininterval=0.1 if on_terminal else 5.0,
        bar_format=None if on_terminal else "{desc}: {n_fmt}/{total_fmt} {unit} {elapsed}<{remaining}\n",
        leave=on_terminal,
    )
