"""What a monitor reads of a running installation: figures for Prometheus, without a face, a name or a secret."""

from countenance.monitoring.calls import CallFigures
from countenance.monitoring.standing import StandingFigures
from countenance.monitoring.telling import MetricsServer
from countenance.monitoring.tracing import Traces

__all__ = ["CallFigures", "MetricsServer", "StandingFigures", "Traces"]
