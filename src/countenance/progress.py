"""Progress of long work: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
_EVERY_S = 5.0


def track(items: Iterable[T], what: str, total: int | None = None, unit: str = "it") -> Iterator[T]:
    """Yield `items` and show progress on stderr. total: the number of items, if `items` has no length."""
    if sys.stderr.isatty():
        yield from tqdm(items, desc=what, total=total, unit=unit, file=sys.stderr)
        return
    of = f"/{total}" if total is not None else f"/{len(items)}" if isinstance(items, Sized) else ""
    began = shown = time.monotonic()
    for done, item in enumerate(items):
        if (now := time.monotonic()) - shown >= _EVERY_S:
            shown = now
            print(f"{what}: {done}{of} {unit}, {now - began:.0f} s", file=sys.stderr, flush=True)  # noqa: T201
        yield item
