"""What a monitor is told of calls: figures of every kind, and nothing about anybody."""

from __future__ import annotations

import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest
from tests.fakes.engine import picture_of
from tests.unit.operations.conftest import CALIBRATION, World

from countenance.errors import BudgetSpent, Denied, Misconfigured, NoFace, NotFound
from countenance.ledger import Ledger
from countenance.monitoring import CallFigures, InstallationGauges, MetricsServer, Traces
from countenance.observing import Observers, observed, stage
from countenance.operations import (
    CreateGallery,
    Enrol,
    EvidenceFacts,
    Guard,
    Jobs,
    Operation,
    SearchByImage,
    Tools,
)
from countenance.policy import Rules, Verdict
from countenance.scoring import RawCosine
from countenance.signing import Signer

GALLERY, NAME = "g-visitors-of-ward-7", "mary.smith"


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def watched(world: World, registry: CollectorRegistry) -> World:
    """The same world, with figures."""
    tools = Tools(world.engine, world.gallery, RawCosine(), CALIBRATION, (), Jobs(world.database, world.clock))
    world.guard = Guard(
        tools, cast(Rules, world.rules), cast(Ledger, world.ledger), world.register, world.custody, world.moratoria,
        world.clock, world.budgets, CallFigures(registry),
    )  # fmt: skip
    return world


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


@contextmanager
def refused(world: World) -> Iterator[None]:
    world.rules._verdict = Verdict.DENY
    yield
    world.rules._verdict = Verdict.PERMIT


def drive(world: World) -> list[str]:
    """Calls of many kinds, some that fail; what none of the figures may show."""
    guard, caller = world.guard, world.caller
    guard.carry_out(caller, CreateGallery(GALLERY))
    face = guard.carry_out(caller, Enrol(GALLERY, picture_of(1), NAME)).result.faces[0][0]
    guard.carry_out(caller, SearchByImage(GALLERY, picture_of(1)))
    fails: tuple[tuple[type[Exception], Operation[Any, Any]], ...] = (
        (NoFace, SearchByImage(GALLERY, picture_of())),
        (NotFound, SearchByImage("g-absent", picture_of(1))),
    )
    for error, operation in fails:
        with pytest.raises(error):
            guard.carry_out(caller, operation)
    with refused(world), pytest.raises(Denied):
        guard.carry_out(caller, SearchByImage(GALLERY, picture_of(1)))
    return [GALLERY, NAME, face.face_id, face.image_id, world.key.access_key, world.key.secret, "A museum", "ann"]


def test_calls_are_counted_by_operation_and_outcome(watched: World, registry: CollectorRegistry) -> None:
    drive(watched)
    assert value(registry, "countenance_calls_total", operation="search", outcome="done") == 1
    assert value(registry, "countenance_calls_total", operation="search", outcome="NoFace") == 1
    assert value(registry, "countenance_calls_total", operation="search", outcome="Denied") == 1
    assert value(registry, "countenance_call_seconds_count", operation="search") == 4
    assert value(registry, "countenance_stage_seconds_count", stage="search") == 1
    assert (value(registry, "countenance_stage_seconds_count", stage="ledger") or 0) >= 6
    assert value(registry, "countenance_calls_running") == 0


def test_refusals_are_counted_by_mandate_and_clause(watched: World, registry: CollectorRegistry) -> None:
    with refused(watched), pytest.raises(Denied) as denied:
        watched.guard.carry_out(watched.caller, CreateGallery(GALLERY))
    mandate = watched.register.list()[0].mandate_id
    assert "test-1" in str(denied.value)
    assert value(registry, "countenance_refusals_total", mandate=mandate, cause="test-1") == 1


def test_a_spent_budget_is_a_refusal(watched: World, registry: CollectorRegistry) -> None:
    drive(watched)
    with pytest.raises(BudgetSpent):
        for _ in range(2000):
            watched.guard.carry_out(watched.caller, SearchByImage(GALLERY, picture_of(1)))
    mandate = watched.register.list()[0].mandate_id
    causes = [
        sample.labels["cause"]
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "countenance_refusals_total" and sample.labels["mandate"] == mandate
    ]
    assert any(cause.startswith("budget:") for cause in causes)


def gauges(world: World, registry: CollectorRegistry, ledger: Ledger) -> None:
    facts = EvidenceFacts(signed=True, expires_at=world.clock() + timedelta(days=12))
    InstallationGauges(
        registry, database=world.database, ledger=ledger, register=world.register, budgets=world.budgets,
        jobs=Jobs(world.database, world.clock), evidence=lambda: facts, now=world.clock,
    )  # fmt: skip


@pytest.fixture
def ledger(world: World) -> Iterator[Ledger]:
    log = Ledger(world.database, Signer(bytes(32)), "example.org/log", world.clock)
    yield log
    log.close()


