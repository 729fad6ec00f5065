"""Traces of calls for OpenTelemetry: a span for each call and each stage of it. Needs the extra `tracing`.

A span says the operation, the stage, how it ended and how long it took; nothing of who asked, or about whom.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from countenance.errors import Misconfigured
from countenance.observing import Stage

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_NAME = "countenance"


class Traces:
    """An `Observer` that makes spans with the tracers of `provider`."""

    def __init__(self, provider: TracerProvider) -> None:
        from opentelemetry import trace

        self._provider = provider
        self._tracer = provider.get_tracer(_NAME, version(_NAME))
        self._current = trace.get_current_span
        self._failed = trace.Status(trace.StatusCode.ERROR)

    @classmethod
    def to(cls, endpoint: str) -> Traces:
        """Sent to that URL by OTLP over HTTP, in batches; `Misconfigured` without the extra."""
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ModuleNotFoundError as error:
            raise Misconfigured(
                "COUNTENANCE_TRACES is set and OpenTelemetry is not installed: install countenance[tracing]"
            ) from error
        provider = TracerProvider(resource=Resource({"service.name": _NAME, "service.version": version(_NAME)}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
        return cls(provider)

    @contextmanager
    def call(self, operation: str) -> Iterator[None]:
        """A span that no other one is above."""
        with self._tracer.start_as_current_span(operation, record_exception=False, set_status_on_exception=False):
            yield

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """A span below that of the call."""
        with self._tracer.start_as_current_span(stage, record_exception=False, set_status_on_exception=False):
            yield

    def ended(self, operation: str, outcome: str) -> None:
        """Note the outcome on the span of the call."""
        span = self._current()
        span.set_attribute("countenance.outcome", outcome)
        if outcome != "done":
            span.set_status(self._failed)

    def refused(self, mandate_id: str, causes: Sequence[str]) -> None:
        """Note what refused the call; which mandate it was stays in the ledger."""
        self._current().set_attribute("countenance.causes", list(causes))

    def close(self) -> None:
        """Send what waits."""
        self._provider.shutdown()
