"""The sweep belongs to the application: it runs from start-up to shutdown, and outlives its failures."""

from __future__ import annotations

import threading

from countenance.administration import RetentionSweep
from countenance.errors import StoreError


def test_it_runs_at_once_and_again_after_a_failure_until_it_is_stopped() -> None:
    thrice = threading.Semaphore(0)

    def sweep() -> int:
        thrice.release()
        raise StoreError("the database is away")

    retention = RetentionSweep(sweep, interval_s=0)
    retention.start()
    assert all(thrice.acquire(timeout=30) for _ in range(3))
    retention.stop()


def test_a_round_is_run_however_soon_it_is_stopped() -> None:
    rounds: list[str] = []

    def sweep() -> int:
        rounds.append("whole")
        return 0

    retention = RetentionSweep(sweep, interval_s=1e6)
    retention.start()
    retention.stop()
    assert rounds == ["whole"]


def test_stop_waits_for_the_round_that_has_begun_and_no_other_follows() -> None:
    begun, go_on = threading.Event(), threading.Event()
    rounds: list[str] = []

    def sweep() -> int:
        begun.set()
        go_on.wait(30)
        rounds.append("whole")
        return 0

    retention = RetentionSweep(sweep, interval_s=1e6)
    retention.start()
    assert begun.wait(30)
    go_on.set()
    retention.stop()
    assert rounds == ["whole"]
    assert not any(thread.name == "retention" for thread in threading.enumerate())
