"""Azure Face: Microsoft's unmodified clients, pointed at this server, work."""

from countenance.api.azure.routes import PREFIX
from countenance.api.azure.server import LIMITS, AzureServer, app

__all__ = ["LIMITS", "PREFIX", "AzureServer", "app"]
