"""Counters of calls: told by the guard and the front doors as they happen, held in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from countenance.observing import STAGES, Stage

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class CallFigures:
    """Counts calls by operation and outcome, stages by time, refusals by mandate and clause, HTTP requests by door.

    An `Observer` of calls and of requests. registry: where the figures are registered.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "countenance_calls",
            "Calls that the guard carried out or refused; outcome: done, or the name of the error.",
            ("operation", "outcome"),
            registry=registry,
        )
        self._call_seconds = Histogram(
            "countenance_call_seconds",
            "Time of a call behind the guard, until its answer might leave.",
            ("operation",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._stage_seconds = Histogram(
            "countenance_stage_seconds",
            "Time of a stage of a call: detect (decoding included), embed, search, ledger (waiting for the disk).",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        for each in STAGES:
            self._stage_seconds.labels(each)
        self._running = Gauge("countenance_calls_running", "Calls behind the guard now.", registry=registry)
        self._refusals = Counter(
            "countenance_refusals",
            "Calls refused to a mandate; cause: the clauses that refused, or overdue, unenforceable, budget:NAME.",
            ("mandate", "cause"),
            registry=registry,
        )
        self._requests = Counter(
            "countenance_http_requests", "HTTP requests answered.", ("door", "status"), registry=registry
        )
        self._in_hand = Gauge(
            "countenance_http_requests_in_hand",
            "HTTP requests being read, waiting or running.",
            ("door",),
            registry=registry,
        )

    @contextmanager
    def call(self, operation: str) -> Iterator[None]:
        """Time a call."""
        with self._running.track_inprogress(), self._call_seconds.labels(operation).time():
            yield

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Time a stage."""
        with self._stage_seconds.labels(stage).time():
            yield

    def ended(self, operation: str, outcome: str) -> None:
        """Count a call."""
        self._calls.labels(operation, outcome).inc()

    def refused(self, mandate_id: str, causes: Sequence[str]) -> None:
        """Count a refusal, once for each cause."""
        for cause in causes:
            self._refusals.labels(mandate_id, cause).inc()

    @contextmanager
    def request(self, door: str) -> Iterator[None]:
        """An HTTP request at that door."""
        with self._in_hand.labels(door).track_inprogress():
            yield

    def answered(self, door: str, status: int) -> None:
        """Count an answer."""
        self._requests.labels(door, str(status)).inc()
