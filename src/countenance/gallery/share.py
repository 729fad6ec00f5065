"""Which faces are whose, where several indexes hold the galleries together."""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = 1024
"""Consecutive numbers that lie together: they are read in one go, and a gallery of a few blocks is spread already."""
END = 2**63 - 1
"""Above every number."""


@dataclass(frozen=True, slots=True)
class FaceShare:
    """Every `of`-th block of numbers, from block `number` on; 0 of 1 is everything."""

    number: int = 0
    of: int = 1

    def stretch(self, number: int) -> tuple[int, int]:
        """The first and the one after the last of the nearest numbers of this share, none below `number`."""
        if self.of == 1:
            return number, END
        block = number // BLOCK
        block += (self.number - block) % self.of
        return max(number, block * BLOCK), (block + 1) * BLOCK


EVERYTHING = FaceShare()