def test_the_state_is_read_when_it_is_asked_for(watched: World, registry: CollectorRegistry, ledger: Ledger) -> None:
    gauges(watched, registry, ledger)
    drive(watched)
    mandate = watched.register.list()[0].mandate_id
    for n in range(3):
        ledger.append({"kind": "alarm", "what": str(n)}).wait()
    assert value(registry, "countenance_faces") == value(registry, "countenance_galleries") == 1
    assert value(registry, "countenance_ledger_entries") == ledger.size == 4  # the first one begins it
    assert value(registry, "countenance_ledger_lag_entries") == 2  # that and the next came with a checkpoint
    ledger.checkpoint()
    assert value(registry, "countenance_ledger_lag_entries") == 0
    assert (value(registry, "countenance_budget_spent", mandate=mandate, **{"in": "minute"}) or 0) >= 1
    assert value(registry, "countenance_evidence_days_left") == pytest.approx(12)
    assert value(registry, "countenance_mandates", state="active") == 1
    assert value(registry, "countenance_video_jobs", state="waiting") == 0
    assert value(registry, "countenance_unread") == 0


def test_what_cannot_be_read_is_left_out_and_counted(
    watched: World, registry: CollectorRegistry, ledger: Ledger
) -> None:
    gauges(watched, registry, ledger)
    with watched.database.begin() as connection:
        connection.exec_driver_sql("DROP TABLE video_job_candidates")
        connection.exec_driver_sql("DROP TABLE video_job_faces")
        connection.exec_driver_sql("DROP TABLE video_jobs")
    assert value(registry, "countenance_unread") == 1
    assert value(registry, "countenance_video_jobs", state="waiting") is None
    assert value(registry, "countenance_faces") == 0


LABELS = {
    "operation": r"[a-z_]+",
    "outcome": r"done|[A-Z][A-Za-z]+",
    "stage": "detect|embed|search|ledger",
    "mandate": r"mandate-[0-9a-f]{12}",
    "cause": r"[a-z0-9_./:§() -]+",
    "state": "[a-z]+",
    "in": "minute|day",
    "version": r"[0-9.]+.*",
    "le": r"[0-9.e+-]+|\+Inf",
}


def test_no_label_tells_of_anybody(watched: World, registry: CollectorRegistry, ledger: Ledger) -> None:
    gauges(watched, registry, ledger)
    private = drive(watched)
    text = generate_latest(registry).decode()
    for word in private:
        assert word not in text
    families = list(registry.collect())
    assert len(families) > 12
    for family in families:
        for sample in family.samples:
            for name, said in sample.labels.items():
                assert re.fullmatch(LABELS[name], said), f"{sample.name} says {name}={said!r}"


def test_metrics_have_an_address_of_their_own(registry: CollectorRegistry) -> None:
    CallFigures(registry).ended("detect", "done")
    server = MetricsServer(registry, "127.0.0.1", 0)
    server.start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            assert b'countenance_calls_total{operation="detect",outcome="done"} 1.0' in answer.read()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}/v1/health")
        with pytest.raises(Misconfigured, match="COUNTENANCE_METRICS"):
            MetricsServer(registry, "127.0.0.1", server.port).start()
    finally:
        server.stop()


def test_nobody_watches_where_nobody_was_named_and_several_may(registry: CollectorRegistry) -> None:
    with stage("detect"):
        pass
    other = CollectorRegistry()
    both = Observers([CallFigures(registry), CallFigures(other)])
    with pytest.raises(ZeroDivisionError), observed(both, "detect"), stage("detect"):
        raise ZeroDivisionError
    for each in (registry, other):
        assert value(each, "countenance_stage_seconds_count", stage="detect") == 1
        assert value(each, "countenance_calls_total", operation="detect", outcome="ZeroDivisionError") == 1


def test_traces_have_a_span_for_each_call_and_stage_and_nothing_about_anybody(world: World) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tools = Tools(world.engine, world.gallery, RawCosine(), CALIBRATION, (), Jobs(world.database, world.clock))
    world.guard = Guard(
        tools, cast(Rules, world.rules), cast(Ledger, world.ledger), world.register, world.custody, world.moratoria,
        world.clock, world.budgets, Traces(provider),
    )  # fmt: skip
    private = drive(world)
    spans = kept.get_finished_spans()
    calls = {span.context.span_id: span for span in spans if span.parent is None and span.context}
    assert {"search", "enrol", "create_gallery"} <= {span.name for span in calls.values()}
    stages = [span for span in spans if span.parent is not None]
    assert {span.name for span in stages} == {"search", "ledger"}
    assert all(span.parent and span.parent.span_id in calls for span in stages)
    outcomes = {str((span.attributes or {})["countenance.outcome"]) for span in calls.values()}
    assert outcomes == {"done", "NoFace", "NotFound", "Denied"}
    told = "".join(span.to_json() for span in spans)
    assert "test-1" in told  # the clause
    for word in [*private, world.register.list()[0].mandate_id]:
        assert word not in told


def test_spans_reach_a_collector_and_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        traces = Traces.to(f"http://127.0.0.1:{server.server_port}/v1/traces")
        with observed(traces, "detect"):
            pass
        traces.close()
        server.shutdown()
    assert b"detect" in got[0] and b"countenance.outcome" in got[0]
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(Misconfigured, match=r"countenance\[tracing\]"):
        Traces.to("http://127.0.0.1:1/v1/traces")
