"""Faces of several callers, put through one network together. Nobody waits for a batch to fill: a thread that gets a
lane takes what is waiting at that moment, its own faces and others'. So a lone face goes alone and at once, and under
load batches form by themselves.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from countenance.engine.runtime import Network
from countenance.faces import Pixels

Row = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class _Job:
    pixels: Pixels
    answer: Future[Row] = field(default_factory=Future)
    taken: bool = False


class Batcher:
    """Runs pictures of one size through `network`, one or `together` at a time; any number of threads may call it."""

    def __init__(self, network: Network, together: int) -> None:
        self._network = network
        self._together = together
        self._waiting: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._helpers = ThreadPoolExecutor(max(1, network.lanes - 1), thread_name_prefix="embed")

    def run(self, pictures: Sequence[Pixels]) -> list[Row]:
        """The network's first output for each of `pictures`, in their order, each without its batch axis."""
        jobs = [_Job(pixels) for pixels in pictures]
        with self._lock:
            self._waiting.extend(jobs)
        if len(jobs) > 1:
            for _ in range(min(len(jobs), self._network.lanes) - 1):
                self._helpers.submit(self._work_off)
        while jobs and not jobs[-1].taken:  # first come, first served
            self._work()
        return [job.answer.result() for job in jobs]

    def close(self) -> None:
        """Wait for running calls, and start no more."""
        self._helpers.shutdown()

    def _work_off(self) -> None:
        while self._waiting:
            self._work()

    def _work(self) -> None:
        """Wait for a lane, and put through it the lane's share of the faces waiting by then."""
        with self._network.lane() as run:
            with self._lock:
                number = self._together if len(self._waiting) >= self._together * self._network.lanes else 1
                jobs = [self._waiting.popleft() for _ in range(min(number, len(self._waiting)))]
                for job in jobs:
                    job.taken = True
            if not jobs:
                return
            try:
                rows = run(np.stack([job.pixels for job in jobs]))[0]
            except BaseException as error:
                for job in jobs:
                    job.answer.set_exception(error)
                raise
            for job, row in zip(jobs, rows, strict=True):
                job.answer.set_result(row)
