"""What a monitor reads of a running installation: figures for Prometheus, without a face, a name or a secret."""

from countenance.monitoring.calls import CallFigures
from countenance.monitoring.gauges import InstallationGauges
from countenance.monitoring.telling import MetricsServer
from countenance.monitoring.tracing import Traces

__all__ = ["CallFigures", "InstallationGauges", "MetricsServer", "Traces"]
