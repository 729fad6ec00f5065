"""Follows covered faces from frame to frame by position alone, and interpolates between the frames that were searched.
No template is made for this: two people who swap places swap their paths, and both stay covered.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from countenance.faces import BoundingBox
from countenance.redaction.covering import head
from countenance.redaction.regions import Region, RegionOrigin

GAP_MS = 1000.0
"""How long a face may be missed and still count as the same."""
HOLD_MS = 500.0
"""How long a face's position is covered before it is first found and after it is last found."""
_OVERLAP = 0.1


@dataclass(eq=False)
class Move:
    """One face's path through a video. moments: milliseconds, rising, one for each of regions, which were found. left:
    indices in both of the finds that stay uncovered.
    """

    moments: list[float] = field(default_factory=list)
    regions: list[Region] = field(default_factory=list)
    left: set[int] = field(default_factory=set)

    def leaves(self, moment: float) -> bool:
        """Whether it was found at `moment` and stays uncovered there."""
        place = bisect_left(self.moments, moment)
        return place in self.left and self.moments[place] == moment

    def at(self, moment: float, hold_ms: float) -> Region | None:
        """Where it is at `moment`; None before its beginning and after its end."""
        place = bisect_left(self.moments, moment)
        if place < len(self.moments) and self.moments[place] == moment:
            return self.regions[place]
        if place == 0 or place == len(self.moments):
            nearest = min(place, len(self.moments) - 1)
            if abs(self.moments[nearest] - moment) > hold_ms:
                return None
            return Region(self.regions[nearest].box, self.regions[nearest].score, RegionOrigin.HELD)
        before, after = self.regions[place - 1], self.regions[place]
        share = (moment - self.moments[place - 1]) / (self.moments[place] - self.moments[place - 1])
        nearer = before if share < 0.5 else after
        return Region(_between(before.box, after.box, share), nearer.score, RegionOrigin.BETWEEN)


class Follower:
    """Assigns the finds of each frame to paths.

    step_ms: time between two frames that are searched; 0 for every frame.
    """

    def __init__(self, step_ms: float = 0.0) -> None:
        self.hold_ms = max(HOLD_MS, step_ms)
        self._gap_ms = max(GAP_MS, 2.5 * step_ms)
        self._open: list[Move] = []
        self.moves: list[Move] = []

    def update(self, moment: float, regions: Sequence[Region]) -> list[Move]:
        """The path of each of `regions`, found at `moment`. Call it in order of time."""
        self._open = [move for move in self._open if moment - move.moments[-1] <= self._gap_ms]
        taken: list[Move | None] = [None] * len(regions)
        candidates = [move for move in self._open if move.moments[-1] < moment]
        if regions and candidates:
            heads = [head(move.regions[-1].box) for move in candidates]
            shared = np.array([[head(region.box).overlap(other) for other in heads] for region in regions])
            from scipy.optimize import linear_sum_assignment  # slow to import, and few calls need it

            for row, column in zip(*linear_sum_assignment(-shared), strict=True):
                if shared[row, column] >= _OVERLAP:
                    taken[row] = candidates[column]
        moves = []
        for region, known in zip(regions, taken, strict=True):
            move = known
            if move is None:
                move = Move()
                self._open.append(move)
                self.moves.append(move)
            move.moments.append(moment)
            move.regions.append(region)
            moves.append(move)
        return moves


class Places:
    """Where the faces of `moves` are; to be called in order of time."""

    def __init__(self, moves: Iterable[Move], hold_ms: float) -> None:
        self._hold_ms = hold_ms
        self._waiting = sorted(moves, key=lambda move: -move.moments[0])
        self._running: list[Move] = []

    def at(self, moment: float) -> tuple[tuple[Region, ...], tuple[Region, ...]]:
        """The faces to cover at `moment`, and those that stay uncovered."""
        while self._waiting and self._waiting[-1].moments[0] - self._hold_ms <= moment:
            self._running.append(self._waiting.pop())
        self._running = [move for move in self._running if moment <= move.moments[-1] + self._hold_ms]
        covered: list[Region] = []
        left: list[Region] = []
        for move in self._running:
            region = move.at(moment, self._hold_ms)
            if region is not None:
                (left if move.leaves(moment) else covered).append(region)
        return tuple(covered), tuple(left)


def _between(one: BoundingBox, other: BoundingBox, share: float) -> BoundingBox:
    """The box on the straight line from `one` to `other`, large enough for both sizes."""
    x = (one.left + one.width / 2) * (1 - share) + (other.left + other.width / 2) * share
    y = (one.top + one.height / 2) * (1 - share) + (other.top + other.height / 2) * share
    width, height = max(one.width, other.width), max(one.height, other.height)
    return BoundingBox(x - width / 2, y - height / 2, width, height)
