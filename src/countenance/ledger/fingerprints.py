"""Sets of 64-bit numbers that grow to millions and are asked one by one: about eight bytes for each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy is slow to import, and small sets do without
    import numpy as np
    from numpy.typing import NDArray

_LOOSE = 4096
_SHARE = 128


class Fingerprints:
    """A set of whole numbers, 0 <= n < 2**64. Not safe to use from several threads.

    Most are in one sorted array. What changed since that was made is in sets, which are asked in a tenth of the time
    and take about a hundred bytes a number: up to 4096 changes, so that small sets are nothing else, or one for 128.
    """

    __slots__ = ("_gone", "_new", "_sorted")

    def __init__(self) -> None:
        self._sorted: NDArray[np.uint64] | None = None
        self._new: set[int] = set()  # in it, whatever the other two say
        self._gone: set[int] = set()  # not in it, whatever the array says

    def add(self, numbers: Iterable[int]) -> None:
        """Put them in."""
        self._new.update(numbers)
        self._settle_if_due()

    def remove(self, numbers: Iterable[int]) -> None:
        """Take out those that are in it."""
        out = frozenset(numbers)
        self._new -= out
        if self._sorted is not None:
            self._gone |= out
            self._settle_if_due()

    def __contains__(self, number: int) -> bool:
        if number in self._new:
            return True
        if self._sorted is None or number in self._gone:
            return False
        at = int(self._sorted.searchsorted(self._sorted.dtype.type(number)))
        return at < len(self._sorted) and int(self._sorted[at]) == number

    def numbers(self) -> NDArray[np.uint64]:
        """All of them in order, (n,)."""
        return _in_order(self._new) if self._sorted is None else self._settled(self._sorted)

    def equals(self, numbers: frozenset[int]) -> bool:
        """Whether these are all of them."""
        if self._sorted is None:
            return numbers == self._new
        import numpy as np

        return np.array_equal(self.numbers(), _in_order(numbers))

    def _settle_if_due(self) -> None:
        large = 0 if self._sorted is None else len(self._sorted)
        if len(self._new) + len(self._gone) > max(_LOOSE, large // _SHARE):
            self._settled(_in_order(()) if self._sorted is None else self._sorted)

    def _settled(self, kept: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """The array with the changes in it, which is kept."""
        import numpy as np

        new = _in_order(self._new)
        if len(kept):
            out = _in_order(self._gone | self._new)
            at = np.minimum(kept.searchsorted(out), len(kept) - 1)
            there = kept[at] == out
            if there.any():
                kept = np.delete(kept, at[there])
        self._sorted = np.insert(kept, kept.searchsorted(new), new)
        self._new, self._gone = set(), set()
        return self._sorted


def _in_order(numbers: Iterable[int]) -> NDArray[np.uint64]:
    import numpy as np

    return np.sort(np.fromiter(numbers, np.uint64))
