import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import cast

import numpy as np
import pytest

from countenance.engine.batching import Batcher, Row
from countenance.engine.runtime import Network, Outputs
from countenance.faces import Pixels


class FakeNetwork:
    """Answers each picture with its first pixel; counts batches; waits at a gate where one is given.

    asked, at_gate: released once for each call that asks for a lane, and for each batch that comes to the gate.
    """

    def __init__(self, lanes: int, gate: threading.Event | None = None) -> None:
        self.lanes = lanes
        self.batches: list[int] = []
        self.busy = self.busiest = 0
        self.asked, self.at_gate = threading.Semaphore(0), threading.Semaphore(0)
        self._gate = gate
        self._lock = threading.Lock()
        self._free: LifoQueue[int] = LifoQueue()
        for lane in range(lanes):
            self._free.put(lane)

    @contextmanager
    def lane(self) -> Iterator[Callable[[Pixels], Outputs]]:
        self.asked.release()
        lane = self._free.get()
        with self._lock:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        try:
            yield self._run
        finally:
            with self._lock:
                self.busy -= 1
            self._free.put(lane)

    def _run(self, stack: Pixels) -> Outputs:
        self.at_gate.release()
        if self._gate is not None:
            assert self._gate.wait(30)
        if (stack == 255).any():
            raise RuntimeError("a lane broke")
        with self._lock:
            self.batches.append(len(stack))
        return [stack[:, 0, 0, :1].astype(np.float32)]


def batching(network: FakeNetwork, together: int = 4) -> Batcher:
    return Batcher(cast(Network, network), together)


def picture(value: int) -> Pixels:
    return np.full((2, 2, 3), value, dtype=np.uint8)


@pytest.mark.parametrize("lanes", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 2, 17, 100])
def test_answers_come_in_the_order_of_the_pictures(lanes: int, count: int) -> None:
    network = FakeNetwork(lanes)
    rows = batching(network).run([picture(i) for i in range(count)])
    assert [row.tolist() for row in rows] == [[i] for i in range(count)]
    assert sum(network.batches) == count
    assert set(network.batches) <= {1, 4}


def test_faces_of_one_caller_share_the_lanes() -> None:
    gate = threading.Event()
    network = FakeNetwork(2, gate)
    batcher = batching(network)
    done: list[Row] = []
    thread = threading.Thread(target=lambda: done.extend(batcher.run([picture(1), picture(2)])))
    thread.start()
    assert all(network.at_gate.acquire(timeout=30) for _ in range(2))
    gate.set()
    thread.join(30)
    assert len(done) == 2
    assert network.busiest == 2
    assert network.batches == [1, 1]


def test_callers_who_wait_for_a_lane_go_together() -> None:
    gate = threading.Event()
    network = FakeNetwork(1, gate)
    batcher = batching(network)
    answers: dict[int, list[float]] = {}

    def call(value: int) -> None:
        answers[value] = batcher.run([picture(value)])[0].tolist()

    threads = [threading.Thread(target=call, args=(value,)) for value in range(9)]
    threads[0].start()
    assert network.at_gate.acquire(timeout=30)
    for thread in threads[1:]:
        thread.start()
    assert all(network.asked.acquire(timeout=30) for _ in threads)
    gate.set()
    for thread in threads:
        thread.join(30)
    assert answers == {value: [value] for value in range(9)}
    assert network.batches == [1, 4, 4]


def test_an_error_reaches_every_caller_of_that_batch_and_nobody_else() -> None:
    network = FakeNetwork(2)
    batcher = batching(network)
    with pytest.raises(RuntimeError, match="a lane broke"):
        batcher.run([picture(255)])
    assert batcher.run([picture(3)])[0].tolist() == [3]


def test_an_error_in_a_helpers_batch_reaches_the_caller() -> None:
    batcher = batching(FakeNetwork(2), 1)
    with pytest.raises(RuntimeError, match="a lane broke"):
        batcher.run([picture(1), picture(2), picture(255), picture(4)])
    batcher.close()


def test_many_callers_get_their_own_answers() -> None:
    batcher = batching(FakeNetwork(3))
    wrong: list[list[int]] = []

    def call(start: int) -> None:
        for size in range(1, 8):
            values = [(start + i) % 250 for i in range(size)]
            if [row.tolist() for row in batcher.run([picture(v) for v in values])] != [[v] for v in values]:
                wrong.append(values)

    threads = [threading.Thread(target=call, args=(start,)) for start in range(0, 250, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert wrong == []
